/*
 * struct task: a thread of execution. A process (proc/process.h) has one or more; kernel threads and
 * the idle tasks are tasks without a process.
 *
 * Life of a task:
 *
 *   created      task_create(): not yet in the task list, on no run queue
 *   running      task_start(); from then on it runs, waits in a run queue, or sleeps
 *   ZOMBIE       task_exit() of a leader: holds no memory, no files; keeps its pid
 *   DEAD         unlinked: nobody can find it any more. Other threads get here without having been
 *                zombies
 *
 * Two references keep the structure: that of the task list, dropped when the task is unlinked, and
 * that of the CPU, dropped by the task that runs after it has left its CPU for the last time (only
 * then may its stack go).
 *
 * Who may read and write: [T] tasks_lock, [R] lock of the run queue it belongs to, [S] the lock of
 * its signal handlers (sighand->lock), [O] the task itself only, [C] constant once created.
 */
#ifndef PROC_TASK_H
#define PROC_TASK_H

#include "arch/x86_64/context.h"
#include "cpu/atomic.h"
#include "cpu/wait.h"
#include "proc/cred.h"
#include "proc/signal_state.h"

#define INIT_PID 1
/* Pids lie below it: what Linux allows at most on 64 bits. */
#define PID_MAX_LIMIT 4194304

struct file_table;
struct robust_list_head;
struct rseq;
struct fs;
struct process;

#define USER_CLOCK_TICKS 100 /* what times(2) counts in, a second (AT_CLKTCK) */

/* Processor time. */
struct cpu_time {
	u64 user_ns, system_ns;
};

static inline u64 cpu_time_sum(struct cpu_time time)
{
	return time.user_ns + time.system_ns;
}

static inline void cpu_time_add(struct cpu_time *sum, struct cpu_time more)
{
	sum->user_ns += more.user_ns;
	sum->system_ns += more.system_ns;
}

static inline void fault_counts_add(struct fault_counts *sum, struct fault_counts more)
{
	sum->minor += more.minor;
	sum->major += more.major;
	sum->voluntary += more.voluntary;
	sum->involuntary += more.involuntary;
	sum->max_resident = max(sum->max_resident, more.max_resident);
}

/* Scheduling policies; Linux's numbers. */
enum sched_policy {
	SCHED_OTHER,
	SCHED_FIFO,
	SCHED_RR,
	SCHED_BATCH,
	SCHED_IDLE = 5,
	SCHED_DEADLINE, /* not implemented */
};

#define NICE_MIN        (-20)
#define NICE_MAX        19
#define RT_PRIORITY_MAX 99

struct sched_params {
	u8 policy;          /* enum sched_policy */
	s8 nice;            /* kept while the policy does not look at it */
	u8 rt_priority;     /* 1 to 99 of SCHED_FIFO and SCHED_RR, otherwise 0 */
	bool reset_on_fork; /* children begin with the default */
};

struct task {
	struct current_task
		cur; /* first; mm, comm: written by the task under [T], read so or by it */
	struct arch_task arch;

	/* scheduler (sched.c) */
	enum task_state state;        /* own task before it sleeps, waker under [R] */
	u32 cpu;                      /* [R] where it runs, waits or ran last */
	u64 cpus_allowed;             /* [T] and [R] to write, but [R] alone while it does not run;
					 either to read: bit mask of CPUs */
	struct list_head queue_node;  /* [R] linked while runnable and not running */
	struct sched_params sched;    /* like cpus_allowed: how it shares the CPU with others */
	s64 slice_ns;                 /* [R] time it may still run before others come first */
	s64 new_slice_ns;             /* like sched, from which it follows: what a new slice has */
	u64 run_ns;                   /* [R] processor time so far, by the TSC */
	u64 user_ticks, system_ticks; /* [R] where the ticks found it */
	struct cpu_time told;         /* [R] what was last said of how run_ns divides */
	u64 switched_in_ns;           /* [R] when it got the CPU, or was last accounted */

	/* family (task.c, fork.c, exit.c) */
	atomic_t refs;
	struct list_head node;        /* [T] in task_list, ascending by pid */
	struct process *process;      /* [C] NULL for kernel threads; a reference */
	struct list_head thread_node; /* [T][S] in process->threads */
	s32 __user
		*clear_child_tid; /* [O] set to 0, and its futex woken, when it leaves its memory */
	struct robust_list_head __user
		*robust_list;         /* [O] its locks, marked when it ends; futex.h */
	struct rseq __user *rseq;     /* [O] its area (rseq.h), or NULL */
	u32 rseq_signature;           /* [O] */
	bool parent_waits;            /* [T] between vfork and exec or exit: who made it sleeps */
	struct wait_queue vfork_wait; /* there */

	/* signals (signal.c) */
	struct sighand *sighand;      /* [T][S] NULL for kernel threads; a reference, to the end */
	struct signal_state signals;  /* [S] */
	struct restart_block restart; /* [O] */

	/* what threads may share: each a reference. NULL for kernel threads, and from exit on */
	struct file_table *files; /* written by the task under [T], read so or by it */
	struct fs *fs;            /* likewise */

	struct cred cred;        /* [O] and [T] to write, either to read */
	u64 timer_slack_ns;      /* [O] 0: its default */
	u64 default_slack_ns;    /* [C] what its creator had; 0: Linux's */
	s32 parent_death_signal; /* [T] sent when its parent ends, or 0 (PR_SET_PDEATHSIG) */

	u64 start_ns;    /* [C] when it was made */
	u32 personality; /* [O] as personality(2) says; exec keeps it, fork copies it */
};

static inline struct task *to_task(struct current_task *cur)
{
	return container_of(cur, struct task, cur);
}

/* The running task. */
#define current_proc to_task(current)

extern spinlock_t tasks_lock;      /* RANK_TASKS */
extern struct list_head task_list; /* all but the idle tasks */

/* Makes what runs on the calling CPU its idle task, on the stack that it has, and lets the CPU take
 * tasks. On CPU 0 before anything that may wake somebody. */
void task_init(void);

/* A task with a stack that will begin in entry(arg), unlinked and not started; NULL without memory.
 * May sleep. */
struct task *task_create(const char *comm, u32 flags, void (*entry)(void *), void *arg);

/* How a task comes into the world. */
struct task_birth {
	struct task *creator; /* the current task, or NULL: the kernel */
	u64 clone_flags;
	bool is_init; /* gets INIT_PID */
};

/* Gives a task its pid, links it, as the leader of its process when that has no thread yet, and
 * traces its creation: from then on others find it. Returns the pid, -EAGAIN: there are no pids
 * left, or -ERESTARTNOINTR: its creator must look at a signal first; the task is unchanged then. */
s32 task_link(struct task *task, const struct task_birth *birth);

/* Makes a linked task runnable. It may be gone when this returns. */
void task_start(struct task *task);

/* Unlinks a task that nobody will ask about again. The reference of the list passes to the caller.
 * tasks_lock and, for the task of a process, its signal lock held. */
void task_unlink(struct task *task);

/* Another name for a task of the current process; traced. */
void task_rename(struct task *task, const char *name);

/* Frees a task that never started: stack, structure, and its references to process and handlers. */
void task_discard(struct task *task);

void task_get(struct task *task);
/* Drops a reference; the last one frees the structure. No spinlock above RANK_SLAB held. */
void task_put(struct task *task);
/* Frees the stack of a task that has left its CPU for the last time, and drops the CPU's reference.
 * Interrupts on. */
void task_left_cpu(struct task *task);

/* The task of that pid, zombies included, or NULL. tasks_lock held. */
struct task *task_find(s32 pid);

/* The pid given last, and how many tasks there are; how many of programs' sleep
 * uninterruptibly. */
s32 task_last_pid(u32 *nr_tasks);
u32 task_nr_blocked(void);

/* Tasks that there may be at once, those of the kernel included (/proc/sys/kernel/threads-max): what keeps a bomb
 * of processes from taking all memory for what a process costs the kernel. */
extern u32 max_threads;
/* Whether there may be one more. Racy, as on Linux: some more than that may come at once. */
bool task_may_be_made(void);

/* Changes what a task shares with others, so that who looks at it under tasks_lock (/proc) finds
 * something alive: returns what was there. */
struct file_table *task_set_files(struct task *task, struct file_table *files);
struct fs *task_set_fs(struct task *task, struct fs *fs);

/* Whether it runs no more: a zombie, or on its way to be forgotten. tasks_lock held. */
bool task_has_ended(const struct task *task);

/* As task_find(), without the lock. All CPUs quiesced. */
struct task *debug_task_find(s32 pid);

/* Its state as the trace tells it: a task on a CPU runs, whatever it is about to do. All CPUs quiesced. */
enum task_state task_visible_state(const struct task *task);

/* Emits a state_task record for each task and a state_cpu record for each CPU. All CPUs quiesced.
 * Returns the records emitted. */
u64 task_baseline(void);

#endif
