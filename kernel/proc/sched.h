/* The scheduler as the rest of proc/ sees it; everybody else uses cpu/wait.h. */
#ifndef PROC_SCHED_H
#define PROC_SCHED_H

#include "proc/task.h"

#define TIME_SLICE_NS    (20 * NSEC_PER_MSEC)  /* two ticks */
#define RR_TIME_SLICE_NS (100 * NSEC_PER_MSEC) /* of SCHED_RR, as Linux's */

/* Lets the calling CPU take tasks, with `idle` as its idle task, which is the one that runs. */
void sched_init_cpu(struct task *idle);

/* Puts a new task on the run queue of the least loaded CPU. */
void sched_start(struct task *task);

/* Wakes a task that sleeps, but not one that is stopped; for others it does nothing. Any context. */
void sched_wake(struct task *task);

/* The same for who sleeps interruptibly, and makes its CPU look at its signals soon when it runs:
 * after `signal_pending` was set. */
void sched_wake_signal(struct task *task);

/* The same for all that may not sleep on when killed: after `killed` was set. */
void sched_wake_killed(struct task *task);

/* Lets a task that is stopped go on. */
void sched_wake_stopped(struct task *task);

/* Whether a task that has ended has left its CPU for the last time. */
bool sched_has_left_cpu(struct task *task);

/* Where a task sleeps: an address in the function that asked for it; 0 when it does not sleep. */
u64 sched_wchan(struct task *task);

/* First thing that a new task does: ends the switch that brought it here. */
void sched_begin_task(void);

/* Bit masks of the CPUs on which a task may run, and of those that run tasks. */
u64 sched_affinity(const struct task *task);
u64 sched_active_cpus(void);

/* Lets a task run on those CPUs only, one of which runs tasks. It may still run elsewhere when this returns, until
 * its next way to user mode or sleep: sched_is_misplaced(). tasks_lock held. */
void sched_set_affinity(struct task *task, u64 cpus);
bool sched_is_misplaced(struct task *task);

/* What a new task has from its creator. tasks_lock held, the new task not yet started. */
void sched_inherit(struct task *task, const struct task *creator);

static inline bool sched_is_rt(const struct sched_params *params)
{
	return params->policy == SCHED_FIFO || params->policy == SCHED_RR;
}

/* Changes how a task shares the CPU; what is valid is the caller's to see. tasks_lock held. */
void sched_set_params(struct task *task, const struct sched_params *params);

/* Lets a task come before all without a real-time priority: the lowest of those, unless it has one. tasks_lock held. */
void sched_set_fifo_low(struct task *task);

/* How long a task may run before others of its kind come first; 0: as long as it likes. */
u64 sched_slice_ns(const struct sched_params *params);

/* Gives the rest of the time slice to the others of this CPU. */
void sched_yield(void);

/* Whether another task should get this CPU now. */
bool sched_need_resched(void);

/* The tick: time accounting and end of the time slice. Interrupts off. */
void sched_tick(bool from_user);

/* What a CPU did since boot: idle time is exact, the others are what ticks saw. */
struct cpu_stat {
	u64 user_ns, system_ns, idle_ns, nr_switches;
};
struct cpu_stat sched_cpu_stat(u32 cpu);

/* Runnable tasks, averaged over 1, 5 or 15 minutes (0, 1, 2), times 2^LOAD_SHIFT. */
#define LOAD_SHIFT 11
u64 sched_load_average(u32 which);

/* Processor time of a task up to now. Each part only grows, and
 * their sum is exact. */
struct cpu_time sched_cpu_time(struct task *task);

/* The same for any task, and it changes nothing. All CPUs quiesced. */
struct cpu_time debug_cpu_time(const struct task *task);

/* Tasks in the queue of a CPU, the running one not counted. Racy. */
u32 debug_nr_queued(u32 cpu);

/* Tasks that run or want to. Racy. */
u32 sched_nr_running(void);

/* The running task of a CPU, or NULL when it takes no tasks yet. All CPUs quiesced. */
struct task *sched_running_task(u32 cpu);

/* The idle loop. */
void sched_idle(void) __noreturn;

#endif
