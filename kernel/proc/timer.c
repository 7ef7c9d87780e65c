/*
 * Sleeping until a time: all sleepers in one list by deadline, looked at by the tick of CPU 0. The
 * resolution is therefore a tick, and nobody wakes early. A timer wheel was rejected: a session has
 * a handful of sleepers at a time.
 *
 * Locks: sleepers_lock (RANK_TIMER, interrupts off), then the run queues.
 */
#include "proc/timer.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "proc/sched.h"

/* One sleeper, on its stack. */
struct sleeper {
	struct list_head node; /* empty once the tick has woken it */
	u64 deadline_ns;
	struct task *task;
};

static DEFINE_SPINLOCK(sleepers_lock, RANK_TIMER);
static LIST_HEAD(sleepers); /* earliest first; sleepers_lock */

static void add_sleeper(struct sleeper *new)
{
	u64 flags = spin_lock_irqsave(&sleepers_lock);
	struct sleeper *other;

	list_for_each_entry (other, &sleepers, node)
		if (other->deadline_ns > new->deadline_ns)
			break;
	list_add_tail(&new->node, &other->node); /* before `other`, or at the end */
	spin_unlock_irqrestore(&sleepers_lock, flags);
}

static void remove_sleeper(struct sleeper *sleeper)
{
	u64 flags = spin_lock_irqsave(&sleepers_lock);

	list_del(&sleeper->node);
	spin_unlock_irqrestore(&sleepers_lock, flags);
}

void timer_tick(void)
{
	u64 now = clock_ns();

	spin_lock(&sleepers_lock);
	while (!list_empty(&sleepers)) {
		struct sleeper *first = list_first_entry(&sleepers, struct sleeper, node);

		if (first->deadline_ns > now)
			break;
		list_del(&first->node);
		sched_wake(first->task);
	}
	spin_unlock(&sleepers_lock);
}

void schedule_until(u64 deadline_ns)
{
	struct sleeper self = {.deadline_ns = deadline_ns, .task = current_proc};

	add_sleeper(&self);
	schedule();
	remove_sleeper(&self);
}

int sleep_interruptible(u64 deadline_ns)
{
	while (clock_ns() < deadline_ns) {
		if (current_has_signal())
			return -ERESTARTSYS;
		(void)sleep_until(deadline_ns, TASK_INTERRUPTIBLE);
	}
	return 0;
}

int sleep_until(u64 deadline_ns, enum task_state state)
{
	struct task *task = current_proc;

	ASSERT(!(task->cur.flags & PF_IDLE));
	WRITE_ONCE(task->state, state);
	if (clock_ns() < deadline_ns)
		schedule_until(deadline_ns);
	WRITE_ONCE(task->state, TASK_RUNNING);
	return clock_ns() >= deadline_ns ? 0 : -EINTR;
}
