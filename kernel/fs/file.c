/* Open files: reference counts, access mode, position. The kinds of files are initramfs.c and
 * console.c. */
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/slab.h"

/* What open(2) acts on once and F_GETFL does not tell. */
#define O_ONCE (O_CLOEXEC | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC)

struct file *file_create(const struct file_ops *ops, const struct inode *inode, u32 flags)
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

void file_get(struct file *file)
{
	atomic_inc(&file->refs);
}

void file_put(struct file *file)
{
	if (atomic_dec_return(&file->refs) != 0)
		return;
	if (file->ops->release)
		file->ops->release(file);
	kfree(file);
}

long file_read(struct file *file, void __user *to, size_t size)
{
	if (!(file->mode & FMODE_READ))
		return -EBADF;
	if (!file->ops->read || (s64)size < 0)
		return -EINVAL;
	size = min(size, MAX_TRANSFER);
	if (file->mode & FMODE_STREAM)
		return file->ops->read(file, to, size, NULL);
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result = file->ops->read(file, to, size, &file->pos);
	up_write(&file->lock);
	return result;
}

long file_write(struct file *file, const void __user *from, size_t size)
{
	if (!(file->mode & FMODE_WRITE))
		return -EBADF;
	if (!file->ops->write || (s64)size < 0)
		return -EINVAL;
	size = min(size, MAX_TRANSFER);
	if (file->mode & FMODE_STREAM)
		return file->ops->write(file, from, size, NULL);
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result = file->ops->write(file, from, size, &file->pos);
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
	if (!file->ops->read || (s64)size < 0)
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
	if (!file->ops->write || (s64)size < 0)
		return -EINVAL;
	return file->ops->write(file, from, min(size, MAX_TRANSFER), &pos);
}

long file_seek(struct file *file, s64 offset, u32 whence)
{
	s64 base, pos;

	if (file->mode & FMODE_STREAM)
		return -ESPIPE;
	if (whence > SEEK_END)
		return -EINVAL;
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	base = 0;
	if (whence == SEEK_CUR)
		base = (s64)file->pos;
	else if (whence == SEEK_END && file->ops->size)
		base = file->ops->size(file);
	if (__builtin_add_overflow(base, offset, &pos))
		pos = -EOVERFLOW;
	else if (pos < 0)
		pos = -EINVAL;
	else
		file->pos = pos;
	up_write(&file->lock);
	return pos;
}

long file_ioctl(struct file *file, u32 request, void __user *arg)
{
	return file->ops->ioctl ? file->ops->ioctl(file, request, arg) : -ENOTTY;
}
