/* Calls that change attributes of files, or their size. */
#include "arch/x86_64/uaccess.h"
#include "fs/attr.h"
#include "fs/fdtable.h"
#include "lib/errno.h"
#include "syscall/path.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

#define CWD ((u64)AT_FDCWD)

/* ---- size ---- */

long sys_truncate(u64 name, u64 size)
{
	struct path path;

	if ((s64)size < 0)
		return -EINVAL;
	int error = lookup_user(CWD, name, LOOKUP_FOLLOW, &path);
	if (error != 0)
		return error;
	error = do_truncate(&path, size);
	path_put(&path);
	return error;
}

long sys_ftruncate(u64 fd, u64 size)
{
	struct file *file;

	if ((s64)size < 0)
		return -EINVAL;
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	int error = file->mode & FMODE_PATH ? -EBADF : do_ftruncate(file, size);
	file_put(file);
	return error;
}

long sys_fallocate(u64 fd, u64 mode, u64 offset, u64 length)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	int error = file->mode & FMODE_PATH ? -EBADF : do_fallocate(file, mode, offset, length);
	file_put(file);
	return error;
}

/* ---- advice. All files lie in memory here, and Linux does nothing about those but check it. ---- */

#define LAST_ADVICE 5 /* POSIX_FADV_NOREUSE */

long sys_fadvise64(u64 fd, u64 offset, u64 length, u64 advice)
{
	struct file *file = fd_get(fd);
	long error = 0;

	(void)offset;
	if (!file)
		return -EBADF;
	if (file->mode & FMODE_PATH)
		error = -EBADF;
	else if (inode_type(file->inode) == S_IFIFO)
		error = -ESPIPE;
	else if ((s64)length < 0 || (u32)advice > LAST_ADVICE)
		error = -EINVAL;
	file_put(file);
	return error;
}

long sys_readahead(u64 fd, u64 offset, u64 nr_bytes)
{
	struct file *file = fd_get(fd);
	long error = 0;

	(void)offset;
	if (!file)
		return -EBADF;
	if (!(file->mode & FMODE_READ) || (file->mode & FMODE_PATH))
		error = -EBADF;
	else if (!is_regular(file->inode) || (s64)nr_bytes < 0)
		error = -EINVAL;
	file_put(file);
	return error;
}

/* ---- mode and owner ---- */

long sys_fchmodat(u64 dirfd, u64 name, u64 mode)
{
	struct path path;
	int error = lookup_user(dirfd, name, LOOKUP_FOLLOW, &path);

	if (error != 0)
		return error;
	error = do_chmod(&path, mode);
	path_put(&path);
	return error;
}

long sys_chmod(u64 name, u64 mode)
{
	return sys_fchmodat(CWD, name, mode);
}

long sys_fchmod(u64 fd, u64 mode)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	int error = file->mode & FMODE_PATH ? -EBADF : do_chmod(&file->path, mode);
	file_put(file);
	return error;
}

long sys_fchownat(u64 dirfd, u64 name, u64 uid, u64 gid, u64 flags)
{
	struct path path;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	int error = lookup_user(dirfd, name,
				(flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
					(flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
				&path);
	if (error != 0)
		return error;
	error = do_chown(&path, uid, gid);
	path_put(&path);
	return error;
}

long sys_chown(u64 name, u64 uid, u64 gid)
{
	return sys_fchownat(CWD, name, uid, gid, 0);
}

long sys_lchown(u64 name, u64 uid, u64 gid)
{
	return sys_fchownat(CWD, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(u64 fd, u64 uid, u64 gid)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	int error = file->mode & FMODE_PATH ? -EBADF : do_chown(&file->path, uid, gid);
	file_put(file);
	return error;
}

/* ---- times ---- */

/* By name, or of the descriptor itself when `name` is NULL. */
static long set_times(u64 dirfd, u64 name, const struct timestamp times[2], u64 flags)
{
	struct path path;
	int error;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!name && (s32)dirfd != AT_FDCWD) {
		struct file *file = flags ? NULL : fd_get(dirfd);

		if (!file)
			return flags ? -EINVAL : -EBADF;
		error = file->mode & FMODE_PATH ? -EBADF : do_utimes(&file->path, times);
		file_put(file);
		return error;
	}
	error = lookup_user(dirfd, name,
			    (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				    (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			    &path);
	if (error != 0)
		return error;
	error = do_utimes(&path, times);
	path_put(&path);
	return error;
}

static bool is_time(const struct timespec *time)
{
	return time->nsec == UTIME_NOW || time->nsec == UTIME_OMIT ||
	       (time->nsec >= 0 && time->nsec < (s64)NSEC_PER_SEC);
}

long sys_utimensat(u64 dirfd, u64 name, u64 user_times, u64 flags)
{
	struct timestamp times[2];
	struct timespec asked[2];

	if (!user_times)
		return set_times(dirfd, name, NULL, flags);
	if (copy_from_user(asked, (const void __user *)user_times, sizeof(asked)) != 0)
		return -EFAULT;
	if (asked[0].nsec == UTIME_OMIT && asked[1].nsec == UTIME_OMIT)
		return 0;
	for (u32 i = 0; i < 2; i++) {
		if (!is_time(&asked[i]))
			return -EINVAL;
		times[i] = (struct timestamp){asked[i].sec, asked[i].nsec};
	}
	return set_times(dirfd, name, times, flags);
}

struct user_timeval {
	s64 sec, usec;
};

long sys_futimesat(u64 dirfd, u64 name, u64 user_times)
{
	struct timestamp times[2];
	struct user_timeval asked[2];

	if (!user_times)
		return set_times(dirfd, name, NULL, 0);
	if (copy_from_user(asked, (const void __user *)user_times, sizeof(asked)) != 0)
		return -EFAULT;
	for (u32 i = 0; i < 2; i++) {
		if (asked[i].usec < 0 || asked[i].usec >= 1000000)
			return -EINVAL;
		times[i] = (struct timestamp){asked[i].sec, asked[i].usec * NSEC_PER_USEC};
	}
	return set_times(dirfd, name, times, 0);
}

long sys_utimes(u64 name, u64 user_times)
{
	return sys_futimesat(CWD, name, user_times);
}

long sys_utime(u64 name, u64 user_times)
{
	struct timestamp times[2];
	s64 asked[2];

	if (!user_times)
		return set_times(CWD, name, NULL, 0);
	if (copy_from_user(asked, (const void __user *)user_times, sizeof(asked)) != 0)
		return -EFAULT;
	for (u32 i = 0; i < 2; i++)
		times[i] = (struct timestamp){.sec = asked[i]};
	return set_times(CWD, name, times, 0);
}
