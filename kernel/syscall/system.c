/* Calls that ask about the machine and its limits. */
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "cpu/quiesce.h"
#include "fs/fdtable.h"
#include "fs/kmsg.h"
#include "lib/errno.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "proc/uts.h"
#include "syscall/syscall.h"

struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

long sys_uname(u64 to)
{
	struct utsname name = {
		.sysname = UTS_SYSNAME,
		.release = UTS_RELEASE,
		.version = UTS_VERSION,
		.machine = UTS_MACHINE,
	};

	uts_get(UTS_NODENAME, name.nodename);
	uts_get(UTS_DOMAINNAME, name.domainname);
	return copy_to_user((void __user *)to, &name, sizeof(name));
}

static long set_name(enum uts_name which, u64 from, u64 length)
{
	char name[UTS_NAME_LEN];

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((s32)length < 0 || (u32)length > UTS_NAME_LEN)
		return -EINVAL;
	if (copy_from_user(name, (const void __user *)from, (u32)length) != 0)
		return -EFAULT;
	uts_set(which, name, (u32)length);
	return 0;
}

long sys_sethostname(u64 name, u64 length)
{
	return set_name(UTS_NODENAME, name, length);
}

long sys_setdomainname(u64 name, u64 length)
{
	return set_name(UTS_DOMAINNAME, name, length);
}

struct sysinfo {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u64 totalhigh, freehigh;
	u32 mem_unit;
};

static_assert(sizeof(struct sysinfo) == 112, "ABI");

#define SYSINFO_LOAD_SHIFT 16

/* Sizes are told in bytes, as Linux does as long as they fit. */
long sys_sysinfo(u64 to)
{
	u64 now = clock_ns();
	u32 nr_tasks;
	struct sysinfo info = {
		.uptime = now / NSEC_PER_SEC + (now % NSEC_PER_SEC != 0),
		.totalram = nr_managed_frames * PAGE_SIZE,
		.freeram = nr_free_frames() * PAGE_SIZE,
		.totalswap = swap_nr_slots() * PAGE_SIZE,
		.freeswap = swap_nr_free() * PAGE_SIZE,
		.mem_unit = 1,
	};

	(void)task_last_pid(&nr_tasks);
	info.procs = nr_tasks;
	for (u32 i = 0; i < ARRAY_SIZE(info.loads); i++)
		info.loads[i] = sched_load_average(i) << (SYSINFO_LOAD_SHIFT - LOAD_SHIFT);
	return copy_to_user((void __user *)to, &info, sizeof(info));
}

/* ---- limits ---- */

/* Of another process only with its rights; pid 0 is the caller. */
static int change_limit(s32 pid, u32 resource, const struct rlimit *new, struct rlimit *old)
{
	int error = -ESRCH;

	spin_lock(&tasks_lock);
	const struct task *task = pid == 0 ? current_proc : task_find(pid);
	if (task && task->process)
		error = cred_may_control(task) ? limit_change(task->process, resource, new, old)
					       : -EPERM;
	spin_unlock(&tasks_lock);
	return error;
}

long sys_getrlimit(u64 resource, u64 to)
{
	struct rlimit limit;

	if (resource >= NR_RLIMITS)
		return -EINVAL;
	int error = change_limit(0, resource, NULL, &limit);
	return error != 0 ? error : copy_to_user((void __user *)to, &limit, sizeof(limit));
}

long sys_setrlimit(u64 resource, u64 from)
{
	struct rlimit limit;

	if (copy_from_user(&limit, (const void __user *)from, sizeof(limit)) != 0)
		return -EFAULT;
	return resource >= NR_RLIMITS ? -EINVAL : change_limit(0, resource, &limit, NULL);
}

long sys_prlimit64(u64 pid, u64 resource, u64 from, u64 to)
{
	struct rlimit new, old;

	if (resource >= NR_RLIMITS)
		return -EINVAL;
	if (from && copy_from_user(&new, (const void __user *)from, sizeof(new)) != 0)
		return -EFAULT;
	int error = change_limit(pid, resource, from ? &new : NULL, &old);
	if (error != 0)
		return error;
	return to ? copy_to_user((void __user *)to, &old, sizeof(old)) : 0;
}

/* ---- random numbers: see proc/random.h for how good they are ---- */

#define GRND_NONBLOCK 1u
#define GRND_RANDOM   2u
#define GRND_INSECURE 4u
#define GRND_MAX_SIZE INT32_MAX

/* There is always enough of it, so no flag changes anything. A signal ends the call early only behind
 * the first page, as on Linux. */
long sys_getrandom(u64 to, u64 size, u64 flags)
{
	u8 bytes[64];
	u64 done = 0;

	if (flags & ~(u64)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	size = min(size, (u64)GRND_MAX_SIZE);
	while (done < size && !(done >= PAGE_SIZE && current_has_signal())) {
		/* No further than the page goes: what fits before a hole is given. */
		u64 part =
			min(min(size - done, sizeof(bytes)), PAGE_SIZE - (to + done) % PAGE_SIZE);

		random_bytes(bytes, part);
		if (copy_to_user((void __user *)(to + done), bytes, part) != 0)
			return done > 0 ? (long)done : -EFAULT;
		done += part;
		cond_resched();
	}
	return done;
}

/* ---- syslog ---- */

long sys_syslog(u64 action, u64 buffer, u64 size)
{
	return do_syslog(action, buffer, size);
}

/* ---- membarrier ---- */

enum {
	MEMBARRIER_QUERY = 0,
	MEMBARRIER_GLOBAL = 1 << 0,
	MEMBARRIER_GLOBAL_EXPEDITED = 1 << 1,
	MEMBARRIER_REGISTER_GLOBAL_EXPEDITED = 1 << 2,
	MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3,
	MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4,
};

#define MEMBARRIER_COMMANDS                                                                       \
	(MEMBARRIER_GLOBAL | MEMBARRIER_GLOBAL_EXPEDITED | MEMBARRIER_REGISTER_GLOBAL_EXPEDITED | \
	 MEMBARRIER_PRIVATE_EXPEDITED | MEMBARRIER_REGISTER_PRIVATE_EXPEDITED)

/* Parking every CPU once is a barrier on each: more than is asked for, and nothing new. */
static long barrier_everywhere(void)
{
	quiesce_begin();
	quiesce_end();
	return 0;
}

long sys_membarrier(u64 command, u64 flags, u64 cpu)
{
	struct process *self = current_process;

	(void)cpu; /* for a flag of a command that is not here */
	if ((u32)flags != 0)
		return -EINVAL;
	switch ((s32)command) {
	case MEMBARRIER_QUERY:
		return MEMBARRIER_COMMANDS;
	case MEMBARRIER_REGISTER_GLOBAL_EXPEDITED:
		return 0;
	case MEMBARRIER_REGISTER_PRIVATE_EXPEDITED:
		WRITE_ONCE(self->may_membarrier, true);
		return 0;
	case MEMBARRIER_PRIVATE_EXPEDITED:
		return READ_ONCE(self->may_membarrier) ? barrier_everywhere() : -EPERM;
	case MEMBARRIER_GLOBAL:
	case MEMBARRIER_GLOBAL_EXPEDITED:
		return barrier_everywhere();
	default:
		return -EINVAL;
	}
}
