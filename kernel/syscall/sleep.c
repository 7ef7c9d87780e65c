/* nanosleep and clock_nanosleep: how they end early and go on. */
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "proc/task.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

static long sleep_again(struct restart_block *restart);

/* A sleep for some time that a signal interrupted tells how much was left, and goes on to the same
 * end when no handler ran. */
static long sleep_to(u64 deadline_ns, u64 remaining)
{
	if (sleep_interruptible(deadline_ns) == 0)
		return 0;
	u64 now = clock_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	if (remaining && put_timespec(remaining, left) != 0)
		return -EFAULT;
	current_proc->restart =
		(struct restart_block){.again = sleep_again, .args = {deadline_ns, remaining}};
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_again(struct restart_block *restart)
{
	return sleep_to(restart->args[0], restart->args[1]);
}

long sys_nanosleep(u64 request, u64 remaining)
{
	u64 deadline_ns;
	int error = get_deadline(request, &deadline_ns);

	return error != 0 ? error : sleep_to(deadline_ns, remaining);
}

/* 0 for a clock that can be slept on. */
static int check_clock(u64 id)
{
	switch ((s32)id) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

long sys_clock_nanosleep(u64 id, u64 flags, u64 request, u64 remaining)
{
	u64 deadline_ns;
	int error = check_clock(id);

	if ((s32)id == CLOCK_PROCESS_CPUTIME_ID)
		return sys_not_implemented();
	if (error != 0)
		return error;
	if (!(flags & TIMER_ABSTIME))
		return sys_nanosleep(request, remaining);
	error = get_timespec(request, &deadline_ns);
	if (error != 0)
		return error;
	return sleep_interruptible(deadline_ns) == 0 ? 0 : -ERESTARTNOHAND;
}
