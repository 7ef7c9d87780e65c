/* Open files: reference counts, access mode, position. The kinds of files are initramfs.c and
 * console.c. */
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/slab.h"

/* What one call transfers at most, as in Linux: the count fits into an int. */
#define MAX_TRANSFER 0x7ffff000ul

struct file *file_create(const struct file_ops *ops, const struct inode *inode, u32 flags)
{
	struct file *file = kmalloc(sizeof(*file), GFP_ZERO);

	if (!file)
		return NULL;
	file->ops = ops;
	file->inode = inode;
	file->flags = flags & ~(O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC);
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
	if (atomic_dec_return(&file->refs) == 0)
		kfree(file);
}

long file_read(struct file *file, void __user *to, size_t size)
{
	if ((file->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (!file->ops->read)
		return -EINVAL;
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result = file->ops->read(file, to, min(size, MAX_TRANSFER));
	up_write(&file->lock);
	return result;
}

long file_write(struct file *file, const void __user *from, size_t size)
{
	if ((file->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!file->ops->write)
		return -EINVAL;
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	long result = file->ops->write(file, from, min(size, MAX_TRANSFER));
	up_write(&file->lock);
	return result;
}

long file_seek(struct file *file, s64 offset, u32 whence)
{
	s64 base, pos;

	if (!file->ops->size)
		return -ESPIPE;
	if (whence > SEEK_END)
		return -EINVAL;
	if (down_write_killable(&file->lock) != 0)
		return -EINTR;
	base = whence == SEEK_CUR ? (s64)file->pos : whence == SEEK_END ? file->ops->size(file) : 0;
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
