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
#include "cpu/lockdep.h"
#include "cpu/percpu.h"
#include "lib/types.h"

/* Four bytes, because struct page carries one. The owner is for assertions: debug builds write it. */
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

/* Spinlocks that this CPU holds. Changed by single instructions: an interrupt handler takes and
 * releases between any two of them. */
DECLARE_PER_CPU(u32, nr_spinlocks_held);

/* Spinlocks this CPU holds; must be 0 where a task sleeps or parks. */
static inline u32 spinlocks_held(void)
{
	return this_cpu_read(nr_spinlocks_held);
}

#ifdef CONFIG_DEBUG

void spin_lock(spinlock_t *lock);
void spin_lock_nested(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_trylock(spinlock_t *lock);

/* Whether this CPU holds the lock: for assertions. */
bool spin_is_held(const spinlock_t *lock);

#else

/* The lock was taken when spin_lock() tried: takes it when it is free. */
void spin_lock_contended(spinlock_t *lock);

static inline bool spin_trylock(spinlock_t *lock)
{
	if (unlikely(__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE)))
		return false;
	this_cpu_add(nr_spinlocks_held, 1);
	return true;
}

static inline void spin_lock(spinlock_t *lock)
{
	if (!spin_trylock(lock))
		spin_lock_contended(lock);
}

/* For a second lock of a rank: the caller says why two never wait for each other. */
static inline void spin_lock_nested(spinlock_t *lock)
{
	spin_lock(lock);
}

static inline void spin_unlock(spinlock_t *lock)
{
	this_cpu_add(nr_spinlocks_held, -1);
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

static inline bool spin_is_held(const spinlock_t *lock)
{
	return READ_ONCE(lock->locked);
}

#endif

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
