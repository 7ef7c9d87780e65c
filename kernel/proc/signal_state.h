/* What threads and processes keep about signals. Private to proc/task.h and proc/process.h. */
#ifndef PROC_SIGNAL_STATE_H
#define PROC_SIGNAL_STATE_H

#include "arch/x86_64/signal_frame.h"
#include "cpu/atomic.h"
#include "cpu/spinlock.h"
#include "lib/list.h"
#include "proc/siginfo.h"

#define NR_SIGNALS 64

/* Sets of signals: bit n - 1 is signal n. */

/* Signals that were sent and not yet taken. A signal in the set has an entry in the queue, oldest
 * first, unless there was no memory or too many of them: then nobody knows who sent it. */
struct pending_signals {
	u64 set;
	struct list_head queue; /* struct queued_signal */
};

struct user;

struct queued_signal {
	struct list_head node;
	struct siginfo info;
	bool embedded; /* in a timer: not to be freed */
};

/* struct sigaction of the kernel's ABI. */
struct sigaction {
	u64 handler; /* SIG_DFL, SIG_IGN, or an address */
	u64 flags;   /* SA_* */
	u64 restorer;
	u64 mask;
};

/* What is to happen with signals: shared by the threads of a process, and by who was made with
 * CLONE_SIGHAND. Its lock also guards the signal state of all who share it, and of their process. */
struct sighand {
	atomic_t refs;
	spinlock_t lock; /* RANK_SIGNAL */
	struct sigaction actions[NR_SIGNALS];
};

/* Of one thread; guarded by the lock of its handlers. */
struct signal_state {
	struct pending_signals pending; /* sent to this thread */
	u64 blocked;
	u64 waited_for; /* while in sigtimedwait: signals it blocks but for that */
	u64 saved_mask; /* what to block again when no handler runs: restore_mask */
	bool restore_mask;
	struct sigaltstack altstack; /* own thread only */
};

/* Of a process; guarded by the lock of its handlers. */
struct process_signals {
	struct pending_signals pending; /* for any of its threads */
	bool unkillable;                /* init: no default action ends or stops it */
	/* Stop and continue: a stop is decided by whoever takes the signal; the process has stopped
	 * when all its threads have come to rest. */
	s32 stop_signal; /* all threads are to rest, or 0 */
	u32 nr_stopped;  /* threads that rest */
	u32 nr_continues; /* SIGCONT that were sent, ever: a stop that was not decided by then is off */
	bool has_stopped; /* that was all of them, and the parent was told */
	s32 stopped_by;   /* the process has stopped by that signal, and nobody has waited for it
			    with WUNTRACED yet; else 0 */
	bool continued;   /* it was continued, and nobody has waited for it with WCONTINUED yet */
	s32 tell_parent;  /* CLD_* that a thread of it is to tell, or 0 */
};

/* How a call that a signal interrupted goes on in restart_syscall(2): it returned
 * -ERESTART_RESTARTBLOCK and says here how. Own thread only. */
struct restart_block {
	long (*again)(struct restart_block *block); /* NULL: -EINTR */
	u64 args[6];
};

#endif
