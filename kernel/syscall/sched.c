/*
 * What programs ask about scheduling. There is one policy, SCHED_OTHER, and every task may run on
 * every CPU: what would change that is not implemented.
 */
#include "arch/x86_64/uaccess.h"
#include "cpu/percpu.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "syscall/syscall.h"

/* Policies; Linux's. */
enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5, SCHED_DEADLINE };

#define MAX_RT_PRIORITY 99

/* Whether there is that thread: 0, -EINVAL, -ESRCH. */
static int check_tid(s32 tid)
{
	if (tid < 0)
		return -EINVAL;
	spin_lock(&tasks_lock);
	bool found = tid == 0 || task_find(tid);
	spin_unlock(&tasks_lock);
	return found ? 0 : -ESRCH;
}

long sys_sched_getscheduler(u64 tid)
{
	return check_tid(tid) ?: SCHED_OTHER;
}

long sys_sched_getparam(u64 tid, u64 to)
{
	s32 priority = 0;
	int error = to ? check_tid(tid) : -EINVAL;

	return error != 0 ? error : copy_to_user((s32 __user *)to, &priority, sizeof(priority));
}

/* The lowest and the highest static priority of a policy. */
long sys_sched_get_priority_min(u64 policy)
{
	switch ((s32)policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return 1;
	case SCHED_OTHER:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_sched_get_priority_max(u64 policy)
{
	long lowest = sys_sched_get_priority_min(policy);

	return lowest > 0 ? MAX_RT_PRIORITY : lowest;
}

/* ---- CPUs ---- */

static u64 online_cpus(void)
{
	return __atomic_load_n(&cpu_online_mask, __ATOMIC_ACQUIRE);
}

long sys_sched_getaffinity(u64 tid, u64 size, u64 to)
{
	u64 mask = online_cpus();

	if ((u32)size * 8 < nr_cpus || ((u32)size & (sizeof(mask) - 1)))
		return -EINVAL;
	int error = (s32)tid < 0 ? -ESRCH : check_tid(tid);
	if (error == 0)
		error = copy_to_user((u64 __user *)to, &mask, sizeof(mask));
	return error != 0 ? error : (long)sizeof(mask);
}

long sys_sched_setaffinity(u64 tid, u64 size, u64 from)
{
	u64 mask = 0;
	int error = copy_from_user(&mask, (const void __user *)from, min(size, sizeof(mask)));

	if (error == 0)
		error = (s32)tid < 0 ? -ESRCH : check_tid(tid);
	if (error != 0)
		return error;
	if (!(mask & online_cpus()))
		return -EINVAL;
	return (mask & online_cpus()) == online_cpus() ? 0 : sys_not_implemented();
}
