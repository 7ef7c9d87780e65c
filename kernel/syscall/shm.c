/* System V shared memory. */
#include "fs/shm.h"

#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "syscall/syscall.h"

/* Linux's commands. */
#define IPC_RMID     0
#define IPC_SET      1
#define IPC_STAT     2
#define IPC_INFO     3
#define SHM_LOCK     11
#define SHM_UNLOCK   12
#define SHM_STAT     13
#define SHM_INFO     14
#define SHM_STAT_ANY 15

#define SHMMIN 1

/* What IPC_INFO tells: struct shminfo64. */
struct shminfo {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};

static_assert(sizeof(struct shminfo) == 72, "ABI");

long sys_shmget(u64 key, u64 size, u64 flags)
{
	return shm_get(key, size, flags);
}

long sys_shmat(u64 id, u64 addr, u64 flags)
{
	return shm_attach(id, addr, flags);
}

long sys_shmdt(u64 addr)
{
	return shm_detach(addr);
}

static long tell_limits(void __user *to)
{
	u32 mni = READ_ONCE(shm_limits.mni);
	struct shminfo limits = {
		.shmmax = READ_ONCE(shm_limits.max),
		.shmmin = SHMMIN,
		.shmmni = mni,
		.shmseg = mni,
		.shmall = READ_ONCE(shm_limits.all),
	};
	struct shm_info ignored;
	int highest = shm_totals(&ignored);

	return copy_to_user(to, &limits, sizeof(limits)) == 0 ? highest : -EFAULT;
}

static long tell_totals(void __user *to)
{
	struct shm_info info;
	int highest = shm_totals(&info);

	return copy_to_user(to, &info, sizeof(info)) == 0 ? highest : -EFAULT;
}

static long tell_status(s32 id, enum shm_by by, void __user *to)
{
	struct shmid_ds status;
	int result = shm_stat(id, by, &status);

	if (result < 0)
		return result;
	return copy_to_user(to, &status, sizeof(status)) == 0 ? result : -EFAULT;
}

static long set_status(s32 id, const void __user *from)
{
	struct shmid_ds status;

	if (copy_from_user(&status, from, sizeof(status)) != 0)
		return -EFAULT;
	return shm_set(id, &status);
}

long sys_shmctl(u64 shmid, u64 command, u64 buffer)
{
	void __user *user = (void __user *)buffer;
	s32 id = shmid;

	if (id < 0)
		return -EINVAL;
	switch ((u32)command) {
	case IPC_INFO:
		return tell_limits(user);
	case SHM_INFO:
		return tell_totals(user);
	case IPC_STAT:
		return tell_status(id, SHM_BY_ID, user);
	case SHM_STAT:
		return tell_status(id, SHM_BY_INDEX, user);
	case SHM_STAT_ANY:
		return tell_status(id, SHM_BY_INDEX_ANY, user);
	case IPC_SET:
		return set_status(id, user);
	case IPC_RMID:
		return shm_remove(id);
	case SHM_LOCK:
		return shm_lock(id);
	case SHM_UNLOCK:
		return shm_unlock(id);
	default:
		return -EINVAL;
	}
}
