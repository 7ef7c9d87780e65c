/*
 * Spinlocks. Debug builds check every acquisition and release (lockdep.c). How many are held is
 * counted in every build, because sleeping or parking with a spinlock held must be noticed in all of
 * them. Otherwise taking a free lock is an exchange and that count, inlined (spinlock.h): a page
 * fault takes half a dozen.
 *
 * The count belongs to the CPU, not to a context: a handler counts above what it interrupted and is
 * back before it returns.
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
	struct lockdep_spin spin = {0};

	/* After a panic the owner may be a CPU that was stopped, or this one itself. */
	while (!try_take(lock) && !panic_is_here()) {
		cpu_relax();
		lockdep_spin(lock, lock->rank, READ_ONCE(lock->owner), &spin);
	}
}

#ifndef CONFIG_DEBUG

void spin_lock_contended(spinlock_t *lock)
{
	take(lock);
	this_cpu_add(nr_spinlocks_held, 1);
}

#else

static void lock_asked(spinlock_t *lock)
{
	take(lock);
	lock->owner = cpu_id() + 1;
	this_cpu_add(nr_spinlocks_held, 1);
	lockdep_taken(lock, lock->rank);
}

void spin_lock(spinlock_t *lock)
{
	lockdep_ask(lock, lock->rank, LOCK_WAITS);
	lock_asked(lock);
}

void spin_lock_nested(spinlock_t *lock)
{
	lockdep_ask(lock, lock->rank, LOCK_NESTED);
	lock_asked(lock);
}

bool spin_trylock(spinlock_t *lock)
{
	lockdep_ask(lock, lock->rank, LOCK_TRIES);
	if (!try_take(lock))
		return false;
	lock->owner = cpu_id() + 1;
	this_cpu_add(nr_spinlocks_held, 1);
	lockdep_taken(lock, lock->rank);
	return true;
}

void spin_unlock(spinlock_t *lock)
{
	lockdep_release(lock, lock->rank);
	this_cpu_add(nr_spinlocks_held, -1);
	lock->owner = 0;
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

bool spin_is_held(const spinlock_t *lock)
{
	return READ_ONCE(lock->locked) && READ_ONCE(lock->owner) == cpu_id() + 1;
}

#endif
