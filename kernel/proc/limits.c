/* Resource limits, and what mm asks about limits and rights (mm/limits.h). */
#include "proc/limits.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/limits.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/signal.h"

#define NOFILE_SOFT   1024
#define NOFILE_HARD   4096
#define MEMLOCK_LIMIT (8 * MIB)
#define MSGQUEUE_SIZE 819200

void limits_init(struct rlimit limits[NR_RLIMITS])
{
	u64 processes = max_threads / 2;

	for (u32 i = 0; i < NR_RLIMITS; i++)
		limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	limits[RLIMIT_STACK].soft = STACK_LIMIT;
	limits[RLIMIT_CORE].soft = 0;
	limits[RLIMIT_NPROC] = (struct rlimit){processes, processes};
	limits[RLIMIT_NOFILE] = (struct rlimit){NOFILE_SOFT, NOFILE_HARD};
	limits[RLIMIT_MEMLOCK] = (struct rlimit){MEMLOCK_LIMIT, MEMLOCK_LIMIT};
	limits[RLIMIT_SIGPENDING] = (struct rlimit){processes, processes};
	limits[RLIMIT_MSGQUEUE] = (struct rlimit){MSGQUEUE_SIZE, MSGQUEUE_SIZE};
	limits[RLIMIT_NICE] = (struct rlimit){0, 0};
	limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

u64 limit_soft(const struct process *process, u32 resource)
{
	return READ_ONCE(process->limits[resource].soft);
}

u64 limit_hard(const struct process *process, u32 resource)
{
	return READ_ONCE(process->limits[resource].hard);
}

int limit_change(struct process *process, u32 resource, const struct rlimit *new,
		 struct rlimit *old)
{
	struct rlimit *limit = &process->limits[resource];
	struct rlimit former = *limit;

	ASSERT(spin_is_held(&tasks_lock));
	if (new &&new->soft > new->hard)
		return -EINVAL;
	if (new &&resource == RLIMIT_NOFILE &&new->hard > MAX_NOFILE)
		return -EPERM;
	if (new &&new->hard > former.hard && !cred_capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (old)
		*old = former;
	if (!new)
		return 0;
	WRITE_ONCE(limit->soft, new->soft);
	WRITE_ONCE(limit->hard, new->hard);
	if (resource == RLIMIT_CPU) {
		/* None at all would be a signal at once: Linux allows a second. */
		if (new->soft == 0)
			WRITE_ONCE(limit->soft, 1);
		spin_lock(&process->leader->sighand->lock);
		process->timers.cpu_limit_s = 0;
		timers_watch_cpu(process);
		spin_unlock(&process->leader->sighand->lock);
	}
	return 0;
}

bool limit_allows_process(void)
{
	u64 limit = limit_soft(current_process, RLIMIT_NPROC), nr = 0;
	const struct task *task;

	if (limit == RLIM_INFINITY || cred_uid() == 0 || cred_capable(CAP_SYS_RESOURCE) ||
	    cred_capable(CAP_SYS_ADMIN))
		return true;
	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node)
		nr += task->process && task->cred.uid == cred_uid();
	spin_unlock(&tasks_lock);
	return nr < limit;
}

long limit_file_write(u64 pos, u64 size)
{
	u64 limit = limit_soft(current_process, RLIMIT_FSIZE);

	if (pos < limit)
		return min(size, limit - pos);
	signal_send_self(SIGXFSZ);
	return -EFBIG;
}

int limit_file_size(u64 size)
{
	if (size <= limit_soft(current_process, RLIMIT_FSIZE))
		return 0;
	signal_send_self(SIGXFSZ);
	return -EFBIG;
}

/* ---- what mm asks ---- */

u64 current_rlimit(u32 resource)
{
	return limit_soft(current_process, resource);
}

bool current_capable(u32 capability)
{
	return cred_capable(capability);
}
