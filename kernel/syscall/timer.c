/* alarm, setitimer, timer_create and the calls that belong to them. */
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "fs/fdtable.h"
#include "fs/timerfd.h"
#include "lib/errno.h"
#include "proc/itimer.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

/* ---- interval timers ---- */

struct itimerval {
	struct timeval interval, value;
};

static int timeval_to_ns(struct timeval tv, u64 *ns)
{
	if (tv.usec < 0 || tv.usec >= (s64)(NSEC_PER_SEC / NSEC_PER_USEC))
		return -EINVAL;
	return timespec_to_ns(
		(struct timespec){.sec = tv.sec, .nsec = tv.usec * (s64)NSEC_PER_USEC}, ns);
}

static long put_itimer(u64 to, const struct timer_setting *setting)
{
	struct itimerval value = {.interval = timeval_of(setting->interval_ns),
				  .value = timeval_of(setting->value_ns)};

	return copy_to_user((void __user *)to, &value, sizeof(value));
}

/* Without a new value Linux disarms the timer, which it calls a misfeature. */
static int get_itimer(u64 from, struct timer_setting *setting)
{
	struct itimerval value;

	*setting = (struct timer_setting){0};
	if (!from)
		return 0;
	if (copy_from_user(&value, (const void __user *)from, sizeof(value)) != 0)
		return -EFAULT;
	int error = timeval_to_ns(value.value, &setting->value_ns);
	return error != 0 ? error : timeval_to_ns(value.interval, &setting->interval_ns);
}

long sys_getitimer(u64 which, u64 to)
{
	struct timer_setting setting;

	if ((u32)which > ITIMER_PROF)
		return -EINVAL;
	itimer_set(which, NULL, &setting);
	return put_itimer(to, &setting);
}

long sys_setitimer(u64 which, u64 from, u64 to)
{
	struct timer_setting new, old;
	int error = get_itimer(from, &new);

	if (error != 0)
		return error;
	if ((u32)which > ITIMER_PROF)
		return -EINVAL;
	itimer_set(which, &new, &old);
	return to ? put_itimer(to, &old) : 0;
}

/* What was left is told in whole seconds, rounded, but never as none. */
long sys_alarm(u64 seconds)
{
	struct timer_setting new = {.value_ns = (u32)seconds * NSEC_PER_SEC}, old;

	itimer_set(ITIMER_REAL, &new, &old);
	u64 whole = old.value_ns / NSEC_PER_SEC, rest = old.value_ns % NSEC_PER_SEC;
	if (rest >= NSEC_PER_SEC / 2 || (whole == 0 && rest != 0))
		whole++;
	return whole;
}

/* ---- timers of timer_create(2) ---- */

struct sigevent {
	u64 value;
	s32 sig, notify;
	s32 tid;
	s32 pad[11];
};

static_assert(sizeof(struct sigevent) == 64, "ABI");

struct itimerspec {
	struct timespec interval, value;
};

static int timer_clock(u64 id, u32 *clock)
{
	switch ((s32)id) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		*clock = TIMER_CLOCK_REAL;
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*clock = TIMER_CLOCK_PROCESS;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*clock = TIMER_CLOCK_THREAD;
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

long sys_timer_create(u64 id, u64 from, u64 to)
{
	struct timer_event event = {.notify = SIGEV_SIGNAL, .sig = SIGALRM, .value_is_id = true};
	struct sigevent given;
	u32 clock;

	if (from) {
		if (copy_from_user(&given, (const void __user *)from, sizeof(given)) != 0)
			return -EFAULT;
		event = (struct timer_event){.notify = given.notify,
					     .sig = given.sig,
					     .tid = given.tid,
					     .value = given.value};
	}
	int error = timer_clock(id, &clock);
	if (error != 0)
		return error;
	long timer = posix_timer_create(clock, &event);
	if (timer < 0)
		return timer;
	s32 result = timer;
	if (copy_to_user((s32 __user *)to, &result, sizeof(result)) == 0)
		return 0;
	posix_timer_delete(result);
	return -EFAULT;
}

/* A new setting from user memory. 0, -EFAULT, -EINVAL. */
static int get_itimerspec(u64 from, struct timer_setting *setting)
{
	struct itimerspec value;

	if (copy_from_user(&value, (const void __user *)from, sizeof(value)) != 0)
		return -EFAULT;
	int error = timespec_to_ns(value.value, &setting->value_ns);
	return error != 0 ? error : timespec_to_ns(value.interval, &setting->interval_ns);
}

static long put_itimerspec(u64 to, const struct timer_setting *setting)
{
	struct itimerspec value = {
		.interval = {.sec = setting->interval_ns / NSEC_PER_SEC,
			     .nsec = setting->interval_ns % NSEC_PER_SEC},
		.value = {.sec = setting->value_ns / NSEC_PER_SEC,
			  .nsec = setting->value_ns % NSEC_PER_SEC},
	};

	return copy_to_user((void __user *)to, &value, sizeof(value));
}

long sys_timer_settime(u64 id, u64 flags, u64 from, u64 to)
{
	struct timer_setting new, old;

	if (!from)
		return -EINVAL;
	int error = get_itimerspec(from, &new);
	if (error == 0)
		error = posix_timer_set(id, &new, flags & TIMER_ABSTIME, &old);
	if (error != 0)
		return error;
	return to ? put_itimerspec(to, &old) : 0;
}

long sys_timer_gettime(u64 id, u64 to)
{
	struct timer_setting setting;
	int error = posix_timer_get(id, &setting);

	return error != 0 ? error : put_itimerspec(to, &setting);
}

long sys_timer_getoverrun(u64 id)
{
	return posix_timer_overrun(id);
}

long sys_timer_delete(u64 id)
{
	return posix_timer_delete(id);
}

/* ---- timerfd ---- */

#define TFD_TIMER_ABSTIME       1u
#define TFD_TIMER_CANCEL_ON_SET 2u /* the clock is never set: nothing is cancelled */

long sys_timerfd_create(u64 id, u64 flags)
{
	struct file *file;

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if ((s32)id != CLOCK_REALTIME && (s32)id != CLOCK_MONOTONIC && (s32)id != CLOCK_BOOTTIME)
		return -EINVAL;
	int error = timerfd_create(flags & O_NONBLOCK, &file);
	if (error != 0)
		return error;
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_timerfd_settime(u64 fd, u64 flags, u64 from, u64 to)
{
	struct timer_setting new, old;
	int error = get_itimerspec(from, &new);

	if (error != 0)
		return error;
	if ((u32)flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	struct file *file = fd_get(fd);
	if (!file)
		return -EBADF;
	error = timerfd_set(file, &new, flags & TFD_TIMER_ABSTIME, &old);
	file_put(file);
	if (error != 0)
		return error;
	return to ? put_itimerspec(to, &old) : 0;
}

long sys_timerfd_gettime(u64 fd, u64 to)
{
	struct timer_setting setting;
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	int error = timerfd_get(file, &setting);
	file_put(file);
	return error != 0 ? error : put_itimerspec(to, &setting);
}
