/* fcntl(2) and flock(2). */
#include "arch/x86_64/uaccess.h"
#include "fs/fdtable.h"
#include "fs/lock.h"
#include "fs/memfd.h"
#include "fs/pipe.h"
#include "lib/errno.h"
#include "proc/task.h"
#include "syscall/syscall.h"

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_GETLK         5
#define F_SETLK         6
#define F_SETLKW        7
#define F_OFD_GETLK     36
#define F_OFD_SETLK     37
#define F_OFD_SETLKW    38
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ    1031
#define F_GETPIPE_SZ    1032
#define F_ADD_SEALS     1033
#define F_GET_SEALS     1034
#define FD_CLOEXEC      1u

static long duplicate(struct file *file, u64 lowest, u32 flags)
{
	if (lowest >= fd_limit())
		return -EINVAL;
	file_get(file);
	int new = fd_install(file, lowest, flags);
	if (new < 0)
		file_put(file);
	return new;
}

static long get_lock(struct file *file, u64 user_lock, enum lock_kind kind)
{
	struct flock lock;

	if (copy_from_user(&lock, (const void __user *)user_lock, sizeof(lock)) != 0)
		return -EFAULT;
	int error = file_lock_get(file, &lock, kind);
	return error != 0 ? error : copy_to_user((void __user *)user_lock, &lock, sizeof(lock));
}

static long set_lock(struct file *file, u64 user_lock, enum lock_kind kind, enum lock_wait wait)
{
	struct flock lock;

	if (copy_from_user(&lock, (const void __user *)user_lock, sizeof(lock)) != 0)
		return -EFAULT;
	return file_lock_set(file, &lock, kind, wait);
}

/* A POSIX lock goes when a descriptor of its file is closed. Where another thread closed this one before
 * the lock was there, it goes now. */
static long set_posix_lock(struct file *file, u64 fd, u64 user_lock, enum lock_wait wait)
{
	long result = set_lock(file, user_lock, LOCK_POSIX, wait);
	struct file *now;

	if (result != 0)
		return result;
	now = fd_get(fd);
	if (now != file) {
		file_locks_close(file, current_proc->files);
		result = -EBADF;
	}
	if (now)
		file_put(now);
	return result;
}

static long set_flags(struct file *file, u32 flags)
{
	if ((flags & O_DIRECT) && !(file->mode & FMODE_DIRECT) && !(file->mode & FMODE_STREAM))
		return -EINVAL;
	file_set_flags(file, flags);
	return 0;
}

/* Those that an O_PATH descriptor does not have. */
static long control_open_file(struct file *file, u64 fd, u64 command, u64 arg)
{
	if (file->mode & FMODE_PATH)
		return -EBADF;
	switch (command) {
	case F_SETFL:
		return set_flags(file, arg);
	case F_GETLK:
		return get_lock(file, arg, LOCK_POSIX);
	case F_SETLK:
		return set_posix_lock(file, fd, arg, LOCK_TRY);
	case F_SETLKW:
		return set_posix_lock(file, fd, arg, LOCK_SLEEP);
	case F_OFD_GETLK:
		return get_lock(file, arg, LOCK_OFD);
	case F_OFD_SETLK:
		return set_lock(file, arg, LOCK_OFD, LOCK_TRY);
	case F_OFD_SETLKW:
		return set_lock(file, arg, LOCK_OFD, LOCK_SLEEP);
	case F_SETPIPE_SZ:
		return pipe_set_size(file, arg);
	case F_GETPIPE_SZ:
		return pipe_get_size(file);
	case F_ADD_SEALS:
		return memfd_add_seals(file, arg);
	case F_GET_SEALS:
		return memfd_get_seals(file);
	default:
		return -EINVAL;
	}
}

static long control(struct file *file, u64 fd, u64 command, u64 arg)
{
	switch (command) {
	case F_DUPFD:
		return duplicate(file, arg, 0);
	case F_DUPFD_CLOEXEC:
		return duplicate(file, arg, O_CLOEXEC);
	case F_GETFD:
		return fd_get_cloexec(fd);
	case F_SETFD:
		return fd_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return READ_ONCE(file->flags);
	default:
		return control_open_file(file, fd, command, arg);
	}
}

long sys_fcntl(u64 fd, u64 command, u64 arg)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = control(file, fd, (u32)command, arg);
	file_put(file);
	return result;
}

long sys_flock(u64 fd, u64 operation)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = file_flock(file, operation);
	file_put(file);
	return result;
}
