/*
 * The timers of timer_create(2). A timer carries the entry of its signal with it, so that it can
 * always be queued; while that is still in a queue, further expirations are counted in `overrun`.
 *
 * Locks: the list, the settings and the entry are guarded by the lock of the handlers. The function
 * of the ktimer runs in the timer thread and takes tasks_lock first.
 */
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/itimer.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"

struct posix_timer {
	struct list_head node;   /* in process->timers.posix */
	struct process *process; /* which outlives it */
	s32 id;
	u32 clock;      /* TIMER_CLOCK_* */
	s32 clock_tid;  /* whose, with TIMER_CLOCK_THREAD */
	s32 notify;     /* SIGEV_* */
	s32 notify_tid; /* with SIGEV_THREAD_ID */
	struct queued_signal signal;
	struct pending_signals *pending; /* where the signal is queued, if it is */
	struct ktimer timer;             /* with TIMER_CLOCK_REAL */
	bool armed;
	u64 expires_ns, interval_ns; /* expires: in time of the clock */
	u64 overrun;                 /* expirations since the signal was queued */
	s32 overrun_last;            /* those of the last signal that was taken */
};

/* ---- expiring ---- */

/* tasks_lock and signal lock held. */
static void notify(struct posix_timer *timer, u64 times)
{
	struct task *thread = NULL;

	if (timer->notify == SIGEV_NONE)
		return;
	if (!list_empty(&timer->signal.node)) {
		timer->overrun += times;
		return;
	}
	if (timer->notify & SIGEV_THREAD_ID) {
		thread = task_find(timer->notify_tid);
		if (!thread || thread->process != timer->process || task_has_ended(thread))
			return;
	}
	timer->overrun = times - 1;
	timer->pending = thread ? &thread->signals.pending : &timer->process->signals.pending;
	signal_send_entry(timer->process, thread, &timer->signal);
}

/* Whether it has expired at `now`, how often; then it is set for the next time. */
static u64 expirations(struct posix_timer *timer, u64 now)
{
	u64 times = 1;

	if (!timer->armed || now < timer->expires_ns)
		return 0;
	if (timer->interval_ns == 0)
		timer->armed = false;
	else
		timer->expires_ns =
			ktimer_next_expiry(timer->expires_ns, timer->interval_ns, now, &times);
	return times;
}

static void ktimer_expires(struct ktimer *ktimer)
{
	struct posix_timer *timer = container_of(ktimer, struct posix_timer, timer);
	struct process *process = timer->process;

	spin_lock(&tasks_lock);
	spin_lock(&process->leader->sighand->lock);
	u64 times = expirations(timer, clock_ns());
	if (times != 0)
		notify(timer, times);
	if (timer->armed)
		ktimer_start(ktimer, timer->expires_ns);
	spin_unlock(&process->leader->sighand->lock);
	spin_unlock(&tasks_lock);
}

void posix_timer_taken(struct queued_signal *entry, struct siginfo *info)
{
	struct posix_timer *timer = container_of(entry, struct posix_timer, signal);

	timer->overrun_last = min(timer->overrun, (u64)INT32_MAX);
	info->timer.overrun = timer->overrun_last;
}

bool posix_timers_watch_cpu(const struct process *process)
{
	const struct posix_timer *timer;

	list_for_each_entry (timer, &process->timers.posix, node)
		if (timer->clock != TIMER_CLOCK_REAL && timer->armed)
			return true;
	return false;
}

void posix_timers_check_cpu(u64 process_ns, u64 thread_ns)
{
	struct posix_timer *timer;

	list_for_each_entry (timer, &current_process->timers.posix, node) {
		bool of_thread = timer->clock == TIMER_CLOCK_THREAD;
		u64 times;

		if (timer->clock == TIMER_CLOCK_REAL ||
		    (of_thread && timer->clock_tid != current->pid))
			continue;
		times = expirations(timer, of_thread ? thread_ns : process_ns);
		if (times != 0)
			notify(timer, times);
	}
}

/* ---- calls ---- */

/* Signal lock held. */
static struct posix_timer *find(s32 id)
{
	struct posix_timer *timer;

	list_for_each_entry (timer, &current_process->timers.posix, node)
		if (timer->id == id)
			return timer;
	return NULL;
}

static int check_event(const struct timer_event *event)
{
	if (event->notify == SIGEV_NONE)
		return 0;
	if (event->notify != SIGEV_SIGNAL && event->notify != SIGEV_THREAD &&
	    event->notify != SIGEV_THREAD_ID)
		return -EINVAL;
	if (event->sig < 1 || event->sig > NR_SIGNALS)
		return -EINVAL;
	if (event->notify != SIGEV_THREAD_ID)
		return 0;
	spin_lock(&tasks_lock);
	const struct task *task = task_find(event->tid);
	bool own = task && task->process == current_process;
	spin_unlock(&tasks_lock);
	return own ? 0 : -EINVAL;
}

long posix_timer_create(u32 clock, const struct timer_event *event)
{
	struct task *self = current_proc;
	struct process *process = self->process;
	int error = check_event(event);

	if (error != 0)
		return error;
	if (!signal_charge(process, false))
		return -EAGAIN;
	struct posix_timer *timer = kmalloc(sizeof(*timer), GFP_ZERO);
	if (!timer) {
		signal_uncharge();
		return -EAGAIN;
	}
	timer->process = process;
	timer->clock = clock;
	timer->clock_tid = self->cur.pid;
	timer->notify = event->notify;
	timer->notify_tid = event->tid;
	list_init(&timer->signal.node);
	timer->signal.embedded = true;
	ktimer_init(&timer->timer, ktimer_expires);
	spin_lock(&self->sighand->lock);
	timer->id = process->timers.next_id++;
	timer->signal.info = (struct siginfo){
		.signo = event->sig,
		.code = SI_TIMER,
		.timer = {.id = timer->id,
			  .value = event->value_is_id ? (u64)timer->id : event->value},
	};
	list_add_tail(&timer->node, &process->timers.posix);
	s32 id = timer->id;
	spin_unlock(&self->sighand->lock);
	return id;
}

static u64 clock_now(const struct posix_timer *timer)
{
	switch (timer->clock) {
	case TIMER_CLOCK_PROCESS:
		return cpu_time_sum(process_cpu_time(timer->process));
	case TIMER_CLOCK_THREAD: {
		struct task *task = task_find(timer->clock_tid);

		return task ? cpu_time_sum(sched_cpu_time(task)) : 0;
	}
	default:
		return clock_ns();
	}
}

static void get_setting(const struct posix_timer *timer, u64 now, struct timer_setting *setting)
{
	*setting = (struct timer_setting){.interval_ns = timer->interval_ns};
	if (timer->armed)
		setting->value_ns = timer->expires_ns > now ? timer->expires_ns - now : 1;
}

static void arm(struct posix_timer *timer, u64 now, const struct timer_setting *new, bool absolute)
{
	timer->interval_ns = new->interval_ns;
	timer->armed = new->value_ns != 0;
	timer->overrun = 0;
	ktimer_stop(&timer->timer);
	/* The signal of the former setting says nothing any more. */
	if (!list_empty(&timer->signal.node))
		signal_remove_entry(timer->pending, &timer->signal);
	if (!timer->armed)
		return;
	if (absolute)
		timer->expires_ns = new->value_ns;
	else if (__builtin_add_overflow(now, new->value_ns, &timer->expires_ns))
		timer->expires_ns = ~0ul;
	if (timer->clock == TIMER_CLOCK_REAL)
		ktimer_start(&timer->timer, timer->expires_ns);
}

int posix_timer_set(s32 id, const struct timer_setting *new, bool absolute,
		    struct timer_setting *old)
{
	struct task *self = current_proc;

	spin_lock(&tasks_lock);
	spin_lock(&self->sighand->lock);
	struct posix_timer *timer = find(id);
	if (timer) {
		u64 now = clock_now(timer);

		if (old)
			get_setting(timer, now, old);
		arm(timer, now, new, absolute);
		timers_watch_cpu(self->process);
	}
	spin_unlock(&self->sighand->lock);
	spin_unlock(&tasks_lock);
	return timer ? 0 : -EINVAL;
}

int posix_timer_get(s32 id, struct timer_setting *setting)
{
	struct task *self = current_proc;

	spin_lock(&tasks_lock);
	spin_lock(&self->sighand->lock);
	const struct posix_timer *timer = find(id);
	if (timer)
		get_setting(timer, clock_now(timer), setting);
	spin_unlock(&self->sighand->lock);
	spin_unlock(&tasks_lock);
	return timer ? 0 : -EINVAL;
}

long posix_timer_overrun(s32 id)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	const struct posix_timer *timer = find(id);
	long overrun = timer ? timer->overrun_last : -EINVAL;
	spin_unlock(&self->sighand->lock);
	return overrun;
}

/* Takes a timer from its process: nobody finds it any more. Signal lock held. */
static void unlink(struct posix_timer *timer)
{
	list_del(&timer->node);
	timer->armed = false;
	timer->notify = SIGEV_NONE;
	if (!list_empty(&timer->signal.node))
		signal_remove_entry(timer->pending, &timer->signal);
	timers_watch_cpu(timer->process);
}

static void destroy(struct posix_timer *timer)
{
	ktimer_destroy(&timer->timer);
	kfree(timer);
	signal_uncharge();
}

int posix_timer_delete(s32 id)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	struct posix_timer *timer = find(id);
	if (timer)
		unlink(timer);
	spin_unlock(&self->sighand->lock);
	if (!timer)
		return -EINVAL;
	destroy(timer);
	return 0;
}

void posix_timers_destroy(struct process *process)
{
	struct task *self = current_proc;

	for (;;) {
		struct posix_timer *timer = NULL;

		spin_lock(&self->sighand->lock);
		if (!list_empty(&process->timers.posix)) {
			timer = list_first_entry(&process->timers.posix, struct posix_timer, node);
			unlink(timer);
		}
		spin_unlock(&self->sighand->lock);
		if (!timer)
			return;
		destroy(timer);
	}
}
