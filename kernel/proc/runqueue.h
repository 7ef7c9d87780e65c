/*
 * The run queue of a CPU: private to the scheduler (sched.c, balance.c, cputime.c, affinity.c).
 *
 * Everything is guarded by the queue's lock (RANK_RUNQUEUE, interrupts off; never two at a time) unless it says
 * otherwise.
 */
#ifndef PROC_RUNQUEUE_H
#define PROC_RUNQUEUE_H

#include "cpu/spinlock.h"
#include "proc/sched.h"

struct runqueue {
	spinlock_t lock;
	u32 nr_queued;
	struct list_head queue; /* runnable tasks but the running one; never the idle task */
	struct task *running; /* the idle task if there is nothing to do; NULL: CPU not there yet */
	struct task *leaving; /* from the choice of another task to the end of the switch */
	struct task *idle;
	u32 running_rank; /* rq_rank(running); read without the lock as a hint */
	u64 rt_period_ns; /* when the second began in which real-time tasks ran for: */
	u64 rt_spent_ns;
	u64 nr_switches;
	u64 user_ticks, system_ticks; /* where the ticks found tasks other than the idle one */
};

DECLARE_PER_CPU(struct runqueue, runqueue);

/* ---- sched.c ---- */

/* The queue a task belongs to, locked; interrupts are off. A task moves only under the lock of the queue it
 * leaves. */
struct runqueue *rq_lock_of(struct task *task);

/* Makes the CPU of a queue notice need_resched. The lock is released. */
void rq_kick(u32 cpu);

/* ---- priority.c: who comes first ---- */

/* Higher ranks come first: of real-time policies the priority, otherwise 0. */
static inline u32 rq_rank(const struct task *task)
{
	return task->sched.rt_priority;
}

/* Before or behind the others of its rank. */
void rq_enqueue_head(struct runqueue *rq, struct task *task);
void rq_enqueue_tail(struct runqueue *rq, struct task *task);
/* Behind the one task that preempts it, before all others of its rank. */
void rq_enqueue_second(struct runqueue *rq, struct task *task);
void rq_dequeue(struct runqueue *rq, struct task *task);

/* The queued task that is to run next, still queued; NULL: there is none. */
struct task *rq_first(struct runqueue *rq);

/* A new slice for a task that has used up its own, less what it owes; alone it owes nothing. */
void rq_refill_slice(struct task *task, bool is_alone);

/* Whether the task that runs should leave the CPU, for its time is over. */
bool rq_tick(struct runqueue *rq, u64 now);

/* ---- balance.c: where tasks run ---- */

/* CPUs that take tasks; a bit changes under the lock of that CPU's queue. */
extern u64 cpu_active_mask;

/* CPUs that look for work or halt; atomic. */
extern u64 idle_mask;

static inline bool rq_takes_tasks(u32 cpu)
{
	return __atomic_load_n(&cpu_active_mask, __ATOMIC_SEQ_CST) >> cpu & 1;
}

/* Whether a task may run on a CPU now. Holds as long as the queue of the task and that of the CPU are locked. */
static inline bool rq_may_run_on(const struct task *task, u32 cpu)
{
	return (READ_ONCE(task->cpus_allowed) >> cpu & 1) && rq_takes_tasks(cpu);
}

/* Queued tasks that must wait for others: the first need not when the CPU is idle. Exact with the queue locked,
 * else a hint. */
u32 rq_nr_waiting(const struct runqueue *rq);

/* Tasks that run or wait on a CPU. Racy: for placing tasks. */
u32 debug_rq_load(u32 cpu);

/* The least loaded CPU on which a task may run that does not run now. When its affinity leaves none, it may run everywhere
 * from now on, as on Linux. Its queue locked. */
u32 rq_choose_cpu(struct task *task);

/* Where a task that wakes up should run: where it did, unless it may not, or has a real-time priority and must wait there but not
 * elsewhere. Its queue locked. */
u32 rq_wake_cpu(struct task *task);

/* Makes a task that is on no queue and does not run belong to another CPU; traced. Its queue, which it leaves,
 * locked. */
void rq_move(struct task *task, u32 cpu);

/* Queues a runnable task that is in no queue, at the tail of that of its CPU, or of another if it may not run there
 * any more. Interrupts off, no queue locked. */
void rq_place(struct task *task);

/* Which of the idle CPUs could take one of the tasks that wait, or will when the first is preferred: 0 for none. */
u64 rq_helpers(const struct runqueue *rq);

/* Wakes one of those CPUs, which will take a task. No queue locked. */
void rq_kick_idle(u64 helpers);

/* Takes a task that waits elsewhere, and may run here, to this CPU's queue, which is empty. Interrupts off. */
void rq_steal(void);

/* Hotplug: no task comes to a CPU any more, and what waits in its queue goes elsewhere. */
void rq_close(u32 cpu);
/* The calling CPU takes tasks again. */
void rq_open(void);

/* ---- cputime.c ---- */

/* The calling CPU, which is idle, is about to be absent: that is no idle time. Until rq_open(). */
void rq_stop_idle_time(void);

/* Charges the running task for the time since it was last charged. */
void rq_account(struct task *task, u64 now);

#endif
