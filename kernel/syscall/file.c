/* Calls on descriptors: reading, writing, duplicating, closing. */
#include "arch/x86_64/uaccess.h"
#include "fs/fdtable.h"
#include "fs/iov_iter.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "syscall/syscall.h"

#define FIONCLEX 0x5450u
#define FIOCLEX  0x5451u
#define FIONBIO  0x5421u

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

/* A descriptor that is open for more than its place. */
static struct file *get_open(u64 fd)
{
	struct file *file = fd_get(fd);

	if (file && (file->mode & FMODE_PATH)) {
		file_put(file);
		return NULL;
	}
	return file;
}

/* ---- descriptors ---- */

long sys_close(u64 fd)
{
	return fd_close(fd);
}

long sys_close_range(u64 first, u64 last, u64 flags)
{
	u32 fd = first, end = last;

	if (flags & ~(u64)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || fd > end)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		int error = fd_unshare();
		if (error != 0)
			return error;
	}
	while ((fd = fd_next(fd)) != NO_FD && fd <= end) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			fd_set_cloexec(fd, true);
		else
			fd_close(fd);
		fd++;
	}
	return 0;
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

long sys_dup3(u64 fd, u64 new, u64 flags)
{
	if (flags & ~(u64)O_CLOEXEC || (u32)fd == (u32) new)
		return -EINVAL;
	if ((u32) new >= fd_limit())
		return -EBADF;
	struct file *file = fd_get(fd);
	if (!file)
		return -EBADF;
	long result = fd_replace(file, new, flags);
	file_put(file);
	return result;
}

long sys_dup2(u64 fd, u64 new)
{
	struct file *file;

	if ((u32)fd != (u32) new)
		return sys_dup3(fd, new, 0);
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	file_put(file);
	return (u32) new;
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
	struct file *file = get_open(fd);
	long result;

	if (!file)
		return -EBADF;
	switch ((u32)request) {
	case FIONBIO:
		result = set_nonblocking(file, arg);
		break;
	case FIOCLEX:
	case FIONCLEX:
		result = fd_set_cloexec(fd, (u32)request == FIOCLEX);
		break;
	default:
		result = file_ioctl(file, request, (void __user *)arg);
	}
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

long sys_pread64(u64 fd, u64 to, u64 size, u64 pos)
{
	if ((s64)pos < 0)
		return -EINVAL;
	struct file *file = fd_get(fd);
	if (!file)
		return -EBADF;
	long result = file_pread(file, (void __user *)to, size, pos);
	file_put(file);
	return result;
}

long sys_pwrite64(u64 fd, u64 from, u64 size, u64 pos)
{
	if ((s64)pos < 0)
		return -EINVAL;
	struct file *file = fd_get(fd);
	if (!file)
		return -EBADF;
	long result = file_pwrite(file, (const void __user *)from, size, pos);
	file_put(file);
	return result;
}

/* What a vector call does with the file and the vector; pos NULL: the file's own. */
typedef long (*vector_fn)(struct file *file, struct iov_iter *iter, u64 *pos);

static long read_vector(struct file *file, struct iov_iter *iter, u64 *pos)
{
	return pos ? file_pread_iter(file, iter, *pos) : file_read_iter(file, iter);
}

static long write_vector(struct file *file, struct iov_iter *iter, u64 *pos)
{
	return pos ? file_pwrite_iter(file, iter, *pos) : file_write_iter(file, iter);
}

static long with_vector(u64 fd, u64 vector, u64 nr, u64 *pos, vector_fn transfer)
{
	struct iovec fast[IOV_FAST], *parts;
	struct iov_iter iter;
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = iov_import(vector, (u32)nr, fast, &parts, &iter);
	if (result == 0) {
		result = transfer(file, &iter, pos);
		if (parts != fast)
			kfree(parts);
	}
	file_put(file);
	return result;
}

long sys_readv(u64 fd, u64 vector, u64 nr)
{
	return with_vector(fd, vector, nr, NULL, read_vector);
}

long sys_writev(u64 fd, u64 vector, u64 nr)
{
	return with_vector(fd, vector, nr, NULL, write_vector);
}

/* The upper half of the position is for machines of 32 bits. */
long sys_preadv(u64 fd, u64 vector, u64 nr, u64 pos, u64 unused)
{
	(void)unused;
	return (s64)pos < 0 ? -EINVAL : with_vector(fd, vector, nr, &pos, read_vector);
}

long sys_pwritev(u64 fd, u64 vector, u64 nr, u64 pos, u64 unused)
{
	(void)unused;
	return (s64)pos < 0 ? -EINVAL : with_vector(fd, vector, nr, &pos, write_vector);
}

long sys_lseek(u64 fd, u64 offset, u64 whence)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = file_seek(file, offset, (u32)whence);
	file_put(file);
	return result;
}
