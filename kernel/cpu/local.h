/*
 * Read-modify-write in one instruction without a LOCK prefix: an interrupt of this CPU cannot split
 * it, another CPU could. For data that one CPU at a time changes, in any nesting of its interrupts.
 * A third of the price of a locked one, and the reason why the trace needs no interrupts off.
 */
#ifndef CPU_LOCAL_H
#define CPU_LOCAL_H

#include "cpu/percpu.h"

/*
 * Sets this CPU's copy of a 64-bit variable to `new` if it holds *old, and says whether it did;
 * otherwise *old becomes what it holds. Compiler barrier.
 */
#define this_cpu_try_cmpxchg(name, old, new)                                               \
	({                                                                                 \
		bool exchanged_;                                                           \
		u64 expected_ = *(old);                                                    \
                                                                                           \
		static_assert(sizeof(name) == 8, "this_cpu_try_cmpxchg: 64 bits only");    \
		__asm__ volatile(                                                          \
			"cmpxchgq %[to], %[variable]"                                      \
			: "=@ccz"(exchanged_),                                             \
			  [variable] "+m"(*(typeof(name) __seg_gs *)(uintptr_t) & (name)), \
			  "+a"(expected_)                                                  \
			: [to] "r"((u64)(new))                                             \
			: "memory");                                                       \
		*(old) = expected_;                                                        \
		exchanged_;                                                                \
	})

static inline void local_inc(u64 *counter)
{
	__asm__ volatile("incq %0" : "+m"(*counter)::"memory", "cc");
}

/* Subtracts and says whether the result is 0. */
static inline bool local_sub_and_test(u64 *counter, u64 n)
{
	bool zero;

	__asm__ volatile("subq %[n], %[counter]"
			 : "=@ccz"(zero), [counter] "+m"(*counter)
			 : [n] "er"(n)
			 : "memory");
	return zero;
}

#endif
