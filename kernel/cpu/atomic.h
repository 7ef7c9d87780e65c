/* Atomic counters: sequentially consistent, as the LOCK prefix makes them anyway. */
#ifndef CPU_ATOMIC_H
#define CPU_ATOMIC_H

#include "lib/types.h"

typedef struct {
	s32 v;
} atomic_t;

static inline s32 atomic_read(const atomic_t *a)
{
	return __atomic_load_n(&a->v, __ATOMIC_RELAXED);
}
static inline void atomic_set(atomic_t *a, s32 v)
{
	__atomic_store_n(&a->v, v, __ATOMIC_RELAXED);
}
static inline void atomic_inc(atomic_t *a)
{
	__atomic_add_fetch(&a->v, 1, __ATOMIC_SEQ_CST);
}
static inline void atomic_dec(atomic_t *a)
{
	__atomic_sub_fetch(&a->v, 1, __ATOMIC_SEQ_CST);
}
static inline s32 atomic_add_return(atomic_t *a, s32 n)
{
	return __atomic_add_fetch(&a->v, n, __ATOMIC_SEQ_CST);
}
static inline s32 atomic_inc_return(atomic_t *a)
{
	return atomic_add_return(a, 1);
}
static inline s32 atomic_dec_return(atomic_t *a)
{
	return atomic_add_return(a, -1);
}

/* Adds one unless the value is 0; returns whether it did. */
static inline bool atomic_inc_not_zero(atomic_t *a)
{
	s32 old = atomic_read(a);

	while (old != 0)
		if (__atomic_compare_exchange_n(&a->v, &old, old + 1, false, __ATOMIC_SEQ_CST,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

#endif
