/*
 * Calls on time. The machine's calendar clock is not read: CLOCK_REALTIME begins with 1970 at boot,
 * so that two runs of a program see the same dates.
 */
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "mm/special.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "syscall/rusage.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

/* Processor time and faults. */
struct usage {
	struct cpu_time time;
	struct fault_counts faults;
};

/* That of the address spaces that are gone, and of the one it is in. */
static u64 max_resident(const struct fault_counts *faults)
{
	return max(faults->max_resident, (u64)mm_max_resident(current->mm));
}

static struct usage own_usage(void)
{
	spin_lock(&tasks_lock);
	struct usage usage = {process_cpu_time(current_process), process_faults(current_process)};
	spin_unlock(&tasks_lock);
	usage.faults.max_resident = max_resident(&usage.faults);
	return usage;
}

static struct usage children_usage(void)
{
	spin_lock(&tasks_lock);
	struct usage usage = {current_process->children_time, current_process->children_faults};
	spin_unlock(&tasks_lock);
	return usage;
}

/* A clock of somebody's processor time: the number says whose (clock_getcpuclockid(3)). */
#define CPU_CLOCK_THREAD 4u
#define CPU_CLOCK_TYPE   3u
#define CPU_CLOCK_SCHED  2u

static int read_cpu_clock(s32 id, u64 *ns)
{
	s32 pid = ~(id >> 3);
	int error = -EINVAL;

	if ((id & CPU_CLOCK_TYPE) > CPU_CLOCK_SCHED)
		return -EINVAL;
	spin_lock(&tasks_lock);
	struct task *task = pid == 0 ? current_proc : task_find(pid);
	if (task && task->process && (id & CPU_CLOCK_THREAD)) {
		if (task->process == current_process) {
			*ns = cpu_time_sum(sched_cpu_time(task));
			error = 0;
		}
	} else if (task && task->process && (pid == 0 || task == task->process->leader)) {
		*ns = cpu_time_sum(process_cpu_time(task->process));
		error = 0;
	}
	spin_unlock(&tasks_lock);
	return error;
}

static int read_clock(s32 id, u64 *ns)
{
	if (id < 0)
		return read_cpu_clock(id, ns);
	switch (id) {
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = cpu_time_sum(own_usage().time);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = cpu_time_sum(sched_cpu_time(current_proc));
		return 0;
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		*ns = clock_ns();
		return 0;
	default:
		return -EINVAL;
	}
}

long put_timespec(u64 to, u64 ns)
{
	struct timespec ts = {.sec = ns / NSEC_PER_SEC, .nsec = ns % NSEC_PER_SEC};

	return copy_to_user((void __user *)to, &ts, sizeof(ts));
}

long sys_clock_gettime(u64 id, u64 to)
{
	u64 ns;
	int error = read_clock(id, &ns);

	return error != 0 ? error : put_timespec(to, ns);
}

long sys_clock_getres(u64 id, u64 to)
{
	u64 ns;
	int error = read_clock(id, &ns);

	if (error != 0 || !to)
		return error;
	return put_timespec(to, 1);
}

long sys_gettimeofday(u64 to, u64 timezone)
{
	static const s32 utc[2];
	u64 ns = clock_ns();
	struct timeval tv = {.sec = ns / NSEC_PER_SEC, .usec = ns % NSEC_PER_SEC / NSEC_PER_USEC};

	if (to && copy_to_user((void __user *)to, &tv, sizeof(tv)) != 0)
		return -EFAULT;
	if (timezone && copy_to_user((void __user *)timezone, utc, sizeof(utc)) != 0)
		return -EFAULT;
	return 0;
}

long sys_time(u64 to)
{
	s64 sec = special_seconds();

	if (to && copy_to_user((void __user *)to, &sec, sizeof(sec)) != 0)
		return -EFAULT;
	return sec;
}

/* ---- wished times ---- */

int timespec_to_ns(struct timespec ts, u64 *ns)
{
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow((u64)ts.sec, NSEC_PER_SEC, ns) ||
	    __builtin_add_overflow(*ns, (u64)ts.nsec, ns))
		*ns = ~0ul;
	return 0;
}

int get_timespec(u64 from, u64 *ns)
{
	struct timespec ts;

	if (copy_from_user(&ts, (const void __user *)from, sizeof(ts)) != 0)
		return -EFAULT;
	return timespec_to_ns(ts, ns);
}

u64 deadline_after(u64 ns)
{
	u64 deadline_ns;

	return __builtin_add_overflow(clock_ns(), ns, &deadline_ns) ? ~0ul : deadline_ns;
}

int get_deadline(u64 from, u64 *deadline_ns)
{
	u64 ns;
	int error = get_timespec(from, &ns);

	*deadline_ns = error == 0 ? deadline_after(ns) : 0;
	return error;
}

/* ---- processor time ---- */

/* struct rusage of the ABI. Of its other counters Linux fills two, of block I/O; this kernel none. */
struct rusage {
	struct timeval user, system;
	s64 maxrss_kib;
	s64 unused_sizes[3];
	s64 minflt, majflt;
	s64 unused_counts[6];
	s64 nvcsw, nivcsw;
};

static_assert(sizeof(struct rusage) == 144, "ABI");

int put_rusage(u64 to, struct cpu_time time, struct fault_counts faults)
{
	struct rusage usage = {.user = timeval_of(time.user_ns),
			       .system = timeval_of(time.system_ns),
			       .maxrss_kib = faults.max_resident * (PAGE_SIZE / KIB),
			       .minflt = faults.minor,
			       .majflt = faults.major,
			       .nvcsw = faults.voluntary,
			       .nivcsw = faults.involuntary};

	return copy_to_user((void __user *)to, &usage, sizeof(usage));
}

#define RUSAGE_SELF     0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD   1

long sys_getrusage(u64 who, u64 to)
{
	struct usage usage;

	switch ((s32)who) {
	case RUSAGE_SELF:
		usage = own_usage();
		break;
	case RUSAGE_THREAD:
		usage = (struct usage){sched_cpu_time(current_proc), current->faults};
		usage.faults.max_resident = own_usage().faults.max_resident;
		break;
	case RUSAGE_CHILDREN:
		usage = children_usage();
		break;
	default:
		return -EINVAL;
	}
	return put_rusage(to, usage.time, usage.faults);
}

static s64 clock_ticks(u64 ns)
{
	return ns / (NSEC_PER_SEC / USER_CLOCK_TICKS);
}

long sys_times(u64 to)
{
	struct cpu_time own = own_usage().time, children = children_usage().time;
	struct {
		s64 user, system, children_user, children_system;
	} times = {.user = clock_ticks(own.user_ns),
		   .system = clock_ticks(own.system_ns),
		   .children_user = clock_ticks(children.user_ns),
		   .children_system = clock_ticks(children.system_ns)};

	if (to && copy_to_user((void __user *)to, &times, sizeof(times)) != 0)
		return -EFAULT;
	return clock_ticks(clock_ns());
}
