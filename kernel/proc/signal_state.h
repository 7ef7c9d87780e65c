/* What a task keeps about signals. Private to proc/task.h. */
#ifndef PROC_SIGNAL_STATE_H
#define PROC_SIGNAL_STATE_H

#include "cpu/spinlock.h"

/* Sets of signals: bit n - 1 is signal n. All guarded by the lock. */
struct signal_state {
	spinlock_t lock; /* RANK_SIGNAL */
	u64 pending;     /* sent while blocked */
	u64 blocked;
	u64 ignored; /* disposition SIG_IGN; all others are SIG_DFL */
	s32 fatal;   /* the signal that ends the task, or 0; the first one counts */
};

#endif
