/*
 * Spinlocks with ranks. The kernel is not preempted, so taking one does not need to turn preemption
 * off; a lock that an interrupt handler also takes must be taken with the _irqsave forms. A holder
 * must not sleep.
 *
 * Test-and-set with a read-only spin, not a ticket lock: guests have more CPUs than the host, and a
 * ticket whose owner is not running stops all behind it.
 */
#ifndef CPU_SPINLOCK_H
#define CPU_SPINLOCK_H

#include "cpu/irqflags.h"
#include "lib/types.h"

enum lock_rank {
#define LOCK_RANK(name, doc) name,
#include "cpu/rank.def"
#undef LOCK_RANK
	NR_LOCK_RANKS
};

/* Four bytes, because struct page carries one. The owner is for assertions and the monitor. */
typedef struct spinlock {
	u8 locked;
	u8 rank;   /* enum lock_rank */
	u16 owner; /* cpu + 1 while locked, else 0 */
} spinlock_t;

static_assert(sizeof(spinlock_t) == 4, "struct page has room for four bytes");

#define SPINLOCK_INIT(r)      ((spinlock_t){.rank = (r)})
#define DEFINE_SPINLOCK(n, r) spinlock_t n = SPINLOCK_INIT(r)

static inline void spin_lock_init(spinlock_t *lock, enum lock_rank rank)
{
	*lock = SPINLOCK_INIT(rank);
}

void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_trylock(spinlock_t *lock);

/* Whether this CPU holds the lock: for assertions. */
bool spin_is_held(const spinlock_t *lock);

/* Spinlocks this CPU holds; must be 0 where a task sleeps or parks. */
u32 spinlocks_held(void);

static inline u64 spin_lock_irqsave(spinlock_t *lock)
{
	u64 flags = irq_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, u64 flags)
{
	spin_unlock(lock);
	irq_restore(flags);
}

#endif
