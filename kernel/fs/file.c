/* Open files: reference counts, access mode, position. */
#include "fs/file.h"
#include "fs/dentry.h"
#include "fs/epoll.h"
#include "fs/iov_iter.h"
#include "fs/lock.h"
#include "lib/errno.h"
#include "mm/slab.h"

/* What open(2) acts on once and F_GETFL does not tell. */
#define O_ONCE (O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC)
/* What F_SETFL may change. */
#define CHANGEABLE_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

struct file *file_create(const struct file_ops *ops, struct inode *inode, u32 flags)
{
	static const u32 modes[] = {FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE, 0};
	struct file *file = kmalloc(sizeof(*file), GFP_ZERO);

	if (!file)
		return NULL;
	file->ops = ops;
	file->inode = inode;
	file->flags = flags & ~O_ONCE;
	file->mode = modes[flags & O_ACCMODE];
	atomic_set(&file->refs, 1);
	rwsem_init(&file->lock, RANK_FILE_POS);
	return file;
}

void file_put(struct file *file)
{
	if (atomic_dec_return(&file->refs) != 0)
		return;
	if (unlikely(READ_ONCE(file->watchers)))
		epoll_forget_file(file);
	if ((file->mode & FMODE_OPENED) && file->ops->release)
		file->ops->release(file);
	file_locks_release(file);
	if (file->mode & FMODE_WRITER)
		inode_put_write(file->inode);
	path_put(&file->path);
	kfree(file);
}

/* Whether a transfer from `pos` on ends within what a position can tell; Linux's rw_verify_area(). */
static bool is_range(u64 pos, size_t size)
{
	return (s64)pos >= 0 && (s64)size >= 0 && (s64)(pos + size) >= 0;
}

long file_read(struct file *file, void __user *to, size_t size)
{
	if (!(file->mode & FMODE_READ))
		return -EBADF;
	if ((!file->ops->read && !file->ops->read_iter) || (s64)size < 0)
		return -EINVAL;
	size = min(size, MAX_TRANSFER);
	if (file->ops->read_iter) {
		struct iovec part = {.base = (u64)to, .size = size};
		struct iov_iter iter = iov_iter(&part, size);

		return size > 0 ? file->ops->read_iter(file, &iter) : 0;
	}
	if (file->mode & FMODE_STREAM)
		return file->ops->read(file, to, size, NULL);
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result =
		is_range(file->pos, size) ? file->ops->read(file, to, size, &file->pos) : -EINVAL;
	up_write(&file->lock);
	return result;
}

long file_write(struct file *file, const void __user *from, size_t size)
{
	if (!(file->mode & FMODE_WRITE))
		return -EBADF;
	if ((!file->ops->write && !file->ops->write_iter) || (s64)size < 0)
		return -EINVAL;
	size = min(size, MAX_TRANSFER);
	if (file->ops->write_iter) {
		struct iovec part = {.base = (u64)from, .size = size};
		struct iov_iter iter = iov_iter(&part, size);

		return size > 0 ? file->ops->write_iter(file, &iter) : 0;
	}
	if (file->mode & FMODE_STREAM)
		return file->ops->write(file, from, size, NULL);
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result = is_range(file->pos, size) ? file->ops->write(file, from, size, &file->pos)
						: -EINVAL;
	up_write(&file->lock);
	return result;
}

long file_pread(struct file *file, void __user *to, size_t size, u64 pos)
{
	if ((s64)pos < 0)
		return -EINVAL;
	if (file->mode & FMODE_STREAM)
		return -ESPIPE;
	if (!(file->mode & FMODE_READ))
		return -EBADF;
	if (!file->ops->read || !is_range(pos, size))
		return -EINVAL;
	return file->ops->read(file, to, min(size, MAX_TRANSFER), &pos);
}

long file_pwrite(struct file *file, const void __user *from, size_t size, u64 pos)
{
	if ((s64)pos < 0)
		return -EINVAL;
	if (file->mode & FMODE_STREAM)
		return -ESPIPE;
	if (!(file->mode & FMODE_WRITE))
		return -EBADF;
	if (!file->ops->write || !is_range(pos, size))
		return -EINVAL;
	return file->ops->write(file, from, min(size, MAX_TRANSFER), &pos);
}

/* Does `transfer` for each part until one is short; what was done before an error counts. */
static long for_each_part(struct file *file, struct iov_iter *iter, u64 *pos,
			  long (*transfer)(struct file *file, struct iovec part, u64 *pos))
{
	long total = 0;

	while (iter->count > 0) {
		struct iovec part = iov_iter_part(iter);
		long done = transfer(file, part, pos);

		if (done < 0)
			return total > 0 ? total : done;
		total += done;
		if ((u64)done < part.size)
			break;
		iov_iter_advance(iter, done);
	}
	return total;
}

static long read_part(struct file *file, struct iovec part, u64 *pos)
{
	return file->ops->read(file, (void __user *)part.base, part.size, pos);
}

static long write_part(struct file *file, struct iovec part, u64 *pos)
{
	return file->ops->write(file, (const void __user *)part.base, part.size, pos);
}

long file_read_iter(struct file *file, struct iov_iter *to)
{
	if (!(file->mode & FMODE_READ))
		return -EBADF;
	if (file->ops->read_iter)
		return to->count > 0 ? file->ops->read_iter(file, to) : 0;
	if (!file->ops->read)
		return -EINVAL;
	if (file->mode & FMODE_STREAM)
		return for_each_part(file, to, NULL, read_part);
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result = for_each_part(file, to, &file->pos, read_part);
	up_write(&file->lock);
	return result;
}

long file_write_iter(struct file *file, struct iov_iter *from)
{
	if (!(file->mode & FMODE_WRITE))
		return -EBADF;
	if (file->ops->write_iter)
		return from->count > 0 ? file->ops->write_iter(file, from) : 0;
	if (!file->ops->write)
		return -EINVAL;
	if (file->mode & FMODE_STREAM)
		return for_each_part(file, from, NULL, write_part);
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result = for_each_part(file, from, &file->pos, write_part);
	up_write(&file->lock);
	return result;
}

long file_pread_iter(struct file *file, struct iov_iter *to, u64 pos)
{
	if (file->mode & FMODE_STREAM)
		return -ESPIPE;
	if (!(file->mode & FMODE_READ))
		return -EBADF;
	return file->ops->read ? for_each_part(file, to, &pos, read_part) : -EINVAL;
}

long file_pwrite_iter(struct file *file, struct iov_iter *from, u64 pos)
{
	if (file->mode & FMODE_STREAM)
		return -ESPIPE;
	if (!(file->mode & FMODE_WRITE))
		return -EBADF;
	return file->ops->write ? for_each_part(file, from, &pos, write_part) : -EINVAL;
}

void file_set_flags(struct file *file, u32 flags)
{
	/* Two at once: one of them came later. The other bits never change. */
	WRITE_ONCE(file->flags, (file->flags & ~CHANGEABLE_FLAGS) | (flags & CHANGEABLE_FLAGS));
}

long file_seek(struct file *file, s64 offset, u32 whence)
{
	s64 pos = -EINVAL;

	if (file->mode & FMODE_PATH)
		return -EBADF;
	if (whence > SEEK_HOLE)
		return -EINVAL;
	if (file->mode & FMODE_STREAM)
		return -ESPIPE;
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	if (file->ops->seek)
		pos = file->ops->seek(file, offset, whence);
	else if (whence == SEEK_SET || whence == SEEK_END)
		pos = offset;
	else if (whence == SEEK_CUR && __builtin_add_overflow((s64)file->pos, offset, &pos))
		pos = -EINVAL;
	if (!file->ops->seek && pos < 0)
		pos = -EINVAL;
	if (pos >= 0)
		file->pos = pos;
	up_write(&file->lock);
	return pos;
}

void file_accessed(struct file *file)
{
	u32 flags = READ_ONCE(file->path.mount->flags);
	u32 off = MS_NOATIME | MS_RDONLY | (is_directory(file->inode) ? MS_NODIRATIME : 0);

	if (!(READ_ONCE(file->flags) & O_NOATIME) && !(flags & off))
		inode_accessed(file->inode);
}

int file_fsync(struct file *file)
{
	if (file->mode & FMODE_PATH)
		return -EBADF;
	return file->ops->fsync ? file->ops->fsync(file) : -EINVAL;
}

long file_ioctl(struct file *file, u32 request, void __user *arg)
{
	if (file->mode & FMODE_PATH)
		return -EBADF;
	return file->ops->ioctl ? file->ops->ioctl(file, request, arg) : -ENOTTY;
}
