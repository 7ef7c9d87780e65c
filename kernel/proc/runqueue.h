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
	u32 nr_rt_queued;       /* of those, how many have a real-time priority */
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

/* CPUs in whose queues real-time tasks wait; atomic, a bit changes under the lock of that CPU's queue. */
extern u64 rt_queued_mask;

/* A task of a real-time policy comes to the queue, or leaves it. */
void rq_count_rt(struct runqueue *rq, const struct task *task, s32 change);

/* Behind the others of its rank, of a real-time policy. */
void rq_enqueue_rt_tail(struct runqueue *rq, struct task *task);

/* Before or behind the others of its rank. */
void rq_enqueue_head(struct runqueue *rq, struct task *task);
static inline void rq_enqueue_tail(struct runqueue *rq, struct task *task)
{
	if (unlikely(rq_rank(task) != 0)) {
		rq_enqueue_rt_tail(rq, task);
		return;
	}
	list_add_tail(&task->queue_node, &rq->queue);
	rq->nr_queued++;
}

/* Behind the one task that preempts it, before all others of its rank. */
void rq_enqueue_second(struct runqueue *rq, struct task *task);

static inline void rq_dequeue(struct runqueue *rq, struct task *task)
{
	list_del(&task->queue_node);
	rq->nr_queued--;
	if (unlikely(rq_rank(task) != 0))
		rq_count_rt(rq, task, -1);
}

/* rq_first() when it is not just the first one of the queue, which is not empty. */
struct task *rq_search_first(struct runqueue *rq);

/* The queued task that is to run next, still queued; NULL: there is none. */
static inline struct task *rq_first(struct runqueue *rq)
{
	struct task *first;

	if (list_empty(&rq->queue))
		return NULL;
	first = list_first_entry(&rq->queue, struct task, queue_node);
	if (likely(rq_rank(first) == 0 && first->slice_ns > 0))
		return first;
	return rq_search_first(rq);
}

/* A new slice for a task that has used up its own, less what it owes; alone it owes nothing. Nobody owes more than a slice of
 * nice 0. */
static inline void rq_refill_slice(struct task *task, bool is_alone)
{
	s64 debt = 0;

	if (rq_rank(task) == 0 && !is_alone)
		debt = max(task->slice_ns, -(s64)TIME_SLICE_NS);
	/* Of SCHED_FIFO it is not used up. */
	task->slice_ns = debt + task->new_slice_ns;
}

/* Whether real-time tasks have used up their share of this second. */
bool rq_rt_is_throttled(const struct runqueue *rq);

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
static inline u32 rq_nr_waiting(const struct runqueue *rq)
{
	u32 queued = READ_ONCE(rq->nr_queued);

	return READ_ONCE(rq->running) == rq->idle && queued > 0 ? queued - 1 : queued;
}

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

/* Those of the idle CPUs that could take one of the tasks in the queue. */
u64 rq_choose_helpers(const struct runqueue *rq, u64 idle);

/* Which of the idle CPUs could take one of the tasks that wait, or will when the first is preferred: 0 for none. */
static inline u64 rq_helpers(const struct runqueue *rq)
{
	u64 idle;

	if (rq_nr_waiting(rq) == 0)
		return 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	idle = __atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST);
	return likely(idle == 0) ? 0 : rq_choose_helpers(rq, idle & ~BIT(cpu_id()));
}

/* Wakes one of those CPUs, of which there is at least one. */
void rq_kick_helper(u64 helpers);

/* Wakes one of those CPUs, if there are any: it will take a task. */
static inline void rq_kick_idle(u64 helpers)
{
	if (unlikely(helpers))
		rq_kick_helper(helpers);
}

/* Takes a task that waits elsewhere, and may run here, to this CPU's queue, which is empty. Interrupts off. */
void rq_steal(void);

/* Whether real-time tasks wait on other CPUs: then who leaves a CPU looks whether they come before what there is here. */
static inline bool rq_rt_waits_elsewhere(void)
{
	return unlikely(READ_ONCE(rt_queued_mask) & ~BIT(cpu_id()));
}

/* Takes real-time tasks that wait elsewhere, come before all that is here, `prev` that leaves included, and may run here. The
 * calling CPU's queue is locked, and is not for a while. */
void rq_pull_rt(struct runqueue *rq, const struct task *prev);

/* Lets the CPU that runs the lowest rank look for the first real-time task of this queue, which must wait here. Interrupts off,
 * no queue locked. */
void rq_push_rt(struct runqueue *rq);
static inline void rq_push_if_rt(struct runqueue *rq)
{
	if (unlikely(READ_ONCE(rq->nr_rt_queued) > 0))
		rq_push_rt(rq);
}

/* Hotplug: no task comes to a CPU any more, and what waits in its queue goes elsewhere. */
void rq_close(u32 cpu);
/* The calling CPU takes tasks again. */
void rq_open(void);

/* ---- cputime.c ---- */

/* The calling CPU, which is idle, is about to be absent: that is no idle time. Until rq_open(). */
void rq_stop_idle_time(void);

/* Charges the running task for the time since it was last charged. */
static inline void rq_account(struct task *task, u64 now)
{
	u64 ran_ns = now - task->switched_in_ns;

	task->switched_in_ns = now;
	task->run_ns += ran_ns;
	if (likely(task->sched.policy != SCHED_FIFO))
		task->slice_ns -= (s64)ran_ns;
	if (unlikely(rq_rank(task) != 0))
		per_cpu(runqueue, task->cpu).rt_spent_ns += ran_ns;
}

#endif
