/* What threads keep about signals. Private to proc/task.h. */
#ifndef PROC_SIGNAL_STATE_H
#define PROC_SIGNAL_STATE_H

#include "cpu/atomic.h"
#include "cpu/spinlock.h"

/* Sets of signals: bit n - 1 is signal n. */

/* What is to happen with signals: shared by the threads of a process, and by who was made with
 * CLONE_SIGHAND. Its lock also guards the signal state of all who share it, and of their process. */
struct sighand {
	atomic_t refs;
	spinlock_t lock; /* RANK_SIGNAL */
	u64 ignored;     /* disposition SIG_IGN; all others are SIG_DFL */
};

/* Of one thread. */
struct signal_state {
	u64 pending; /* sent to this thread while blocked */
	u64 blocked;
};

#endif
