/*
 * Sleeping until a time, and timers: all sleepers in one list by deadline, looked at by the tick of
 * CPU 0. The resolution is therefore a tick, and nobody wakes early. A timer wheel was rejected: a
 * session has a handful of sleepers at a time.
 *
 * Timers have a list of their own and a thread that calls their functions, so that these may take the
 * locks that signals need: none of those is taken by interrupt handlers. The thread calls those that were
 * due at the last tick: one that a function starts anew comes with the next, however short its interval.
 *
 * Locks: sleepers_lock (RANK_TIMER, interrupts off) guards both lists, then the run queues.
 */
#include "proc/timer.h"
#include "cpu/clock.h"
#include "cpu/kthread.h"
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
static LIST_HEAD(timers);   /* the same */
static u64 last_tick_ns;    /* sleepers_lock */

static DEFINE_WAIT_QUEUE(timer_wait);      /* the thread, until one is due */
static DEFINE_WAIT_QUEUE(timer_done);      /* who waits for a function to end */
static const struct ktimer *running_timer; /* whose function runs; sleepers_lock */

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

/* sleepers_lock held. */
static bool timer_is_due(void)
{
	return !list_empty(&timers) &&
	       list_first_entry(&timers, struct ktimer, node)->deadline_ns <= last_tick_ns;
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
	last_tick_ns = now;
	bool due = timer_is_due();
	spin_unlock(&sleepers_lock);
	if (due)
		wake_up(&timer_wait);
}

void __sched schedule_until(u64 deadline_ns)
{
	struct sleeper self = {.deadline_ns = deadline_ns, .task = current_proc};

	add_sleeper(&self);
	schedule();
	remove_sleeper(&self);
}

int __sched sleep_interruptible(u64 deadline_ns)
{
	while (clock_ns() < deadline_ns) {
		if (current_has_signal())
			return -ERESTARTSYS;
		(void)sleep_until(deadline_ns, TASK_INTERRUPTIBLE);
	}
	return 0;
}

int __sched sleep_until(u64 deadline_ns, enum task_state state)
{
	struct task *task = current_proc;

	ASSERT(!(task->cur.flags & PF_IDLE));
	WRITE_ONCE(task->state, state);
	if (clock_ns() < deadline_ns)
		schedule_until(deadline_ns);
	WRITE_ONCE(task->state, TASK_RUNNING);
	return clock_ns() >= deadline_ns ? 0 : -EINTR;
}

/* ---- timers ---- */

void ktimer_init(struct ktimer *timer, void (*expire)(struct ktimer *timer))
{
	list_init(&timer->node);
	timer->expire = expire;
}

void ktimer_start(struct ktimer *timer, u64 deadline_ns)
{
	u64 flags = spin_lock_irqsave(&sleepers_lock);
	struct ktimer *other;

	list_del(&timer->node);
	timer->deadline_ns = deadline_ns;
	list_for_each_entry (other, &timers, node)
		if (other->deadline_ns > deadline_ns)
			break;
	list_add_tail(&timer->node, &other->node);
	spin_unlock_irqrestore(&sleepers_lock, flags);
}

void ktimer_stop(struct ktimer *timer)
{
	u64 flags = spin_lock_irqsave(&sleepers_lock);

	list_del(&timer->node);
	spin_unlock_irqrestore(&sleepers_lock, flags);
}

u64 ktimer_next_expiry(u64 expired_ns, u64 interval_ns, u64 now, u64 *times)
{
	u64 span_ns, next_ns;

	*times = (now - expired_ns) / interval_ns + 1;
	if (__builtin_mul_overflow(*times, interval_ns, &span_ns) ||
	    __builtin_add_overflow(expired_ns, span_ns, &next_ns))
		return ~0ul;
	return next_ns;
}

static bool is_running(const struct ktimer *timer)
{
	u64 flags = spin_lock_irqsave(&sleepers_lock);
	bool running = running_timer == timer;

	spin_unlock_irqrestore(&sleepers_lock, flags);
	return running;
}

void ktimer_destroy(struct ktimer *timer)
{
	ktimer_stop(timer);
	wait_event(&timer_done, !is_running(timer));
	ktimer_stop(timer); /* it may have armed itself */
}

/* The next whose time has come, disarmed, or NULL. */
static struct ktimer *take_due(void)
{
	u64 flags = spin_lock_irqsave(&sleepers_lock);
	struct ktimer *timer = NULL;

	if (timer_is_due()) {
		timer = list_first_entry(&timers, struct ktimer, node);
		list_del(&timer->node);
	}
	running_timer = timer;
	spin_unlock_irqrestore(&sleepers_lock, flags);
	return timer;
}

static void timer_thread(void *unused)
{
	(void)unused;
	for (;;) {
		struct ktimer *timer;

		wait_event(&timer_wait, (timer = take_due()) != NULL);
		while (timer) {
			timer->expire(timer);
			timer = take_due(); /* the one before may be gone now */
			wake_up(&timer_done);
			cond_resched();
		}
	}
}

void timer_init(void)
{
	if (kthread_run(timer_thread, NULL, "ktimers") != 0)
		panic("no memory for the timer thread");
}
