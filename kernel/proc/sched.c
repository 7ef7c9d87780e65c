/*
 * The scheduler: a run queue per CPU, round robin in it, preemption on return to user mode. What weights and real-time priorities
 * make of that is in priority.c.
 *
 * Order in a queue. Who used up its time slice goes to the tail with a new one; who wakes up goes
 * to the head with what is left of its slice, and preempts the running task at its next return to
 * user mode. So a task that mostly sleeps answers at once, and still cannot starve anybody: all it
 * gets ahead of the others is one slice a round. Linux's virtual runtimes were rejected: fairness
 * to the microsecond is not what is studied here.
 *
 * Where a task runs. It stays on the CPU where it ran last until another CPU takes it, always the
 * task that would come next in the longest queue. A CPU takes one in two cases:
 *
 *   idle      it has nothing to run. Who queues a task that must wait wakes an idle CPU
 *   rotating  its one task used up its slice while others wait elsewhere. So six tasks on four CPUs
 *             get two thirds of one each, and nobody has a CPU for himself for long
 *
 * A task that runs is never taken, and no task is spared because its cache may be warm: it waits,
 * and the other CPU does not. All that stays within the affinity of tasks (balance.c). A task whose CPU
 * is taken from it leaves it at its next switch, and a sleeping one is moved by who wakes it.
 *
 * Switching. The lock of the run queue is taken by the task that leaves and released by the one
 * that arrives (finish_switch()). Waking a task, and moving one, needs the lock of the queue it
 * belongs to; so whoever gets that lock finds a task either still deciding (its state is then
 * simply set back) or completely off its CPU. That is why there is no "on_cpu" flag to wait for.
 *
 * Locks: RANK_RUNQUEUE with interrupts off, never two at a time.
 */
#include "arch/x86_64/boot.h"
#include "arch/x86_64/irq.h"
#include "cpu/backtrace.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "proc/hotplug.h"
#include "proc/runqueue.h"
#include "trace/ring.h"
#include "trace/trace.h"

DEFINE_PER_CPU(struct runqueue, runqueue);

void rq_kick(u32 cpu)
{
	if (cpu != cpu_id())
		ipi_reschedule(cpu);
}

void sched_init_cpu(struct task *idle)
{
	struct runqueue *rq = &this_cpu(runqueue);

	spin_lock_init(&rq->lock, RANK_RUNQUEUE);
	list_init(&rq->queue);
	idle->cpu = cpu_id();
	idle->switched_in_ns = clock_ns();
	rq->idle = idle;
	this_cpu_write(current_task, &idle->cur);
	WRITE_ONCE(rq->running, idle);
	__atomic_fetch_or(&cpu_active_mask, BIT(cpu_id()), __ATOMIC_SEQ_CST);
}

struct runqueue *rq_lock_of(struct task *task)
{
	for (;;) {
		u32 cpu = READ_ONCE(task->cpu);
		struct runqueue *rq = &per_cpu(runqueue, cpu);

		spin_lock(&rq->lock);
		if (task->cpu == cpu)
			return rq;
		spin_unlock(&rq->lock);
	}
}

/* Lets a new task belong to a CPU where it may run. Its queue, which is returned, is locked; interrupts are off. */
static struct runqueue *lock_first_queue(struct task *task)
{
	struct runqueue *rq = rq_lock_of(task);

	do {
		WRITE_ONCE(task->cpu, rq_choose_cpu(task));
		spin_unlock(&rq->lock);
		rq = rq_lock_of(task);
	} while (!rq_may_run_on(task, task->cpu));
	return rq;
}

void sched_start(struct task *task)
{
	u64 flags = irq_save();
	struct runqueue *rq = lock_first_queue(task);
	u32 cpu = task->cpu;

	task->slice_ns = task->new_slice_ns;
	rq_enqueue_tail(rq, task);
	if (rq->running == rq->idle || rq_rank(task) > rq->running_rank)
		per_cpu(need_resched, cpu) = true;
	TRACE(sched_wakeup_new, .pid = task->cur.pid, .target_cpu = cpu);
	u64 helpers = rq_helpers(rq);
	spin_unlock(&rq->lock);
	rq_kick(cpu);
	rq_kick_idle(helpers);
	rq_push_if_rt(rq);
	irq_restore(flags);
}

/* Makes a sleeping task runnable. Queue locked. */
static void wake_locked(struct runqueue *rq, struct task *task)
{
	WRITE_ONCE(task->state, TASK_RUNNING);
	if (rq->running == task)
		return; /* it has not slept yet and will not */
	bool preempts = task->sched.policy == SCHED_OTHER && task->slice_ns > 0;

	if (task->slice_ns <= 0)
		rq_refill_slice(task, list_empty(&rq->queue));
	if (preempts)
		rq_enqueue_head(rq, task);
	else
		rq_enqueue_tail(rq, task);
	per_cpu(need_resched, task->cpu) = true;
	TRACE(sched_wakeup, .pid = task->cur.pid, .target_cpu = task->cpu);
}

/* The queue of a task that may be asleep in one of `states`, locked; if so, it belongs to a CPU where it may run.
 * Interrupts are off. */
static struct runqueue *lock_waking_queue(struct task *task, u32 states)
{
	struct runqueue *rq = rq_lock_of(task);

	for (;;) {
		if (!(states & BIT(READ_ONCE(task->state))) || rq->running == task)
			return rq;
		u32 cpu = rq_wake_cpu(task);
		if (cpu == task->cpu)
			return rq;
		rq_move(task, cpu);
		spin_unlock(&rq->lock);
		rq = rq_lock_of(task);
	}
}

/* Wakes a task that sleeps in one of `states` (bits). With `look` its CPU is interrupted anyway. */
static void wake_from(struct task *task, u32 states, bool look)
{
	u64 flags = irq_save();
	struct runqueue *rq = lock_waking_queue(task, states);
	u32 cpu = task->cpu;
	bool woken = states & BIT(READ_ONCE(task->state));

	if (woken)
		wake_locked(rq, task);
	u64 helpers = woken ? rq_helpers(rq) : 0;
	spin_unlock_irqrestore(&rq->lock, flags);
	if (woken || look)
		rq_kick(cpu);
	rq_kick_idle(helpers);
}

#define ASLEEP (BIT(TASK_INTERRUPTIBLE) | BIT(TASK_UNINTERRUPTIBLE) | BIT(TASK_KILLABLE))

void sched_wake(struct task *task)
{
	wake_from(task, ASLEEP, false);
}

void sched_wake_signal(struct task *task)
{
	wake_from(task, BIT(TASK_INTERRUPTIBLE), true);
}

void sched_wake_killed(struct task *task)
{
	wake_from(task, BIT(TASK_INTERRUPTIBLE) | BIT(TASK_KILLABLE) | BIT(TASK_STOPPED), true);
}

void sched_wake_stopped(struct task *task)
{
	wake_from(task, BIT(TASK_STOPPED), true);
}

bool sched_has_left_cpu(struct task *task)
{
	u64 flags = irq_save();
	struct runqueue *rq = rq_lock_of(task);
	bool left = rq->running != task;

	spin_unlock_irqrestore(&rq->lock, flags);
	return left;
}

u64 sched_wchan(struct task *task)
{
	extern const char sched_text_start[], sched_text_end[];
	u64 flags = irq_save(), top = task->cur.kernel_sp_top, rip, rbp, found = 0;
	struct runqueue *rq = rq_lock_of(task);

	/* With the lock held it stays asleep. */
	if (rq->running != task && ((ASLEEP | BIT(TASK_STOPPED)) & BIT(task->state))) {
		debug_arch_task_where(&task->arch, &rip, &rbp);
		found = backtrace_find_outside(rbp, top - KSTACK_SIZE, top, sched_text_start,
					       sched_text_end);
	}
	spin_unlock_irqrestore(&rq->lock, flags);
	return found;
}

/* The next task to run, off the queue. Queue locked. */
static struct task *pick_next(struct runqueue *rq)
{
	struct task *next = rq_first(rq);

	if (!next)
		return rq->idle;
	rq_dequeue(rq, next);
	return next;
}

/* Whether a signal does not let the task sleep in its state. */
static bool is_called(const struct task *task)
{
	if (task->state == TASK_INTERRUPTIBLE && READ_ONCE(task->cur.signal_pending))
		return true;
	return READ_ONCE(task->cur.killed) &&
	       (task->state == TASK_INTERRUPTIBLE || task->state == TASK_KILLABLE ||
		task->state == TASK_STOPPED);
}

/* Whether the task that leaves still wants to run. Queue locked. */
static bool stays_runnable(struct task *task)
{
	if (task->state == TASK_RUNNING)
		return true;
	if (!is_called(task))
		return false;
	WRITE_ONCE(task->state, TASK_RUNNING);
	return true;
}

/* Queues a task that leaves but could go on: behind the woken task that preempts it, or at the
 * tail. Queue locked. */
static void requeue(struct runqueue *rq, struct task *task)
{
	if (task->slice_ns <= 0) {
		rq_refill_slice(task, list_empty(&rq->queue));
		rq_enqueue_tail(rq, task);
		return;
	}
	rq_enqueue_second(rq, task);
}

/* Ends a switch from a task that may not run here any more, so that schedule() did not queue it. */
static void finish_homeless(struct runqueue *rq, struct task *prev)
{
	rq_move(prev, rq_choose_cpu(prev));
	spin_unlock(&rq->lock);
	rq_place(prev);
	irq_enable();
}

/* Second half of a switch, on the stack of the task that arrives. Comes with the queue locked and
 * interrupts off. */
static inline void finish_switch(void)
{
	struct runqueue *rq = &this_cpu(runqueue);
	struct task *prev = rq->leaving;
	enum task_state state = prev->state;

	rq->leaving = NULL;
	if (state == TASK_RUNNING && list_empty(&prev->queue_node) && prev != rq->idle) {
		finish_homeless(rq, prev);
		return;
	}
	spin_unlock(&rq->lock);
	rq_push_if_rt(rq);
	irq_enable();
	if (unlikely(state == TASK_ZOMBIE || state == TASK_DEAD))
		task_left_cpu(prev);
}

void sched_begin_task(void)
{
	finish_switch();
}

static void __sched switch_to(struct runqueue *rq, struct task *prev, struct task *next, u64 now)
{
	TRACE(sched_switch, .prev_pid = prev->cur.pid, .next_pid = next->cur.pid,
	      .prev_state = prev->state);
	next->switched_in_ns = now;
	rq->running = next;
	rq->running_rank = rq_rank(next);
	rq->leaving = prev;
	rq->nr_switches++;
	if (prev->rseq)
		prev->cur.rseq_work = true;
	if (prev->cur.mm != next->cur.mm)
		mm_switch(prev->cur.mm, next->cur.mm);
	arch_switch(&prev->arch, &next->arch, &next->cur);
	finish_switch(); /* perhaps on another CPU, long afterwards */
}

void __sched schedule(void)
{
	might_sleep();
	BUG_ON(spinlocks_held() != 0);
	ASSERT(irqs_enabled());
	if (unlikely(READ_ONCE(quiesce_wanted))) {
		BUG_ON(quiesce_is_mine());
		quiesce_park();
	}

	irq_disable();
	struct runqueue *rq = &this_cpu(runqueue);
	struct task *prev = current_proc;

	bool yields = prev->cur.flags & PF_YIELDS;

	if (READ_ONCE(rq->nr_queued) == 0 && prev != rq->idle && (yields || prev->slice_ns <= 0))
		rq_steal();
	u64 now = clock_ns();

	spin_lock(&rq->lock);
	this_cpu_write(need_resched, false);
	if (rq_rt_waits_elsewhere())
		rq_pull_rt(rq, prev);
	rq_account(prev, now);
	if (unlikely(yields)) {
		prev->cur.flags &= ~PF_YIELDS;
		prev->slice_ns = min(prev->slice_ns, (s64)0);
	}
	if (prev != rq->idle && stays_runnable(prev) && rq_may_run_on(prev, cpu_id()))
		requeue(rq, prev);
	struct task *next = pick_next(rq);
	if (next != prev) {
		rq_kick_idle(rq_helpers(rq));
		if (prev->state == TASK_RUNNING)
			prev->cur.faults.involuntary++;
		else
			prev->cur.faults.voluntary++;
		switch_to(rq, prev, next, now);
		return;
	}
	spin_unlock(&rq->lock);
	irq_enable();
}

void cond_resched(void)
{
	if (quiesce_is_mine())
		return;
	quiesce_point();
	if (sched_need_resched() && !(current->flags & PF_IDLE))
		schedule();
}

void sched_yield(void)
{
	current->flags |= PF_YIELDS;
	schedule();
}

bool sched_need_resched(void)
{
	return this_cpu_read(need_resched);
}

u32 debug_nr_queued(u32 cpu)
{
	return READ_ONCE(per_cpu(runqueue, cpu).nr_queued);
}

u32 sched_nr_running(void)
{
	u32 nr = 0;

	for_each_cpu (cpu)
		if (rq_takes_tasks(cpu))
			nr += debug_rq_load(cpu);
	return nr;
}

struct task *sched_running_task(u32 cpu)
{
	return per_cpu(runqueue, cpu).running;
}

void sched_idle(void)
{
	struct runqueue *rq = &this_cpu(runqueue);
	u64 self = BIT(cpu_id());

	for (;;) {
		if (hotplug_wants_me() && READ_ONCE(rq->nr_queued) == 0)
			hotplug_leave();
		while (READ_ONCE(rq->nr_queued) == 0 && !READ_ONCE(quiesce_wanted) &&
		       page_alloc_idle_work())
			;
		/* With interrupts off from the look to the halt, a kick that comes in between ends
		 * the halt. */
		irq_disable();
		trace_flush_idle();
		__atomic_fetch_or(&idle_mask, self, __ATOMIC_SEQ_CST);
		if (READ_ONCE(rq->nr_queued) == 0)
			rq_steal();
		if (READ_ONCE(rq->nr_queued) == 0 && !READ_ONCE(quiesce_wanted))
			arch_idle_wait();
		else
			irq_enable();
		__atomic_fetch_and(&idle_mask, ~self, __ATOMIC_SEQ_CST);
		quiesce_point();
		if (READ_ONCE(rq->nr_queued) > 0)
			schedule();
	}
}
