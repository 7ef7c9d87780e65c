/*
 * Who comes first on a CPU, and for how long.
 *
 * A rank orders the queue: SCHED_FIFO and SCHED_RR tasks have their priority, 1 to 99, all others 0. A task runs as long as
 * none of a higher rank wants to. Within a rank: FIFO has no slices, RR has slices of 100 ms, and the others share the CPU in
 * proportion to the weight of their nice value.
 *
 * Weights. Each round gives a task a slice in proportion to its weight, Linux's: a step of nice is a quarter more or less. The tick
 * is much longer than the slice of a nice task; so what a task runs beyond its slice is a debt, and it is passed over in the
 * rounds that pay it (deficit round robin, Shreedhar and Varghese 1995). Nobody owes more than a slice of weight 1, and a
 * task that nobody waits behind owes nothing. SCHED_BATCH does not preempt when it wakes up, nor does SCHED_IDLE, which has a weight
 * below all others.
 *
 * Not everything for real-time tasks: of each second they leave a twentieth of a CPU to others that want it, as on Linux, or a program
 * that spins would stop the kernel's own threads.
 */
#include "cpu/clock.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "proc/runqueue.h"

#define RT_PERIOD_NS  NSEC_PER_SEC
#define RT_RUNTIME_NS (RT_PERIOD_NS / 100 * 95)

u64 rt_queued_mask;

#define WEIGHT_UNIT 1024 /* nice 0 */
#define WEIGHT_IDLE 3    /* SCHED_IDLE */

static u32 weight_of(const struct sched_params *params)
{
	u64 weight = WEIGHT_UNIT * 1000;

	if (params->policy == SCHED_IDLE)
		return WEIGHT_IDLE;
	for (s32 nice = 0; nice < params->nice; nice++)
		weight = weight * 4 / 5;
	for (s32 nice = 0; nice > params->nice; nice--)
		weight = weight * 5 / 4;
	return weight / 1000;
}

u64 sched_slice_ns(const struct sched_params *params)
{
	if (params->policy == SCHED_FIFO)
		return 0;
	if (params->policy == SCHED_RR)
		return RR_TIME_SLICE_NS;
	return TIME_SLICE_NS * weight_of(params) / WEIGHT_UNIT;
}

static void set_params(struct task *task, const struct sched_params *params)
{
	task->sched = *params;
	task->new_slice_ns = (s64)max(sched_slice_ns(params), 1ul);
}

/* ---- the queue ---- */

/* The first task that a task of that rank comes before, at the head or the tail of its rank. */
static struct list_head *place_of(struct runqueue *rq, u32 rank, bool head)
{
	struct task *other;

	list_for_each_entry (other, &rq->queue, queue_node)
		if (rq_rank(other) < rank || (head && rq_rank(other) == rank))
			break;
	return &other->queue_node; /* or the list's head */
}

void rq_count_rt(struct runqueue *rq, const struct task *task, s32 change)
{
	u64 bit = BIT(task->cpu);

	rq->nr_rt_queued += change;
	if (rq->nr_rt_queued > 0)
		__atomic_fetch_or(&rt_queued_mask, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&rt_queued_mask, ~bit, __ATOMIC_SEQ_CST);
}

void rq_enqueue_head(struct runqueue *rq, struct task *task)
{
	list_add_tail(&task->queue_node, place_of(rq, rq_rank(task), true));
	rq->nr_queued++;
	if (unlikely(rq_rank(task) != 0))
		rq_count_rt(rq, task, 1);
}

void rq_enqueue_rt_tail(struct runqueue *rq, struct task *task)
{
	list_add_tail(&task->queue_node, place_of(rq, rq_rank(task), false));
	rq->nr_queued++;
	rq_count_rt(rq, task, 1);
}

void rq_enqueue_second(struct runqueue *rq, struct task *task)
{
	struct task *first;

	if (list_empty(&rq->queue)) {
		rq_enqueue_head(rq, task);
		return;
	}
	first = list_first_entry(&rq->queue, struct task, queue_node);
	if (rq_rank(first) != 0 || rq_rank(task) != 0) {
		rq_enqueue_head(rq, task);
		return;
	}
	list_add(&task->queue_node, &first->queue_node);
	rq->nr_queued++;
}

/* The first of rank 0 that is not in debt; each that is pays a slice and goes to the tail. NULL: none is of rank 0. */
static struct task *first_fair(struct runqueue *rq)
{
	struct task *task;

	for (;;) {
		list_for_each_entry (task, &rq->queue, queue_node)
			if (rq_rank(task) == 0)
				break;
		if (&task->queue_node == &rq->queue)
			return NULL;
		if (task->slice_ns > 0)
			return task;
		rq_refill_slice(task, task->queue_node.prev == &rq->queue &&
					      task->queue_node.next == &rq->queue);
		list_del(&task->queue_node);
		list_add_tail(&task->queue_node, &rq->queue);
	}
}

bool rq_rt_is_throttled(const struct runqueue *rq)
{
	return rq->rt_spent_ns >= RT_RUNTIME_NS;
}

struct task *rq_search_first(struct runqueue *rq)
{
	struct task *first = list_first_entry(&rq->queue, struct task, queue_node), *fair;

	if (rq_rank(first) != 0 && !rq_rt_is_throttled(rq))
		return first;
	fair = first_fair(rq);
	return fair ? fair : first;
}

bool rq_tick(struct runqueue *rq, u64 now)
{
	const struct task *first = NULL;

	if (!list_empty(&rq->queue))
		first = list_first_entry(&rq->queue, struct task, queue_node);
	if (now - rq->rt_period_ns >= RT_PERIOD_NS) {
		rq->rt_period_ns = now;
		rq->rt_spent_ns = 0;
		if (first && rq_rank(first) > rq_rank(rq->running))
			return true;
	}
	if (rq->running == rq->idle)
		return false;
	if (rq_rank(rq->running) != 0 && rq_rt_is_throttled(rq) && first)
		return true;
	return rq->running->slice_ns <= 0;
}

/* ---- changing it ---- */

void sched_set_params(struct task *task, const struct sched_params *params)
{
	ASSERT(spin_is_held(&tasks_lock));
	u64 flags = irq_save();
	struct runqueue *rq = rq_lock_of(task);
	bool queued = !list_empty(&task->queue_node);
	u32 cpu = task->cpu;

	if (queued)
		rq_dequeue(rq, task);
	set_params(task, params);
	task->slice_ns = task->new_slice_ns;
	if (queued)
		rq_enqueue_tail(rq, task);
	if (rq->running == task)
		WRITE_ONCE(rq->running_rank, rq_rank(task));
	if (queued || rq->running == task)
		per_cpu(need_resched, cpu) = true;
	spin_unlock_irqrestore(&rq->lock, flags);
	rq_kick(cpu);
}

void sched_set_fifo_low(struct task *task)
{
	struct sched_params params = task->sched;

	if (sched_is_rt(&params))
		return;
	params.policy = SCHED_FIFO;
	params.rt_priority = 1;
	sched_set_params(task, &params);
}

void sched_inherit(struct task *task, const struct task *creator)
{
	struct sched_params params = creator->sched;

	if (params.reset_on_fork) {
		params.reset_on_fork = false;
		if (sched_is_rt(&params))
			params = (struct sched_params){.policy = SCHED_OTHER};
		params.nice = max(params.nice, (s8)0);
	}
	set_params(task, &params);
	task->cpus_allowed = creator->cpus_allowed;
}
