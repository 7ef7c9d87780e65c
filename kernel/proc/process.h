/*
 * struct process: a thread group, what all its threads have in common. A thread is a struct task
 * (proc/task.h); the first one, whose tid is the tgid, is the leader.
 *
 * Life of a process:
 *
 *   running   has threads that have not ended. The leader may end before the others: it stays
 *             listed as a ZOMBIE, for its pid is that of the process
 *   zombie    all threads have ended, the others are gone: process_is_zombie(). It waits for its
 *             parent
 *   gone      its leader is unlinked, so that nobody can find it any more
 *
 * A group exit (exit_group(2), a fatal signal) is decided once, by whoever sets `group_exit`: all
 * threads get cur.killed then, and find out on their way back to user mode. A new thread joins
 * under the same lock, so that none is missed.
 *
 * Who may read and write: [T] tasks_lock, [S] the lock of the signal handlers that its threads
 * share (written under both where both are named: either one suffices to read), [C] constant.
 */
#ifndef PROC_PROCESS_H
#define PROC_PROCESS_H

#include "proc/itimer.h"
#include "proc/limits.h"
#include "proc/task.h"

struct tty;

struct process {
	atomic_t refs;       /* one of each task structure in it */
	s32 tgid;            /* [C] once started */
	struct task *leader; /* [T] */
	struct list_head
		threads;  /* [T][S] task.thread_node; the leader and all that have not ended */
	atomic_t nr_live; /* threads that have not begun to exit */

	/* family (task.c, fork.c, exit.c) */
	struct process *parent; /* [T] NULL for init */
	s32 parent_pid;         /* its tgid or 0: written under [T], read without */
	s32 parent_tid; /* [T] the thread of the parent that made it, while there is one: __WNOTHREAD */
	struct list_head children;    /* [T] */
	struct list_head sibling;     /* [T] in the parent's children */
	struct wait_queue child_wait; /* its threads sleep here until a child ends */
	bool may_membarrier;          /* own threads: registered for membarrier(2) */
	bool is_subreaper;            /* own threads: takes the children of descendants that end */
	s32 pgid, sid;                /* [T] process group and session, as Linux's */
	struct tty *tty;              /* [T] controlling terminal of the session, or NULL */
	bool has_execed;              /* [T] so that its parent cannot move it to another group */
	s32 exit_signal;              /* [T] to its parent at the end; 0: none */

	/* the OOM killer (oom_tasks.c) */
	s32 oom_score_adj;     /* written under [T] */
	s32 oom_score_adj_min; /* [T] the lowest that it may set without CAP_SYS_RESOURCE */

	/* the end */
	bool group_exit;  /* [S] all threads are to end */
	s32 group_status; /* [S] its wait status: that of the last thread if nobody asked all */
	struct task *exec_task; /* [S] ends all others, to be alone; NULL */
	struct task *dumper;    /* [S] writes a core file; the others wait in their exit. NULL */
	u32 nr_awaited;         /* [S] of those, who have not come there yet */

	/* what it used */
	struct cpu_time ended_time;          /* [T] of the threads that have ended and are gone */
	struct fault_counts ended_faults;    /* [T] */
	struct cpu_time children_time;       /* [T] of the children it has waited for, and theirs */
	struct fault_counts children_faults; /* [T] and their faults */

	struct process_signals signals;   /* [S] */
	struct process_timers timers;     /* [S] */
	struct rlimit limits[NR_RLIMITS]; /* [T] written; read without */
};

/* The process of the running task; NULL in a kernel thread. */
#define current_process (current_proc->process)

/* A process with no thread and one reference, which task_start() fills; NULL without memory. */
struct process *process_create(void);

void process_get(struct process *process);
/* Drops a reference; the last one frees the structure. No spinlock above RANK_SLAB held. */
void process_put(struct process *process);

/* The process of that tgid, zombies included, or NULL. tasks_lock held. */
struct process *process_find(s32 tgid);

/* Whether all its threads have ended, and it waits for its parent. tasks_lock held, or all CPUs
 * quiesced. */
bool process_is_zombie(const struct process *process);

/* In a wait status: there is a core file. */
#define WAIT_STATUS_CORE 0x80

/* The wait status that its parent gets: of a zombie. tasks_lock held. */
static inline s32 process_wait_status(const struct process *process)
{
	return process->group_status;
}

/* What SIGCHLD and waitid(2) tell of such a status: CLD_*. */
static inline s32 process_end_code(s32 wait_status)
{
	if ((wait_status & 0x7f) == 0)
		return CLD_EXITED;
	return wait_status & WAIT_STATUS_CORE ? CLD_DUMPED : CLD_KILLED;
}

/* Lets all its threads end with that wait status, unless that was decided before. Its signal lock
 * held. */
void process_kill(struct process *process, s32 wait_status);

/* Ends all other threads of the current process and gives the current one the pid of the leader,
 * for exec. 0, or -EAGAIN: another thread was faster, or all are to end. May sleep. */
int __must_check process_become_single(void);

/* What all its threads used so far, those that have ended included. tasks_lock held. */
struct cpu_time process_cpu_time(struct process *process);
struct fault_counts process_faults(struct process *process);

/* What /proc/PID/oom_score_adj and oom_adj set: 0, -EINVAL for a number out of range, -EACCES for a
 * lower one than a privileged process set last. Holds for all processes that share its memory. Takes
 * tasks_lock. */
int process_set_oom_score_adj(struct process *process, s32 oom_score_adj);
int process_set_oom_adj(struct process *process, s32 oom_adj);
s32 process_oom_adj(const struct process *process);
/* What /proc/PID/oom_score tells: 0 to about 1333, by Linux's formula. Takes tasks_lock. */
u32 process_oom_score(struct process *process);

/* All its threads, those of them included that are about to end. tasks_lock or signal lock held. */
#define for_each_thread(process, task) list_for_each_entry (task, &(process)->threads, thread_node)

#endif
