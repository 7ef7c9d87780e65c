/*
 * Spinlocks, and the proof of the lock order.
 *
 * In debug builds every CPU keeps a stack of the spinlocks it holds, and an acquisition looks at
 * it: the new lock must rank above everything that is held, so no two CPUs can ever wait for each
 * other. How many are held is counted in every build, because sleeping or parking with a spinlock
 * held must be noticed in all of them. Otherwise taking a free lock is an exchange and that count,
 * inlined (spinlock.h): a page fault takes half a dozen.
 *
 * A lock that is only tried cannot deadlock, so spin_trylock() checks no rank; what is held
 * afterwards still counts.
 *
 * Interrupts. Stack and count belong to the CPU, not to a context: a handler pushes above what it
 * interrupted and pops before it returns. A handler's locks must therefore rank above all locks
 * that are ever held with interrupts on: just what the order of rank.def says.
 */
#include "cpu/spinlock.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"

DEFINE_PER_CPU(u32, nr_spinlocks_held);

static bool try_take(spinlock_t *lock)
{
	return !READ_ONCE(lock->locked) && !__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE);
}

static void take(spinlock_t *lock)
{
	/* After a panic the owner may be a CPU that was stopped, or this one itself. */
	while (!try_take(lock) && !panic_is_here())
		cpu_relax();
}

#ifndef CONFIG_DEBUG

void spin_lock_contended(spinlock_t *lock)
{
	take(lock);
	this_cpu_add(nr_spinlocks_held, 1);
}

#else

#define MAX_HELD             16

static DEFINE_PER_CPU(const spinlock_t *[MAX_HELD], held_locks); /* in the order of acquisition */

static const char *const rank_names[NR_LOCK_RANKS] = {
#define LOCK_RANK(name, doc) [name] = #name,
#include "cpu/rank.def"
#undef LOCK_RANK
};

static void check_order(const spinlock_t *lock)
{
	const spinlock_t *const *held = this_cpu(held_locks);

	if (panic_in_progress())
		return; /* the last words take what they need, whatever was held */
	if (lock->rank == RANK_NONE || lock->rank >= NR_LOCK_RANKS)
		panic("spinlock %p was never initialised", lock);
	for (u32 i = 0; i < spinlocks_held(); i++) {
		if (held[i]->rank >= lock->rank)
			panic("lock order: %s taken while holding %s", rank_names[lock->rank],
			      rank_names[held[i]->rank]);
	}
}

/* Both run with interrupts off: a handler between reading and writing the count would push into the
 * same place. */
static void push_held(const spinlock_t *lock)
{
	u64 flags = irq_save();
	u32 nr = spinlocks_held();

	BUG_ON(nr == MAX_HELD);
	this_cpu(held_locks)[nr] = lock;
	this_cpu_write(nr_spinlocks_held, nr + 1);
	irq_restore(flags);
}

static void pop_held(const spinlock_t *lock)
{
	u64 flags = irq_save();
	const spinlock_t **held = this_cpu(held_locks);
	u32 nr = spinlocks_held(), i = nr;

	while (i > 0 && held[i - 1] != lock)
		i--;
	BUG_ON(i == 0);
	for (; i < nr; i++)
		held[i - 1] = held[i];
	this_cpu_write(nr_spinlocks_held, nr - 1);
	irq_restore(flags);
}

void spin_lock(spinlock_t *lock)
{
	check_order(lock);
	take(lock);
	lock->owner = cpu_id() + 1;
	push_held(lock);
}

bool spin_trylock(spinlock_t *lock)
{
	if (!try_take(lock))
		return false;
	lock->owner = cpu_id() + 1;
	push_held(lock);
	return true;
}

void spin_unlock(spinlock_t *lock)
{
	pop_held(lock);
	lock->owner = 0;
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

bool spin_is_held(const spinlock_t *lock)
{
	return READ_ONCE(lock->locked) && READ_ONCE(lock->owner) == cpu_id() + 1;
}

#endif
