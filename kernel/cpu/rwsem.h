/* A sleeping lock: many readers or one writer. Fair enough: a waiting writer stops new readers. May
 * sleep: no spinlock held. */
#ifndef CPU_RWSEM_H
#define CPU_RWSEM_H

#include "cpu/wait.h"

struct rwsem {
	spinlock_t lock; /* RANK_RWSEM: guards the two below; never held while sleeping */
	u8 rank;         /* enum lock_rank: its own */
	s32 readers;     /* -1: one writer */
	u32 writers_waiting;
	struct wait_queue wait;
};

#define RWSEM_INIT(name, r)                                     \
	{                                                       \
		.lock = SPINLOCK_INIT(RANK_RWSEM), .rank = (r), \
		.wait = WAIT_QUEUE_INIT((name).wait)            \
	}

void rwsem_init(struct rwsem *sem, enum lock_rank rank);
void down_read(struct rwsem *sem);
bool down_read_trylock(struct rwsem *sem);
void up_read(struct rwsem *sem);
void down_write(struct rwsem *sem);
/* The same while holding another of its rank: one that nobody else can have yet. */
void down_write_nested(struct rwsem *sem);
/* Like down_write(), but gives up with -EINTR when the task has been killed. */
int __must_check down_write_killable(struct rwsem *sem);
void up_write(struct rwsem *sem);
/* For assertions: whether somebody holds it, for reading or writing. */
bool rwsem_is_locked(const struct rwsem *sem);

#endif
