/* Who had the CPU for how long: time of tasks and CPUs, load averages, the end of time slices. */
#include "arch/x86_64/boot.h"
#include "cpu/clock.h"
#include "proc/runqueue.h"

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
	u64 now;

	spin_lock(&rq->lock);
	now = clock_ns();
	rq_account(rq->running, now);
	if (from_user)
		rq->running->user_ticks++;
	else
		rq->running->system_ticks++;
	if (rq->running != rq->idle)
		*(from_user ? &rq->user_ticks : &rq->system_ticks) += 1;
	if (rq_tick(rq, now))
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
	struct runqueue *rq = rq_lock_of(task);

	if (rq->running == task)
		rq_account(task, clock_ns());
	struct cpu_time time = divide(task, task->run_ns);
	task->told = time;
	spin_unlock_irqrestore(&rq->lock, flags);
	return time;
}

void rq_stop_idle_time(void)
{
	struct runqueue *rq = &this_cpu(runqueue);
	u64 flags = spin_lock_irqsave(&rq->lock);

	rq_account(rq->idle, clock_ns());
	spin_unlock_irqrestore(&rq->lock, flags);
}

struct cpu_stat sched_cpu_stat(u32 cpu)
{
	struct runqueue *rq = &per_cpu(runqueue, cpu);
	struct cpu_stat stat = {0};

	if (!rq->running)
		return stat;
	u64 flags = spin_lock_irqsave(&rq->lock);
	if (rq->running == rq->idle && rq_takes_tasks(cpu))
		rq_account(rq->idle, clock_ns());
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
