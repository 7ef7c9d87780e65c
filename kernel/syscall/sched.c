/*
 * What programs ask about scheduling, and how they change it. SCHED_DEADLINE and the clamping of utilisation are not implemented.
 */
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "cpu/percpu.h"
#include "cpu/spinlock.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

/* The thread that a call names, or NULL. tasks_lock held. */
static struct task *find_tid(s32 tid)
{
	return tid == 0 ? current_proc : task_find(tid);
}

/* As Linux asks before a task's scheduling is changed. tasks_lock held. */
static bool may_change(const struct task *task)
{
	return cred_euid() == task->cred.euid || cred_euid() == task->cred.uid ||
	       cred_capable(CAP_SYS_NICE);
}

static u64 limit_of(const struct task *task, u32 resource)
{
	return task->process ? limit_soft(task->process, resource) : 0;
}

/* What RLIMIT_NICE counts: 40 is nice -20. */
static bool limit_allows_nice(const struct task *task, s32 nice)
{
	return (u64)(NICE_MAX + 1 - nice) <= limit_of(task, RLIMIT_NICE);
}

/* A thread's parameters: 0, -EINVAL, -ESRCH. */
static int get_params(s32 tid, struct sched_params *params)
{
	if (tid < 0)
		return -EINVAL;
	spin_lock(&tasks_lock);
	const struct task *task = find_tid(tid);
	if (task)
		*params = task->sched;
	spin_unlock(&tasks_lock);
	return task ? 0 : -ESRCH;
}

#define SCHED_RESET_ON_FORK 0x40000000

long sys_sched_getscheduler(u64 tid)
{
	struct sched_params params;
	int error = get_params(tid, &params);

	if (error != 0)
		return error;
	return params.policy | (params.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_getparam(u64 tid, u64 to)
{
	struct sched_params params;
	int error = to ? get_params(tid, &params) : -EINVAL;

	if (error != 0)
		return error;
	s32 priority = params.rt_priority;
	return copy_to_user((s32 __user *)to, &priority, sizeof(priority));
}

long sys_sched_rr_get_interval(u64 tid, u64 to)
{
	struct sched_params params;
	int error = get_params(tid, &params);

	if (error != 0)
		return error;
	return put_timespec(to, sched_slice_ns(&params));
}

/* ---- changing it ---- */

/* What is asked for; of the task's own what the call does not name. */
struct request {
	s32 policy; /* -1: as it is */
	s32 nice;
	u32 priority;
	bool reset_on_fork;
	bool keep_params; /* neither nice nor priority change */
	bool keep_nice;
};

static bool is_rt_policy(s32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* What only a privileged task may do. tasks_lock held. */
static bool needs_privilege(const struct task *task, const struct sched_params *new)
{
	const struct sched_params *old = &task->sched;
	u64 rt_limit = limit_of(task, RLIMIT_RTPRIO);

	if ((new->policy == SCHED_OTHER || new->policy == SCHED_BATCH) && new->nice < old->nice &&
	    !limit_allows_nice(task, new->nice))
		return true;
	if (sched_is_rt(new)) {
		if (new->policy != old->policy && rt_limit == 0)
			return true;
		if (new->rt_priority > old->rt_priority &&new->rt_priority > rt_limit)
			return true;
	}
	if (old->policy == SCHED_IDLE && new->policy != SCHED_IDLE &&
	    !limit_allows_nice(task, old->nice))
		return true;
	return !may_change(task) || (old->reset_on_fork && !new->reset_on_fork);
}

/* In Linux's order. tasks_lock held. */
static int change_params(struct task *task, const struct request *request)
{
	s32 policy = request->policy < 0 ? task->sched.policy : request->policy;
	u32 priority = request->keep_params ? task->sched.rt_priority : request->priority;

	if (policy != SCHED_OTHER && policy != SCHED_FIFO && policy != SCHED_RR &&
	    policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (priority > RT_PRIORITY_MAX || is_rt_policy(policy) != (priority != 0))
		return -EINVAL;
	struct sched_params new = {
		.policy = policy,
		.nice = request->keep_params || request->keep_nice || is_rt_policy(policy)
				? task->sched.nice
				: request->nice,
		.rt_priority = priority,
		.reset_on_fork =
			request->policy < 0 ? task->sched.reset_on_fork : request->reset_on_fork,
	};
	if (needs_privilege(task, &new) && !cred_capable(CAP_SYS_NICE))
		return -EPERM;
	sched_set_params(task, &new);
	return 0;
}

static long change(s32 tid, const struct request *request)
{
	spin_lock(&tasks_lock);
	struct task *task = find_tid(tid);
	int error = task ? change_params(task, request) : -ESRCH;
	spin_unlock(&tasks_lock);
	return error;
}

/* `policy` -1: as it is. */
static long change_scheduler(s32 tid, s32 policy, u64 from)
{
	s32 priority;

	if (!from || tid < 0)
		return -EINVAL;
	if (copy_from_user(&priority, (const void __user *)from, sizeof(priority)) != 0)
		return -EFAULT;
	struct request request = {
		.policy = policy < 0 ? -1 : policy & ~SCHED_RESET_ON_FORK,
		.priority = priority,
		.keep_nice = true,
		.reset_on_fork = policy >= 0 && (policy & SCHED_RESET_ON_FORK),
	};
	return change(tid, &request);
}

long sys_sched_setscheduler(u64 tid, u64 policy, u64 from)
{
	return (s32)policy < 0 ? -EINVAL : change_scheduler(tid, policy, from);
}

long sys_sched_setparam(u64 tid, u64 from)
{
	return change_scheduler(tid, -1, from);
}

/* ---- sched_attr ---- */

/* struct sched_attr of the ABI. */
struct sched_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};

#define SCHED_ATTR_SIZE_0 48

#define SCHED_FLAG_RESET_ON_FORK BIT(0)
#define SCHED_FLAG_RECLAIM       BIT(1)
#define SCHED_FLAG_DL_OVERRUN    BIT(2)
#define SCHED_FLAG_KEEP_POLICY   BIT(3)
#define SCHED_FLAG_KEEP_PARAMS   BIT(4)
#define SCHED_FLAG_UTIL_CLAMP    (BIT(5) | BIT(6))
#define SCHED_FLAG_ALL           (BIT(7) - 1)

static_assert(sizeof(struct sched_attr) == 56, "ABI");

/* Reads it in the version that its caller knows; -E2BIG tells the caller the size that is known here. */
static int get_attr(u64 from, struct sched_attr *attr)
{
	u32 size, known = sizeof(*attr);
	u8 byte;

	if (copy_from_user(&size, (const void __user *)from, sizeof(size)) != 0)
		return -EFAULT;
	if (size == 0)
		size = SCHED_ATTR_SIZE_0;
	if (size < SCHED_ATTR_SIZE_0 || size > PAGE_SIZE)
		return copy_to_user((void __user *)from, &known, sizeof(known)) ?: -E2BIG;
	for (u32 i = known; i < size; i++) {
		if (copy_from_user(&byte, (const u8 __user *)from + i, 1) != 0)
			return -EFAULT;
		if (byte)
			return copy_to_user((void __user *)from, &known, sizeof(known)) ?: -E2BIG;
	}
	*attr = (struct sched_attr){0};
	return copy_from_user(attr, (const void __user *)from, min(size, known));
}

long sys_sched_setattr(u64 tid, u64 from, u64 flags)
{
	struct sched_attr attr;

	if (!from || (s32)tid < 0 || (u32)flags != 0)
		return -EINVAL;
	int error = get_attr(from, &attr);
	if (error != 0)
		return error;
	if ((s32)attr.policy < 0 || (attr.flags & ~(u64)SCHED_FLAG_ALL))
		return -EINVAL;
	if (attr.policy == SCHED_DEADLINE || (attr.flags & SCHED_FLAG_UTIL_CLAMP))
		return sys_not_implemented();
	struct request request = {
		.policy = attr.flags & SCHED_FLAG_KEEP_POLICY ? -1 : (s32)attr.policy,
		.nice = min(max(attr.nice, NICE_MIN), NICE_MAX),
		.priority = attr.priority,
		.reset_on_fork = attr.flags & SCHED_FLAG_RESET_ON_FORK,
		.keep_params = attr.flags & SCHED_FLAG_KEEP_PARAMS,
	};
	return change(tid, &request);
}

long sys_sched_getattr(u64 tid, u64 to, u64 size, u64 flags)
{
	struct sched_params params;

	if (!to || (s32)tid < 0 || (u32)size > PAGE_SIZE || (u32)size < SCHED_ATTR_SIZE_0 ||
	    (u32)flags != 0)
		return -EINVAL;
	int error = get_params(tid, &params);
	if (error != 0)
		return error;
	struct sched_attr attr = {
		.size = min((u32)size, (u32)sizeof(attr)),
		.policy = params.policy,
		.flags = params.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
		.nice = sched_is_rt(&params) ? 0 : params.nice,
		.priority = params.rt_priority,
	};
	return copy_to_user((void __user *)to, &attr, attr.size);
}

/* ---- priorities ---- */

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

	return lowest > 0 ? RT_PRIORITY_MAX : lowest;
}

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

/* Whom getpriority() and setpriority() mean; `who` is not 0. tasks_lock held. */
static bool is_meant(const struct task *task, u32 which, s32 who)
{
	switch (which) {
	case PRIO_PROCESS:
		return task->cur.pid == who;
	case PRIO_PGRP:
		return task->process && task->process->pgid == who;
	default:
		return task->process && task->cred.uid == (u32)who;
	}
}

/* What 0 means. */
static s32 whom(u32 which, s32 who)
{
	if (who != 0)
		return who;
	switch (which) {
	case PRIO_PROCESS:
		return current->pid;
	case PRIO_PGRP:
		return current_process->pgid;
	default:
		return cred_uid();
	}
}

/* Lets `visit` see each task that is meant, with what it gave for the one before; -ESRCH before the first. */
static long visit_meant(u64 which, u64 who, s32 nice,
			long (*visit)(struct task *task, s32 nice, long before))
{
	long result = -ESRCH;
	struct task *task;

	if ((u32)which > PRIO_USER)
		return -EINVAL;
	spin_lock(&tasks_lock);
	who = whom(which, who);
	list_for_each_entry (task, &task_list, node)
		if (is_meant(task, which, who))
			result = visit(task, nice, result);
	spin_unlock(&tasks_lock);
	return result;
}

/* The best nice value among them, as 20 minus it. */
static long best_nice(struct task *task, s32 unused, long best)
{
	(void)unused;
	return max(best, (long)(NICE_MAX + 1 - task->sched.nice));
}

long sys_getpriority(u64 which, u64 who)
{
	return visit_meant(which, who, 0, best_nice);
}

static long set_nice(struct task *task, s32 nice, long error)
{
	struct sched_params new = task->sched;

	if (!may_change(task))
		return -EPERM;
	if (nice < new.nice && !limit_allows_nice(task, nice) && !cred_capable(CAP_SYS_NICE))
		return -EACCES;
	new.nice = nice;
	sched_set_params(task, &new);
	return error == -ESRCH ? 0 : error;
}

long sys_setpriority(u64 which, u64 who, u64 value)
{
	return visit_meant(which, who, min(max((s32)value, NICE_MIN), NICE_MAX), set_nice);
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
