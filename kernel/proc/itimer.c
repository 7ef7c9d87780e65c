/* The timers of setitimer(2), and what is looked at in processor time. See itimer.h. */
#include "proc/itimer.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "proc/limits.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"

/* Some intervals may have passed at once: that is one signal. */
static u64 next_expiry(u64 expired_ns, u64 interval_ns, u64 now)
{
	u64 ignored;

	return ktimer_next_expiry(expired_ns, interval_ns, now, &ignored);
}

static void real_expires(struct ktimer *timer)
{
	struct process *process = container_of(timer, struct process, timers.real);
	struct sighand *sighand;

	spin_lock(&tasks_lock);
	signal_send(process, SIGALRM);
	sighand = process->leader->sighand;
	spin_lock(&sighand->lock);
	u64 interval = process->timers.real_interval_ns;
	if (interval != 0 && list_empty(&timer->node)) /* else it was set anew meanwhile */
		ktimer_start(timer, next_expiry(timer->deadline_ns, interval, clock_ns()));
	spin_unlock(&sighand->lock);
	spin_unlock(&tasks_lock);
}

void timers_init_process(struct process *process)
{
	ktimer_init(&process->timers.real, real_expires);
	list_init(&process->timers.posix);
}

void timers_exit(void)
{
	struct process *process = current_process;

	WRITE_ONCE(process->timers.real_interval_ns, 0);
	ktimer_destroy(&process->timers.real);
	posix_timers_destroy(process);
}

void timers_exec(void)
{
	posix_timers_destroy(current_process);
}

/* ---- ITIMER_REAL ---- */

static void get_real(const struct process_timers *timers, struct timer_setting *setting)
{
	u64 now = clock_ns(), deadline = timers->real.deadline_ns;

	*setting = (struct timer_setting){.interval_ns = timers->real_interval_ns};
	if (!list_empty(&timers->real.node))
		/* Due, but not yet looked at: some time is left. */
		setting->value_ns = deadline > now ? deadline - now : NSEC_PER_USEC;
}

static void set_real(struct process_timers *timers, const struct timer_setting *setting)
{
	u64 deadline;

	timers->real_interval_ns = setting->interval_ns;
	if (setting->value_ns == 0) {
		ktimer_stop(&timers->real);
		return;
	}
	if (__builtin_add_overflow(clock_ns(), setting->value_ns, &deadline))
		deadline = ~0ul;
	ktimer_start(&timers->real, deadline);
}

/* ---- ITIMER_VIRTUAL, ITIMER_PROF ---- */

static u64 process_clock(u32 which)
{
	spin_lock(&tasks_lock);
	struct cpu_time time = process_cpu_time(current_process);
	spin_unlock(&tasks_lock);
	return which == ITIMER_VIRTUAL ? time.user_ns : cpu_time_sum(time);
}

static void get_cpu(const struct cpu_timer *timer, u64 now, struct timer_setting *setting)
{
	*setting = (struct timer_setting){.interval_ns = timer->interval_ns};
	if (timer->expires_ns != 0)
		setting->value_ns =
			timer->expires_ns > now ? timer->expires_ns - now : NSEC_PER_USEC;
}

static void set_cpu(struct cpu_timer *timer, u64 now, const struct timer_setting *setting)
{
	timer->interval_ns = setting->interval_ns;
	timer->expires_ns = 0;
	if (setting->value_ns && __builtin_add_overflow(now, setting->value_ns, &timer->expires_ns))
		timer->expires_ns = ~0ul;
}

int itimer_set(u32 which, const struct timer_setting *new, struct timer_setting *old)
{
	struct task *self = current_proc;
	struct process_timers *timers = &self->process->timers;
	struct cpu_timer *cpu = which == ITIMER_PROF ? &timers->prof : &timers->virtual_;
	u64 now = which == ITIMER_REAL ? 0 : process_clock(which);
	struct timer_setting unused;

	if (!old)
		old = &unused;
	spin_lock(&self->sighand->lock);
	if (which == ITIMER_REAL)
		get_real(timers, old);
	else
		get_cpu(cpu, now, old);
	if (new &&which == ITIMER_REAL)
		set_real(timers, new);
	else if (new)
		set_cpu(cpu, now, new);
	timers_watch_cpu(self->process);
	spin_unlock(&self->sighand->lock);
	return 0;
}

/* ---- the look on the way to user mode ---- */

void timers_watch_cpu(struct process *process)
{
	const struct process_timers *timers = &process->timers;

	WRITE_ONCE(process->timers.watch_cpu,
		   timers->virtual_.expires_ns != 0 || timers->prof.expires_ns != 0 ||
			   posix_timers_watch_cpu(process) ||
			   limit_soft(process, RLIMIT_CPU) != RLIM_INFINITY);
}

/* Whether it has expired: then it is set for the next time. */
static bool cpu_expires(struct cpu_timer *timer, u64 now)
{
	if (timer->expires_ns == 0 || now < timer->expires_ns)
		return false;
	timer->expires_ns =
		timer->interval_ns ? next_expiry(timer->expires_ns, timer->interval_ns, now) : 0;
	return true;
}

/* SIGXCPU at the soft limit and each second behind it, SIGKILL at the hard one. */
static s32 check_limit(struct process *process, u64 now)
{
	u64 soft = limit_soft(process, RLIMIT_CPU), hard = limit_hard(process, RLIMIT_CPU);
	u64 seconds = now / NSEC_PER_SEC;

	if (soft == RLIM_INFINITY)
		return 0;
	if (seconds >= hard)
		return SIGKILL;
	if (seconds < max(soft, process->timers.cpu_limit_s))
		return 0;
	process->timers.cpu_limit_s = seconds + 1;
	return SIGXCPU;
}

void timers_check_cpu(void)
{
	struct task *self = current_proc;
	struct process *process = self->process;
	u64 thread_ns = cpu_time_sum(sched_cpu_time(self));

	spin_lock(&tasks_lock);
	struct cpu_time time = process_cpu_time(process);
	u64 total_ns = cpu_time_sum(time);
	spin_lock(&self->sighand->lock);
	bool virtual_ = cpu_expires(&process->timers.virtual_, time.user_ns);
	bool prof = cpu_expires(&process->timers.prof, total_ns);
	s32 limit = check_limit(process, total_ns);
	posix_timers_check_cpu(total_ns, thread_ns);
	timers_watch_cpu(process);
	spin_unlock(&self->sighand->lock);
	if (virtual_)
		signal_send(process, SIGVTALRM);
	if (prof)
		signal_send(process, SIGPROF);
	if (limit)
		signal_send(process, limit);
	spin_unlock(&tasks_lock);
}
