/* Calls on files and descriptors. The file system is read-only, has no links, and "/" is
 * everybody's working directory. */
#include "arch/x86_64/uaccess.h"
#include "cpu/current.h"
#include "fs/fdtable.h"
#include "fs/initramfs.h"
#include "fs/iov_iter.h"
#include "fs/pipe.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "syscall/syscall.h"

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_EMPTY_PATH       0x1000u

#define R_OK 4u
#define W_OK 2u
#define X_OK 1u

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ    1031
#define F_GETPIPE_SZ    1032
#define FD_CLOEXEC      1u

#define FIONBIO 0x5421u

int copy_path(u64 user_path, char **path)
{
	char *copy = kmalloc(PATH_MAX, GFP_KERNEL);

	if (!copy)
		return -ENOMEM;
	int length = strncpy_from_user(copy, (const char __user *)user_path, PATH_MAX);
	if (length < 0) {
		kfree(copy);
		return length;
	}
	*path = copy;
	return 0;
}

/* The inode that dirfd and a path name. */
static int lookup_at(u64 dirfd, const char *path, struct inode **inode)
{
	if ((int)dirfd == AT_FDCWD || path[0] == '/')
		return initramfs_lookup(NULL, path, inode);

	struct file *directory = fd_get(dirfd);
	if (!directory)
		return -EBADF;
	int error = -ENOTDIR;
	if (directory->inode && (directory->inode->mode & S_IFMT) == S_IFDIR)
		error = initramfs_lookup(directory->inode, path, inode);
	file_put(directory);
	return error;
}

static int lookup_user_path(u64 dirfd, u64 user_path, struct inode **inode)
{
	char *path;
	int error = copy_path(user_path, &path);

	if (error != 0)
		return error;
	error = lookup_at(dirfd, path, inode);
	kfree(path);
	return error;
}

/* ---- opening and descriptors ---- */

long sys_openat(u64 dirfd, u64 path, u64 flags, u64 mode)
{
	struct inode *inode;
	struct file *file;
	int error = lookup_user_path(dirfd, path, &inode);

	(void)mode;
	if (error == -ENOENT && (flags & O_CREAT))
		return -EROFS;
	if (error == 0 && (flags & O_CREAT) && (flags & O_EXCL))
		return -EEXIST;
	if (error == 0)
		error = initramfs_open(inode, flags, &file);
	if (error != 0)
		return error;
	int fd = fd_install(file, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_open(u64 path, u64 flags, u64 mode)
{
	return sys_openat((u64)AT_FDCWD, path, flags, mode);
}

long sys_close(u64 fd)
{
	return fd_close(fd);
}

static long duplicate(u32 fd, u32 lowest, u32 flags)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	int new = fd_install(file, lowest, flags);
	if (new < 0)
		file_put(file);
	return new;
}

long sys_dup(u64 fd)
{
	return duplicate(fd, 0, 0);
}

long sys_dup2(u64 fd, u64 new)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = (u32)fd == (u32) new ? (long)(u32) new : fd_replace(file, new, 0);
	file_put(file);
	return result;
}

/* Installs both ends and tells their numbers. */
static long install_pipe(struct file *ends[2], u64 to, u32 flags)
{
	s32 fds[2];

	fds[0] = fd_install(ends[0], 0, flags & O_CLOEXEC);
	if (fds[0] < 0) {
		file_put(ends[0]);
		file_put(ends[1]);
		return fds[0];
	}
	fds[1] = fd_install(ends[1], 0, flags & O_CLOEXEC);
	if (fds[1] < 0) {
		fd_close(fds[0]);
		file_put(ends[1]);
		return fds[1];
	}
	if (copy_to_user((void __user *)to, fds, sizeof(fds)) == 0)
		return 0;
	fd_close(fds[0]);
	fd_close(fds[1]);
	return -EFAULT;
}

long sys_pipe2(u64 to, u64 flags)
{
	struct file *ends[2];

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	int error = pipe_create(ends, flags);
	return error != 0 ? error : install_pipe(ends, to, flags);
}

long sys_pipe(u64 to)
{
	return sys_pipe2(to, 0);
}

static long get_flags(u32 fd)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long flags = READ_ONCE(file->flags);
	file_put(file);
	return flags;
}

static long set_flags(u32 fd, u32 flags)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	file_set_flags(file, flags);
	file_put(file);
	return 0;
}

static long pipe_size(u32 fd, u64 command, u64 size)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = command == F_GETPIPE_SZ ? pipe_get_size(file) : pipe_set_size(file, size);
	file_put(file);
	return result;
}

long sys_fcntl(u64 fd, u64 command, u64 arg)
{
	switch (command) {
	case F_DUPFD:
		return arg < fd_limit() ? duplicate(fd, arg, 0) : -EINVAL;
	case F_DUPFD_CLOEXEC:
		return arg < fd_limit() ? duplicate(fd, arg, O_CLOEXEC) : -EINVAL;
	case F_GETFD:
		return fd_get_cloexec(fd);
	case F_SETFD:
		return fd_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return get_flags(fd);
	case F_SETFL:
		return set_flags(fd, arg);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_size(fd, command, arg);
	default:
		return sys_not_implemented();
	}
}

static long set_nonblocking(struct file *file, u64 from)
{
	u32 flags = READ_ONCE(file->flags);
	s32 on;

	if (copy_from_user(&on, (const void __user *)from, sizeof(on)) != 0)
		return -EFAULT;
	file_set_flags(file, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
	return 0;
}

long sys_ioctl(u64 fd, u64 request, u64 arg)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = (u32)request == FIONBIO ? set_nonblocking(file, arg)
					      : file_ioctl(file, request, (void __user *)arg);
	file_put(file);
	return result;
}

/* ---- reading and writing ---- */

long sys_read(u64 fd, u64 to, u64 size)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = file_read(file, (void __user *)to, size);
	file_put(file);
	return result;
}

long sys_write(u64 fd, u64 from, u64 size)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = file_write(file, (const void __user *)from, size);
	file_put(file);
	return result;
}

/* Does `transfer` with the file and the vector. */
static long with_vector(u64 fd, u64 vector, u64 nr,
			long (*transfer)(struct file *file, struct iov_iter *iter))
{
	struct iovec fast[IOV_FAST], *parts;
	struct iov_iter iter;
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = iov_import(vector, nr, fast, &parts, &iter);
	if (result == 0) {
		result = transfer(file, &iter);
		if (parts != fast)
			kfree(parts);
	}
	file_put(file);
	return result;
}

long sys_readv(u64 fd, u64 vector, u64 nr)
{
	return with_vector(fd, vector, nr, file_read_iter);
}

long sys_writev(u64 fd, u64 vector, u64 nr)
{
	return with_vector(fd, vector, nr, file_write_iter);
}

long sys_lseek(u64 fd, u64 offset, u64 whence)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = file_seek(file, offset, whence);
	file_put(file);
	return result;
}

/* ---- what a file is ---- */

static long put_stat(u64 to, const struct stat *stat)
{
	return copy_to_user((void __user *)to, stat, sizeof(*stat));
}

long sys_fstat(u64 fd, u64 to)
{
	struct file *file = fd_get(fd);
	struct stat stat;

	if (!file)
		return -EBADF;
	file->ops->stat(file, &stat);
	file_put(file);
	return put_stat(to, &stat);
}

long sys_newfstatat(u64 dirfd, u64 path, u64 to, u64 flags)
{
	struct inode *inode;
	struct stat stat;
	char first;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (copy_from_user(&first, (const char __user *)path, 1) != 0)
			return -EFAULT;
		if (first == '\0' && (int)dirfd != AT_FDCWD)
			return sys_fstat(dirfd, to);
	}
	int error = lookup_user_path(dirfd, path, &inode);
	if (error != 0)
		return error;
	initramfs_stat(inode, &stat);
	return put_stat(to, &stat);
}

long sys_stat(u64 path, u64 to)
{
	return sys_newfstatat((u64)AT_FDCWD, path, to, 0);
}

long sys_lstat(u64 path, u64 to)
{
	return sys_newfstatat((u64)AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

/* Everybody is root: reading is always allowed, executing if anybody may. */
long sys_faccessat(u64 dirfd, u64 path, u64 mode)
{
	struct inode *inode;

	if (mode & ~(u64)(R_OK | W_OK | X_OK))
		return -EINVAL;
	int error = lookup_user_path(dirfd, path, &inode);
	if (error != 0)
		return error;
	if (mode & W_OK)
		return -EROFS;
	return (mode & X_OK) && !(inode->mode & 0111) ? -EACCES : 0;
}

long sys_access(u64 path, u64 mode)
{
	return sys_faccessat((u64)AT_FDCWD, path, mode);
}

/* There are no symbolic links. */
long sys_readlinkat(u64 dirfd, u64 path, u64 to, u64 size)
{
	struct inode *inode;
	int error = lookup_user_path(dirfd, path, &inode);

	(void)to;
	(void)size;
	return error != 0 ? error : -EINVAL;
}

long sys_readlink(u64 path, u64 to, u64 size)
{
	return sys_readlinkat((u64)AT_FDCWD, path, to, size);
}

long sys_getcwd(u64 to, u64 size)
{
	static const char root[] = "/";

	if (size < sizeof(root))
		return -ERANGE;
	return copy_to_user((void __user *)to, root, sizeof(root)) != 0 ? -EFAULT
									: (long)sizeof(root);
}
