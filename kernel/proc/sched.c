/*
 * The scheduler: a run queue per CPU, round robin in it, preemption on return to user mode.
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
 * and the other CPU does not. There is no affinity: every task may run everywhere.
 *
 * Idle CPUs halt. One sets its bit in idle_mask and then looks at all queues; who queues a task does
 * so first and then reads the mask. One of them sees the other.
 *
 * Switching. The lock of the run queue is taken by the task that leaves and released by the one
 * that arrives (finish_switch()). Waking a task, and moving one, needs the lock of the queue it
 * belongs to; so whoever gets that lock finds a task either still deciding (its state is then
 * simply set back) or completely off its CPU. That is why there is no "on_cpu" flag to wait for.
 *
 * Locks: RANK_RUNQUEUE with interrupts off, never two at a time.
 */
#include "proc/sched.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/irq.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "trace/ring.h"
#include "trace/trace.h"

struct runqueue {
	spinlock_t lock;
	u32 nr_queued;
	struct list_head queue; /* runnable tasks but the running one; never the idle task */
	struct task *running; /* the idle task if there is nothing to do; NULL: CPU not there yet */
	struct task *leaving; /* from the choice of another task to the end of the switch */
	struct task *idle;
	u64 nr_switches;
	u64 user_ticks, system_ticks; /* where the ticks found tasks other than the idle one */
};

static DEFINE_PER_CPU(struct runqueue, runqueue);

static u64 idle_mask; /* CPUs that look for work or halt; atomic */

static void enqueue_head(struct runqueue *rq, struct task *task)
{
	list_add(&task->queue_node, &rq->queue);
	rq->nr_queued++;
}

static void enqueue_tail(struct runqueue *rq, struct task *task)
{
	list_add_tail(&task->queue_node, &rq->queue);
	rq->nr_queued++;
}

static void dequeue(struct runqueue *rq, struct task *task)
{
	list_del(&task->queue_node);
	rq->nr_queued--;
}

/* Makes the CPU of a queue notice need_resched. The lock is released. */
static void kick(u32 cpu)
{
	if (cpu != cpu_id())
		ipi_reschedule(cpu);
}

/* Queued tasks that must wait for others: the first need not when the CPU is idle. Exact with the
 * queue locked, else a hint. */
static u32 nr_waiting(const struct runqueue *rq)
{
	u32 queued = READ_ONCE(rq->nr_queued);

	return READ_ONCE(rq->running) == rq->idle && queued > 0 ? queued - 1 : queued;
}

/* A task was queued that must wait: wakes one idle CPU, which will take it or another. The queue
 * is not locked any more. */
static void kick_idle(void)
{
	u64 mask = __atomic_load_n(&idle_mask, __ATOMIC_SEQ_CST) & ~BIT(cpu_id());

	while (mask) {
		u64 bit = mask & -mask;

		/* Each is woken by one: the next task wakes another CPU. */
		if (__atomic_fetch_and(&idle_mask, ~bit, __ATOMIC_SEQ_CST) & bit) {
			ipi_reschedule(__builtin_ctzll(bit));
			return;
		}
		mask &= ~bit;
	}
}

/* Tasks that run or wait on a CPU. Racy: for placing tasks. */
static u32 debug_load(u32 cpu)
{
	const struct runqueue *rq = &per_cpu(runqueue, cpu);

	return READ_ONCE(rq->nr_queued) + (READ_ONCE(rq->running) != READ_ONCE(rq->idle));
}

/* Whether a CPU has its idle task; a CPU is online some time before that. */
static bool takes_tasks(u32 cpu)
{
	return __atomic_load_n(&per_cpu(runqueue, cpu).running, __ATOMIC_ACQUIRE) != NULL;
}

static u32 least_loaded_cpu(void)
{
	u32 best = cpu_id();

	for_each_cpu (cpu)
		if (takes_tasks(cpu) && debug_load(cpu) < debug_load(best))
			best = cpu;
	return best;
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
	__atomic_store_n(&rq->running, idle, __ATOMIC_RELEASE);
}

void sched_start(struct task *task)
{
	u32 cpu = least_loaded_cpu();
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	u64 flags = spin_lock_irqsave(&rq->lock);

	task->cpu = cpu;
	task->slice_ns = TIME_SLICE_NS;
	enqueue_tail(rq, task);
	if (rq->running == rq->idle)
		per_cpu(need_resched, cpu) = true;
	TRACE(sched_wakeup_new, .pid = task->cur.pid, .target_cpu = cpu);
	bool waits = nr_waiting(rq) > 0;
	spin_unlock_irqrestore(&rq->lock, flags);
	kick(cpu);
	if (waits)
		kick_idle();
}

/* The queue a task belongs to, locked; interrupts are off. A task moves only under the lock of the
 * queue it leaves. */
static struct runqueue *lock_queue_of(struct task *task)
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

/* Makes a sleeping task runnable. Queue locked. */
static void wake_locked(struct runqueue *rq, struct task *task)
{
	WRITE_ONCE(task->state, TASK_RUNNING);
	if (rq->running == task)
		return; /* it has not slept yet and will not */
	if (task->slice_ns > 0) {
		enqueue_head(rq, task);
	} else {
		task->slice_ns = TIME_SLICE_NS;
		enqueue_tail(rq, task);
	}
	per_cpu(need_resched, task->cpu) = true;
	TRACE(sched_wakeup, .pid = task->cur.pid, .target_cpu = task->cpu);
}

/* Wakes a task that sleeps in one of `states` (bits). With `look` its CPU is interrupted anyway. */
static void wake_from(struct task *task, u32 states, bool look)
{
	u64 flags = irq_save();
	struct runqueue *rq = lock_queue_of(task);
	u32 cpu = task->cpu;
	bool woken = states & BIT(READ_ONCE(task->state));

	if (woken)
		wake_locked(rq, task);
	bool waits = nr_waiting(rq) > 0;
	spin_unlock_irqrestore(&rq->lock, flags);
	if (woken || look)
		kick(cpu);
	if (woken && waits)
		kick_idle();
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
	struct runqueue *rq = lock_queue_of(task);
	bool left = rq->running != task;

	spin_unlock_irqrestore(&rq->lock, flags);
	return left;
}

/* Charges the running task for the time since it was last charged. Queue locked. */
static void account(struct task *task, u64 now)
{
	u64 ran_ns = now - task->switched_in_ns;

	task->run_ns += ran_ns;
	task->slice_ns -= (s64)ran_ns;
	task->switched_in_ns = now;
}

/* The next task to run, off the queue. Queue locked. */
static struct task *pick_next(struct runqueue *rq)
{
	if (list_empty(&rq->queue))
		return rq->idle;

	struct task *next = list_first_entry(&rq->queue, struct task, queue_node);
	dequeue(rq, next);
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
	if (is_called(task))
		WRITE_ONCE(task->state, TASK_RUNNING);
	return task->state == TASK_RUNNING;
}

/* Queues a task that leaves but could go on: behind the woken task that preempts it, or at the
 * tail. Queue locked. */
static void requeue(struct runqueue *rq, struct task *task)
{
	if (task->slice_ns <= 0) {
		task->slice_ns = TIME_SLICE_NS;
		enqueue_tail(rq, task);
		return;
	}
	list_add(&task->queue_node, rq->queue.next);
	rq->nr_queued++;
}

/* Second half of a switch, on the stack of the task that arrives. Comes with the queue locked and
 * interrupts off. */
static void finish_switch(void)
{
	struct runqueue *rq = &this_cpu(runqueue);
	struct task *prev = rq->leaving;
	bool has_ended = prev->state == TASK_ZOMBIE || prev->state == TASK_DEAD;

	rq->leaving = NULL;
	spin_unlock(&rq->lock);
	irq_enable();
	if (has_ended)
		task_left_cpu(prev);
}

void sched_begin_task(void)
{
	finish_switch();
}

static void switch_to(struct runqueue *rq, struct task *prev, struct task *next, u64 now)
{
	TRACE(sched_switch, .prev_pid = prev->cur.pid, .next_pid = next->cur.pid,
	      .prev_state = prev->state);
	next->switched_in_ns = now;
	rq->running = next;
	rq->leaving = prev;
	rq->nr_switches++;
	if (prev->cur.mm != next->cur.mm)
		mm_switch(prev->cur.mm, next->cur.mm);
	arch_switch(&prev->arch, &next->arch, &next->cur);
	finish_switch(); /* perhaps on another CPU, long afterwards */
}

/* The CPU with most tasks that wait, or the calling one when none does elsewhere. Racy. */
static u32 busiest_cpu(void)
{
	u32 busiest = cpu_id(), most = 0;

	for_each_cpu (cpu) {
		if (cpu == cpu_id() || !takes_tasks(cpu))
			continue;
		if (nr_waiting(&per_cpu(runqueue, cpu)) > most) {
			most = nr_waiting(&per_cpu(runqueue, cpu));
			busiest = cpu;
		}
	}
	return busiest;
}

/* Takes the next task of a CPU if it must wait there; NULL when there is none. It belongs to the
 * calling CPU then, not queued yet: nobody else touches it, because it is runnable and in no queue.
 * Interrupts off. */
static struct task *take_from(u32 cpu)
{
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	struct task *task = NULL;

	spin_lock(&rq->lock);
	if (nr_waiting(rq) > 0) {
		task = list_first_entry(&rq->queue, struct task, queue_node);
		dequeue(rq, task);
		WRITE_ONCE(task->cpu, cpu_id());
		TRACE(sched_migrate_task, .pid = task->cur.pid, .orig_cpu = cpu,
		      .dest_cpu = cpu_id());
	}
	spin_unlock(&rq->lock);
	return task;
}

/* Takes a task that waits elsewhere to this CPU's queue, which is empty; looks again when another
 * CPU was faster. Interrupts off. */
static void steal_task(struct runqueue *mine)
{
	u32 cpu;

	while ((cpu = busiest_cpu()) != cpu_id()) {
		struct task *task = take_from(cpu);

		if (!task)
			continue;
		spin_lock(&mine->lock);
		enqueue_tail(mine, task);
		spin_unlock(&mine->lock);
		return;
	}
}

void schedule(void)
{
	might_sleep();
	BUG_ON(spinlocks_held() != 0);
	ASSERT(irqs_enabled());
	BUG_ON(quiesce_is_mine());
	quiesce_point();

	irq_disable();
	struct runqueue *rq = &this_cpu(runqueue);
	struct task *prev = current_proc;

	if (prev != rq->idle && prev->slice_ns <= 0 && READ_ONCE(rq->nr_queued) == 0)
		steal_task(rq);
	u64 now = clock_ns();

	spin_lock(&rq->lock);
	this_cpu_write(need_resched, false);
	account(prev, now);
	if (prev != rq->idle && stays_runnable(prev))
		requeue(rq, prev);
	struct task *next = pick_next(rq);
	if (next != prev) {
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
	struct runqueue *rq = &this_cpu(runqueue);
	u64 flags = spin_lock_irqsave(&rq->lock);

	rq->running->slice_ns = 0;
	spin_unlock_irqrestore(&rq->lock, flags);
	schedule();
}

bool sched_need_resched(void)
{
	return this_cpu_read(need_resched);
}

/* Linux's load averages: every five seconds an exponential average, in fixed point, with weights
 * e^(-5 s / 1, 5, 15 minutes). Tasks that sleep uninterruptibly are not counted. */
#define LOAD_TICKS (5 * TICK_HZ)

static u64 load_averages[3];

static void count_load(void)
{
	static const u64 weights[] = {1884, 2014, 2037};
	static u32 ticks;

	if (++ticks < LOAD_TICKS)
		return;
	ticks = 0;
	u64 active = (u64)sched_nr_running() << LOAD_SHIFT;
	for (u32 i = 0; i < ARRAY_SIZE(weights); i++) {
		u64 sum = load_averages[i] * weights[i] + active * (BIT(LOAD_SHIFT) - weights[i]);

		if (active >= load_averages[i])
			sum += BIT(LOAD_SHIFT) - 1;
		WRITE_ONCE(load_averages[i], sum >> LOAD_SHIFT);
	}
}

u64 sched_load_average(u32 which)
{
	return READ_ONCE(load_averages[which]);
}

void sched_tick(bool from_user)
{
	struct runqueue *rq = &this_cpu(runqueue);

	spin_lock(&rq->lock);
	account(rq->running, clock_ns());
	if (from_user)
		rq->running->user_ticks++;
	else
		rq->running->system_ticks++;
	if (rq->running != rq->idle)
		*(from_user ? &rq->user_ticks : &rq->system_ticks) += 1;
	if (rq->running->slice_ns <= 0)
		this_cpu_write(need_resched, true);
	spin_unlock(&rq->lock);
	if (cpu_id() == 0)
		count_load();
}

/* How much of `total` belongs to `part` of `whole` ticks. */
static u64 scale(u64 total, u64 part, u64 whole)
{
	return total / whole * part + total % whole * part / whole;
}

/*
 * The sum is what the TSC measured from switch to switch; how it divides is what the ticks saw. So
 * entries and exits need not read the clock, which would be a fifth of a null call. Linux does it so
 * too (cputime_adjust). Queue locked.
 */
static struct cpu_time divide(const struct task *task, u64 total)
{
	u64 ticks = task->user_ticks + task->system_ticks;
	struct cpu_time last = task->told;
	u64 system;

	if (total <= cpu_time_sum(last))
		return last;
	/* Before the first tick it is user time. */
	system = ticks ? scale(total, task->system_ticks, ticks) : 0;
	/* Neither part may shrink when the proportion changes. */
	system = min(max(system, last.system_ns), total - last.user_ns);
	return (struct cpu_time){.user_ns = total - system, .system_ns = system};
}

struct cpu_time sched_cpu_time(struct task *task)
{
	u64 flags = irq_save();
	struct runqueue *rq = lock_queue_of(task);

	if (rq->running == task)
		account(task, clock_ns());
	struct cpu_time time = divide(task, task->run_ns);
	task->told = time;
	spin_unlock_irqrestore(&rq->lock, flags);
	return time;
}

struct cpu_stat sched_cpu_stat(u32 cpu)
{
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	struct cpu_stat stat = {0};

	if (!takes_tasks(cpu))
		return stat;
	u64 flags = spin_lock_irqsave(&rq->lock);
	if (rq->running == rq->idle)
		account(rq->idle, clock_ns());
	stat.idle_ns = rq->idle->run_ns;
	stat.user_ns = rq->user_ticks * (NSEC_PER_SEC / TICK_HZ);
	stat.system_ns = rq->system_ticks * (NSEC_PER_SEC / TICK_HZ);
	stat.nr_switches = rq->nr_switches;
	spin_unlock_irqrestore(&rq->lock, flags);
	return stat;
}

struct cpu_time debug_cpu_time(const struct task *task)
{
	bool runs = sched_running_task(task->cpu) == task;

	return divide(task, task->run_ns + (runs ? clock_ns() - task->switched_in_ns : 0));
}

u32 debug_nr_queued(u32 cpu)
{
	return READ_ONCE(per_cpu(runqueue, cpu).nr_queued);
}

u32 sched_nr_running(void)
{
	u32 nr = 0;

	for_each_cpu (cpu)
		if (takes_tasks(cpu))
			nr += debug_load(cpu);
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
		while (READ_ONCE(rq->nr_queued) == 0 && !READ_ONCE(quiesce_wanted) &&
		       page_alloc_idle_work())
			;
		/* With interrupts off from the look to the halt, a kick that comes in between ends
		 * the halt. */
		irq_disable();
		trace_flush_idle();
		__atomic_fetch_or(&idle_mask, self, __ATOMIC_SEQ_CST);
		if (READ_ONCE(rq->nr_queued) == 0)
			steal_task(rq);
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
