/*
 * What programs ask about scheduling. There is one policy, SCHED_OTHER: what would change that is not
 * implemented.
 */
#include "arch/x86_64/uaccess.h"
#include "cpu/percpu.h"
#include "cpu/spinlock.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "syscall/syscall.h"

/* Policies; Linux's. */
enum { SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 5, SCHED_DEADLINE };

#define MAX_RT_PRIORITY 99

/* The thread that a call names, or NULL. tasks_lock held. */
static struct task *find_tid(s32 tid)
{
	return tid == 0 ? current_proc : task_find(tid);
}

/* Whether there is that thread: 0, -EINVAL, -ESRCH. */
static int check_tid(s32 tid)
{
	if (tid < 0)
		return -EINVAL;
	spin_lock(&tasks_lock);
	bool found = find_tid(tid);
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

long sys_sched_getaffinity(u64 tid, u64 size, u64 to)
{
	u64 mask;

	if ((u32)size * 8 < nr_cpus || ((u32)size & (sizeof(mask) - 1)))
		return -EINVAL;
	spin_lock(&tasks_lock);
	const struct task *task = find_tid(tid);
	if (task)
		mask = sched_affinity(task) & sched_active_cpus();
	spin_unlock(&tasks_lock);
	if (!task)
		return -ESRCH;
	int error = copy_to_user((u64 __user *)to, &mask, sizeof(mask));
	return error != 0 ? error : (long)sizeof(mask);
}

/* As Linux asks before a task's scheduling is changed. tasks_lock held. */
static bool may_change(const struct task *task)
{
	return cred_euid() == task->cred.euid || cred_euid() == task->cred.uid ||
	       cred_capable(CAP_SYS_NICE);
}

/* tasks_lock held. */
static int set_affinity(struct task *task, u64 mask)
{
	if (!task)
		return -ESRCH;
	if (!may_change(task))
		return -EPERM;
	if (!(mask & sched_active_cpus()))
		return -EINVAL;
	sched_set_affinity(task, mask & cpu_possible_mask());
	return 0;
}

long sys_sched_setaffinity(u64 tid, u64 size, u64 from)
{
	u64 mask = 0;
	int error = copy_from_user(&mask, (const void __user *)from, min(size, sizeof(mask)));

	if (error != 0)
		return error;
	spin_lock(&tasks_lock);
	struct task *task = find_tid(tid);
	error = set_affinity(task, mask);
	if (error == 0)
		task_get(task);
	spin_unlock(&tasks_lock);
	if (error != 0)
		return error;
	/* Itself it leaves its CPU on its way back; another one has when this call is over. */
	while (task != current_proc && sched_is_misplaced(task)) {
		cond_resched();
		cpu_relax();
	}
	task_put(task);
	return 0;
}
