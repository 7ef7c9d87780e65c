/*
 * What debug builds check about locks, of every kind: order by rank, taking what one holds,
 * releasing what one does not, sleeping with a spinlock, and spinlocks that an interrupt handler
 * takes although they are also taken with interrupts on. Linux has lockdep for it; ranks make the
 * graph of Linux's unnecessary.
 *
 * Spinlocks are held by the CPU, sleeping locks by the task. Each hold keeps the backtrace of its
 * acquisition, which a report shows. A report is the end: it panics.
 *
 * In other builds all this is nothing.
 */
#ifndef CPU_LOCKDEP_H
#define CPU_LOCKDEP_H

#include "lib/types.h"

enum lock_rank {
#define LOCK_RANK(name, doc) name,
#include "cpu/rank.def"
#undef LOCK_RANK
	NR_LOCK_RANKS,
	LAST_SLEEPING_RANK = RANK_PAGE
};

/* How a lock is asked for. */
enum lock_ask {
	LOCK_WAITS,  /* until it has it */
	LOCK_NESTED, /* the same, and what is held may be of the same rank: nobody else knows the
			lock yet, or the caller says why two never wait for each other */
	LOCK_TRIES,  /* gives up: cannot deadlock, so no order is checked */
};

/* One spin, zeroed when it begins. */
struct lockdep_spin {
	u64 started_ns;
	bool reported;
};

#ifdef CONFIG_DEBUG

#include "cpu/backtrace.h"

/* Sleeping locks that a task holds at once: a pass of reclaim has the page locks of its 32 pages,
 * below those of a fault or a fork. */
#define MAX_SLEEPING_LOCKS 40

struct held_lock {
	const void *lock;
	enum lock_rank rank;
	struct backtrace taken_at;
};

struct held_sleeping {
	u32 nr;
	struct held_lock locks[MAX_SLEEPING_LOCKS]; /* in the order of acquisition */
};

/* Around an acquisition: before the first attempt, and once the caller has it. Any context. */
void lockdep_ask(const void *lock, enum lock_rank rank, enum lock_ask ask);
void lockdep_taken(const void *lock, enum lock_rank rank);
/* Before the release; panics when the caller does not hold the lock. */
void lockdep_release(const void *lock, enum lock_rank rank);
/* The running task gives a sleeping lock to somebody else, who releases it: nobody's until then. */
void lockdep_hand_over(const void *lock);
/* Before the release of a lock that may have been handed over. */
void lockdep_release_handed(const void *lock);

/* Called in every round of a spin on a lock that `owner` (cpu + 1, or 0) has: tells where it was
 * taken when that lasts too long, and panics when it lasts for ever. */
void lockdep_spin(const void *lock, enum lock_rank rank, u32 owner, struct lockdep_spin *spin);

/* Panics when the caller may not sleep: with a spinlock held, or in an interrupt handler. */
void might_sleep(void);
/* Panics when the task goes back to its program, or ends, with any lock held. */
void lockdep_no_locks(void);

/* Around an interrupt handler; interrupts off. */
void lockdep_irq_enter(void);
void lockdep_irq_exit(void);

#else

static inline void lockdep_ask(const void *lock, enum lock_rank rank, enum lock_ask ask)
{
	(void)lock, (void)rank, (void)ask;
}
static inline void lockdep_taken(const void *lock, enum lock_rank rank)
{
	(void)lock, (void)rank;
}
static inline void lockdep_release(const void *lock, enum lock_rank rank)
{
	(void)lock, (void)rank;
}
static inline void lockdep_hand_over(const void *lock)
{
	(void)lock;
}
static inline void lockdep_release_handed(const void *lock)
{
	(void)lock;
}
static inline void lockdep_spin(const void *lock, enum lock_rank rank, u32 owner,
				struct lockdep_spin *spin)
{
	(void)lock, (void)rank, (void)owner, (void)spin;
}
static inline void might_sleep(void) {}
static inline void lockdep_no_locks(void) {}
static inline void lockdep_irq_enter(void) {}
static inline void lockdep_irq_exit(void) {}

#endif

#endif
