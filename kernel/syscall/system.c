/* Calls that ask about the machine and its limits. */
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "fs/fdtable.h"
#include "lib/errno.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "syscall/syscall.h"

struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

/* The release is that of the Linux whose calls are spoken: C libraries refuse older ones. */
long sys_uname(u64 to)
{
	static const struct utsname name = {
		.sysname = "Linux",
		.nodename = "palimpsest",
		.release = "6.1.0-palimpsest",
		.version = "#1 SMP",
		.machine = "x86_64",
		.domainname = "(none)",
	};

	return copy_to_user((void __user *)to, &name, sizeof(name));
}

struct sysinfo {
	s64 uptime;
	u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad;
	u64 totalhigh, freehigh;
	u32 mem_unit;
};

static_assert(sizeof(struct sysinfo) == 112, "ABI");

long sys_sysinfo(u64 to)
{
	struct sysinfo info = {
		.uptime = clock_ns() / NSEC_PER_SEC,
		.totalram = nr_managed_frames,
		.freeram = nr_free_frames(),
		.totalswap = swap_nr_slots(),
		.freeswap = swap_nr_free(),
		.procs = sched_nr_running(),
		.mem_unit = PAGE_SIZE,
	};

	return copy_to_user((void __user *)to, &info, sizeof(info));
}

/* ---- limits: fixed, and the same for all ---- */

#define RLIMIT_STACK  3
#define RLIMIT_CORE   4
#define RLIMIT_NOFILE 7
#define NR_RLIMITS    16
#define RLIM_INFINITY (~0ul)

struct rlimit {
	u64 soft, hard;
};

static u64 limit_of(u64 resource)
{
	switch (resource) {
	case RLIMIT_STACK:
		return STACK_LIMIT;
	case RLIMIT_CORE:
		return 0;
	case RLIMIT_NOFILE:
		return NOFILE_SOFT;
	default:
		return RLIM_INFINITY;
	}
}

long sys_getrlimit(u64 resource, u64 to)
{
	if (resource >= NR_RLIMITS)
		return -EINVAL;
	struct rlimit limit = {.soft = limit_of(resource), .hard = limit_of(resource)};
	return copy_to_user((void __user *)to, &limit, sizeof(limit));
}

long sys_prlimit64(u64 pid, u64 resource, u64 new, u64 old)
{
	if (resource >= NR_RLIMITS)
		return -EINVAL;
	if (new || ((s32)pid != 0 && (s32)pid != current->pid))
		return sys_not_implemented();
	return old ? sys_getrlimit(resource, old) : 0;
}

/* ---- random numbers: see proc/random.h for how good they are ---- */

#define GRND_FLAGS 7u

long sys_getrandom(u64 to, u64 size, u64 flags)
{
	u8 bytes[64];
	u64 done = 0;

	if (flags & ~(u64)GRND_FLAGS)
		return -EINVAL;
	while (done < size && !current_is_dying()) {
		u64 part = min(size - done, sizeof(bytes));

		random_bytes(bytes, part);
		if (copy_to_user((void __user *)(to + done), bytes, part) != 0)
			return done > 0 ? (long)done : -EFAULT;
		done += part;
		cond_resched();
	}
	return done;
}
