/*
 * Sleeping readers-writer locks, made of a spinlock for the counts and a wait queue.
 *
 * Every release that could let somebody in wakes all sleepers, who try again. Handing the lock over
 * to the first in the queue was rejected: on few CPUs the new owner often does not run yet, and
 * everybody else waits for it.
 *
 * Order: sem->lock (RANK_RWSEM) is never held while the queue's lock is taken.
 */
#include "cpu/rwsem.h"
#include "cpu/panic.h"
#include "lib/errno.h"

void rwsem_init(struct rwsem *sem, enum lock_rank rank)
{
	spin_lock_init(&sem->lock, RANK_RWSEM);
	sem->rank = rank;
	sem->readers = 0;
	sem->writers_waiting = 0;
	wait_queue_init(&sem->wait);
}

static bool try_read(struct rwsem *sem)
{
	u64 flags = spin_lock_irqsave(&sem->lock);
	bool got_it = sem->readers >= 0 && sem->writers_waiting == 0;

	if (got_it)
		sem->readers++;
	spin_unlock_irqrestore(&sem->lock, flags);
	return got_it;
}

bool down_read_trylock(struct rwsem *sem)
{
	bool got_it = try_read(sem);

	if (got_it)
		lockdep_taken(sem, sem->rank);
	return got_it;
}

void __sched down_read(struct rwsem *sem)
{
	lockdep_ask(sem, sem->rank, LOCK_WAITS);
	if (!try_read(sem))
		wait_event(&sem->wait, try_read(sem));
	lockdep_taken(sem, sem->rank);
}

void up_read(struct rwsem *sem)
{
	lockdep_release(sem, sem->rank);

	u64 flags = spin_lock_irqsave(&sem->lock);

	ASSERT(sem->readers > 0);
	/* Only a writer can wait for readers; other readers wait for it. */
	bool lets_in = --sem->readers == 0 && sem->writers_waiting > 0;
	spin_unlock_irqrestore(&sem->lock, flags);
	if (lets_in)
		wake_up(&sem->wait);
}

static bool try_write(struct rwsem *sem)
{
	u64 flags = spin_lock_irqsave(&sem->lock);
	bool got_it = sem->readers == 0;

	if (got_it)
		sem->readers = -1;
	spin_unlock_irqrestore(&sem->lock, flags);
	return got_it;
}

/* A writer that waits is counted, and uncounted with the acquisition. */
static bool try_write_waiting(struct rwsem *sem)
{
	u64 flags = spin_lock_irqsave(&sem->lock);
	bool got_it = sem->readers == 0;

	if (got_it) {
		sem->readers = -1;
		sem->writers_waiting--;
	}
	spin_unlock_irqrestore(&sem->lock, flags);
	return got_it;
}

static void change_writers_waiting(struct rwsem *sem, s32 by)
{
	u64 flags = spin_lock_irqsave(&sem->lock);

	sem->writers_waiting += by;
	spin_unlock_irqrestore(&sem->lock, flags);
}

static void __sched down_write_ask(struct rwsem *sem, enum lock_ask ask)
{
	lockdep_ask(sem, sem->rank, ask);
	if (!try_write(sem)) {
		change_writers_waiting(sem, 1);
		wait_event(&sem->wait, try_write_waiting(sem));
	}
	lockdep_taken(sem, sem->rank);
}

void __sched down_write(struct rwsem *sem)
{
	down_write_ask(sem, LOCK_WAITS);
}

void __sched down_write_nested(struct rwsem *sem)
{
	down_write_ask(sem, LOCK_NESTED);
}

int __sched down_write_killable(struct rwsem *sem)
{
	int error = 0;

	lockdep_ask(sem, sem->rank, LOCK_WAITS);
	if (!try_write(sem)) {
		change_writers_waiting(sem, 1);
		error = wait_event_killable(&sem->wait, try_write_waiting(sem));
	}
	if (error == 0) {
		lockdep_taken(sem, sem->rank);
		return 0;
	}
	change_writers_waiting(sem, -1);
	wake_up(&sem->wait); /* readers that this writer kept out */
	return error;
}

void up_write(struct rwsem *sem)
{
	lockdep_release(sem, sem->rank);

	u64 flags = spin_lock_irqsave(&sem->lock);

	ASSERT(sem->readers == -1);
	sem->readers = 0;
	spin_unlock_irqrestore(&sem->lock, flags);
	wake_up(&sem->wait);
}

bool rwsem_is_locked(const struct rwsem *sem)
{
	return READ_ONCE(sem->readers) != 0;
}
