/*
 * Where tasks run: which CPU a new task begins on, who takes tasks that wait, and what a task's affinity allows.
 *
 * Idle CPUs halt. One sets its bit in idle_mask and then looks at all queues; who queues a task does so first and then
 * reads the mask. One of them sees the other.
 */
#include "arch/x86_64/irq.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "proc/runqueue.h"
#include "trace/trace.h"

u64 cpu_active_mask;
u64 idle_mask;

u32 debug_rq_load(u32 cpu)
{
	const struct runqueue *rq = &per_cpu(runqueue, cpu);

	return READ_ONCE(rq->nr_queued) + (READ_ONCE(rq->running) != READ_ONCE(rq->idle));
}

static u32 least_loaded_cpu(const struct task *task)
{
	u32 best = MAX_CPUS;

	if (rq_may_run_on(task, cpu_id()))
		best = cpu_id();
	for_each_cpu (cpu)
		if (rq_may_run_on(task, cpu) &&
		    (best == MAX_CPUS || debug_rq_load(cpu) < debug_rq_load(best)))
			best = cpu;
	return best;
}

static void set_mask(struct task *task, u64 cpus)
{
	WRITE_ONCE(task->cpus_allowed, cpus);
	TRACE(sched_affinity, .pid = task->cur.pid, .cpus = cpus);
}

u32 rq_choose_cpu(struct task *task)
{
	u32 cpu = least_loaded_cpu(task);

	if (cpu != MAX_CPUS)
		return cpu;
	printk("process %d (%s) no longer affine to cpu%u", task->cur.pid, task->cur.comm,
	       task->cpu);
	set_mask(task, cpu_possible_mask());
	cpu = least_loaded_cpu(task);
	BUG_ON(cpu == MAX_CPUS);
	return cpu;
}

/* The CPU that runs the lowest of ranks below that of a task, or its own. Racy. */
static u32 lowest_rank_cpu(const struct task *task)
{
	u32 best = task->cpu, lowest = rq_rank(task);

	for_each_cpu (cpu) {
		const struct runqueue *rq = &per_cpu(runqueue, cpu);

		if (!rq_may_run_on(task, cpu))
			continue;
		if (READ_ONCE(rq->running) == rq->idle)
			return cpu;
		if (READ_ONCE(rq->running_rank) < lowest) {
			best = cpu;
			lowest = READ_ONCE(rq->running_rank);
		}
	}
	return best;
}

u32 rq_wake_cpu(struct task *task)
{
	if (!rq_may_run_on(task, task->cpu))
		return rq_choose_cpu(task);
	if (rq_rank(task) == 0 || per_cpu(runqueue, task->cpu).running_rank < rq_rank(task))
		return task->cpu;
	return lowest_rank_cpu(task);
}

void rq_move(struct task *task, u32 cpu)
{
	u32 orig_cpu = task->cpu;

	WRITE_ONCE(task->cpu, cpu);
	TRACE(sched_migrate_task, .pid = task->cur.pid, .orig_cpu = orig_cpu, .dest_cpu = cpu);
}

void rq_place(struct task *task)
{
	struct runqueue *rq = rq_lock_of(task);
	u32 cpu;

	/* Its affinity may change between two queues. */
	while (!rq_may_run_on(task, task->cpu)) {
		rq_move(task, rq_choose_cpu(task));
		spin_unlock(&rq->lock);
		rq = rq_lock_of(task);
	}
	cpu = task->cpu;
	rq_enqueue_tail(rq, task);
	if (rq->running == rq->idle || rq_rank(task) > rq->running_rank)
		per_cpu(need_resched, cpu) = true;
	u64 helpers = rq_helpers(rq);
	spin_unlock(&rq->lock);
	rq_kick(cpu);
	rq_kick_idle(helpers);
}

u64 rq_choose_helpers(const struct runqueue *rq, u64 idle)
{
	const struct task *task;

	list_for_each_entry (task, &rq->queue, queue_node)
		if (task->cpus_allowed & idle)
			return task->cpus_allowed & idle;
	return 0;
}

void rq_kick_helper(u64 helpers)
{
	while (helpers) {
		u64 bit = helpers & -helpers;

		/* Each is woken by one: the next task wakes another CPU. */
		if (__atomic_fetch_and(&idle_mask, ~bit, __ATOMIC_SEQ_CST) & bit) {
			ipi_reschedule(__builtin_ctzll(bit));
			return;
		}
		helpers &= ~bit;
	}
}

/* Of those CPUs the one with most tasks that wait; MAX_CPUS when none does. Racy. */
static u32 busiest_cpu(u64 cpus)
{
	u32 busiest = MAX_CPUS, most = 0;

	for_each_cpu (cpu) {
		if (!(cpus & BIT(cpu)))
			continue;
		if (rq_nr_waiting(&per_cpu(runqueue, cpu)) > most) {
			most = rq_nr_waiting(&per_cpu(runqueue, cpu));
			busiest = cpu;
		}
	}
	return busiest;
}

/* The next task of a queue that may run on this CPU, or NULL. Queue locked. */
static struct task *first_for_here(struct runqueue *rq)
{
	struct task *task;

	list_for_each_entry (task, &rq->queue, queue_node)
		if (rq_may_run_on(task, cpu_id()))
			return task;
	return NULL;
}

/* Takes the next task of a CPU if it must wait there, and may run here; NULL when there is none. It belongs to the
 * calling CPU then, not queued yet: nobody else touches it, because it is runnable and in no queue.
 * Interrupts off. */
static struct task *take_from(u32 cpu)
{
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	struct task *task = NULL;

	spin_lock(&rq->lock);
	if (rq_nr_waiting(rq) > 0)
		task = first_for_here(rq);
	if (task) {
		rq_dequeue(rq, task);
		rq_move(task, cpu_id());
	}
	spin_unlock(&rq->lock);
	return task;
}

void rq_steal(void)
{
	u64 cpus = __atomic_load_n(&cpu_active_mask, __ATOMIC_SEQ_CST) & ~BIT(cpu_id());
	u32 cpu;

	while ((cpu = busiest_cpu(cpus)) != MAX_CPUS) {
		struct task *task = take_from(cpu);

		if (task) {
			rq_place(task);
			return;
		}
		cpus &= ~BIT(cpu);
	}
}

/* ---- real-time tasks ---- */

/* The first real-time task that waits on a CPU for one before it, and may run here; NULL: none. Its queue locked. */
static struct task *rt_waiting_for_here(struct runqueue *rq)
{
	struct task *task;

	list_for_each_entry (task, &rq->queue, queue_node) {
		if (rq_rank(task) == 0)
			break;
		if (rq_rank(task) <= rq_rank(rq->running) && rq_may_run_on(task, cpu_id()))
			return task;
	}
	return NULL;
}

/* As take_from(), of a rank above that one. */
static struct task *take_rt_from(u32 cpu, u32 above)
{
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	struct task *task;

	spin_lock(&rq->lock);
	task = rt_waiting_for_here(rq);
	if (task && rq_rank(task) <= above)
		task = NULL;
	if (task) {
		rq_dequeue(rq, task);
		rq_move(task, cpu_id());
	}
	spin_unlock(&rq->lock);
	return task;
}

void rq_pull_rt(struct runqueue *rq, const struct task *prev)
{
	u32 rank = prev->state == TASK_RUNNING ? rq_rank(prev) : 0;

	if (!list_empty(&rq->queue))
		rank = max(rank, rq_rank(list_first_entry(&rq->queue, struct task, queue_node)));
	if (rq_rt_is_throttled(rq) || !rq_takes_tasks(cpu_id()))
		return;
	spin_unlock(&rq->lock);
	for_each_cpu (cpu) {
		struct task *task = NULL;

		if (cpu != cpu_id() && (READ_ONCE(rt_queued_mask) >> cpu & 1))
			task = take_rt_from(cpu, rank);
		if (task) {
			rank = rq_rank(task);
			rq_place(task);
		}
	}
	spin_lock(&rq->lock);
}

void rq_push_rt(struct runqueue *rq)
{
	struct task *first;
	u32 cpu = MAX_CPUS;

	spin_lock(&rq->lock);
	if (rq->nr_rt_queued > 0) {
		first = list_first_entry(&rq->queue, struct task, queue_node);
		if (rq_rank(first) <= rq_rank(rq->running))
			cpu = lowest_rank_cpu(first);
		if (cpu == first->cpu)
			cpu = MAX_CPUS;
	}
	spin_unlock(&rq->lock);
	if (cpu == MAX_CPUS)
		return;
	rq = &per_cpu(runqueue, cpu);
	spin_lock(&rq->lock);
	per_cpu(need_resched, cpu) = true;
	spin_unlock(&rq->lock);
	rq_kick(cpu);
}

/* ---- hotplug ---- */

/* The next task that waits on a CPU which is not active any more, made to belong to another one; NULL: there is none. Interrupts
 * off. */
static struct task *evict_next(u32 cpu)
{
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	struct task *task = NULL;

	spin_lock(&rq->lock);
	if (!list_empty(&rq->queue)) {
		task = list_first_entry(&rq->queue, struct task, queue_node);
		rq_dequeue(rq, task);
		rq_move(task, rq_choose_cpu(task));
	}
	spin_unlock(&rq->lock);
	return task;
}

void rq_close(u32 cpu)
{
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	u64 flags = irq_save();
	struct task *task;

	spin_lock(&rq->lock);
	__atomic_fetch_and(&cpu_active_mask, ~BIT(cpu), __ATOMIC_SEQ_CST);
	per_cpu(need_resched, cpu) = true;
	spin_unlock(&rq->lock);
	while ((task = evict_next(cpu)))
		rq_place(task);
	rq_kick(cpu);
	irq_restore(flags);
}

void rq_open(void)
{
	struct runqueue *rq = &this_cpu(runqueue);
	u64 flags = spin_lock_irqsave(&rq->lock);

	rq->idle->switched_in_ns = clock_ns();
	__atomic_fetch_or(&cpu_active_mask, BIT(cpu_id()), __ATOMIC_SEQ_CST);
	spin_unlock_irqrestore(&rq->lock, flags);
}

/* ---- affinity ---- */

u64 sched_affinity(const struct task *task)
{
	return READ_ONCE(task->cpus_allowed) & cpu_possible_mask();
}

u64 sched_active_cpus(void)
{
	return __atomic_load_n(&cpu_active_mask, __ATOMIC_SEQ_CST);
}

/* Takes a task from a CPU where it may not be any more. Returns whether it is to be placed. Its queue locked. */
static bool expel(struct runqueue *rq, struct task *task)
{
	if (rq->running == task) {
		per_cpu(need_resched, task->cpu) = true;
		return false;
	}
	if (list_empty(&task->queue_node))
		return false; /* asleep, or under way to a queue: whoever wakes or places it looks */
	rq_dequeue(rq, task);
	rq_move(task, rq_choose_cpu(task));
	return true;
}

void sched_set_affinity(struct task *task, u64 cpus)
{
	bool placed = false;

	ASSERT(spin_is_held(&tasks_lock));
	u64 flags = irq_save();
	struct runqueue *rq = rq_lock_of(task);
	u32 cpu = task->cpu;

	/* A zombie runs nowhere any more, and the trace knows nothing of it since its last switch. */
	if (task_has_ended(task) && rq->running != task)
		WRITE_ONCE(task->cpus_allowed, cpus);
	else
		set_mask(task, cpus);
	if (!rq_may_run_on(task, cpu))
		placed = expel(rq, task);
	spin_unlock(&rq->lock);
	if (placed)
		rq_place(task);
	else
		rq_kick(cpu);
	irq_restore(flags);
}

bool sched_is_misplaced(struct task *task)
{
	u64 flags = irq_save();
	struct runqueue *rq = rq_lock_of(task);
	bool misplaced = rq->running == task && !rq_may_run_on(task, task->cpu);

	spin_unlock_irqrestore(&rq->lock, flags);
	return misplaced;
}
