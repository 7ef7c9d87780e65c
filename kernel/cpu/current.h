/*
 * The current task as every layer may see it. struct task (proc/task.h) begins with this, so that
 * mm can find the address space and the rights of who is running without knowing what a task is.
 */
#ifndef CPU_CURRENT_H
#define CPU_CURRENT_H

#include "cpu/lockdep.h"
#include "cpu/percpu.h"

#define TASK_COMM_LEN 16

/* Bits of struct current_task.flags; changed only by the task itself, except PF_KILLED. */
#define PF_KTHREAD  BIT(0) /* no user memory; runs on the kernel's page tables */
#define PF_MEMALLOC BIT(1) /* works to free memory: may use the reserve, must not reclaim again */
#define PF_EXITING  BIT(2) /* in exit: may use the reserve, so that it gets done */
#define PF_IDLE     BIT(3) /* the idle task of a CPU */
#define PF_NOOOM    BIT(4) /* its allocations fail rather than have a task killed */
#define PF_YIELDS   BIT(5) /* gives up the rest of its time slice */

struct mm;

/* What getrusage(2) counts beside time: page faults of user programs that ended well, and how often
 * the CPU was given away. */
struct fault_counts {
	u64 minor, major;           /* major: had to wait for a disk */
	u64 voluntary, involuntary; /* switches: it slept; others came first */
	u64 max_resident; /* most pages that an address space had, of those that are gone */
};

struct current_task {
	s32 pid;
	u32 flags;     /* PF_*; own task only */
	struct mm *mm; /* NULL for a kernel thread; changed by exec and exit of the task itself */
	union {
		struct {
			u32 killed; /* nonzero once a fatal signal is pending; set by anyone, never
				       cleared */
			bool signal_pending; /* something to take on the way to user mode: set by
						who sends, under the signal lock; cleared by the
						task itself, under the same */
			bool timer_work; /* the tick asks for a look at timers of processor time;
					    own CPU only */
			bool rseq_work;  /* see proc/rseq.h; own task, own CPU only */
			u8 nothing;
		};
		u64 exit_work; /* all of them, for the way to user mode: read only */
	};
	u32 oom_victim; /* kill_id of the OOM decision that chose it, or 0; set by the OOM killer */
	u64 kernel_sp_top; /* end of its kernel stack; the trap entry and the backtrace use it */
	char comm[TASK_COMM_LEN];
	struct fault_counts faults; /* own task only, and who reaps it */
#ifdef CONFIG_DEBUG
	struct held_sleeping held; /* own task only */
#endif
};

DECLARE_PER_CPU(struct current_task *, current_task);

/* The task this CPU runs; never NULL once cpu_init() has run. */
#define current this_cpu_read(current_task)

/* Another task should get this CPU: set under the lock of its run queue, perhaps by another CPU,
 * which then interrupts this one; cleared by this CPU when it chooses a task. */
DECLARE_PER_CPU(bool, need_resched);

/* Whether the current task is going to die and should stop asking for things. */
static inline bool current_is_dying(void)
{
	return READ_ONCE(current->killed) || (current->flags & PF_EXITING);
}

/* Whether a signal waits that the current task must look at before it sleeps interruptibly. */
static inline bool current_has_signal(void)
{
	return READ_ONCE(current->signal_pending) | READ_ONCE(current->killed);
}

#endif
