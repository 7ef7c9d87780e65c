/* sendfile and copy_file_range: through a page of kernel memory. */
#include "fs/transfer.h"
#include "cpu/wait.h"
#include "fs/dentry.h"
#include "fs/iov_iter.h"
#include "fs/regular.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define CHUNK PAGE_SIZE

/* Writes kernel memory at *pos, which moves; NULL: to a stream, or at the file's own position. */
static long write_kernel(struct file *file, const void *from, size_t size, u64 *pos)
{
	if (file->ops == &regular_ops)
		return regular_write_kernel(file, from, size, pos);
	if (!file->ops->write_iter)
		return -EINVAL;
	struct iovec part = {.base = (u64)from, .size = size};
	struct iov_iter iter = iov_iter(&part, size);

	iter.is_kernel = true;
	return file->ops->write_iter(file, &iter);
}

static long copy_chunks(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t size)
{
	char *chunk = kmalloc(CHUNK, GFP_KERNEL);
	long done = 0, n = 0;

	if (!chunk)
		return -ENOMEM;
	while ((size_t)done < size) {
		n = mapping_read_kernel(&in->inode->mapping, *in_pos, chunk,
					min(size - done, CHUNK));
		if (n <= 0)
			break;
		n = write_kernel(out, chunk, n, out_pos);
		if (n <= 0)
			break;
		*in_pos += n;
		done += n;
		if (current_has_signal())
			break;
		cond_resched();
	}
	kfree(chunk);
	if (done > 0)
		file_accessed(in);
	return done > 0 ? done : n;
}

/* Does it with the files' own positions where none is given. The locks of two files are taken one after
 * the other, never at once. */
long do_sendfile(struct file *out, struct file *in, u64 *pos, size_t size)
{
	u64 in_pos = pos ? *pos : READ_ONCE(in->pos), out_pos = READ_ONCE(out->pos);

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (in->ops != &regular_ops || (READ_ONCE(out->flags) & O_APPEND))
		return -EINVAL;
	if (pos && (s64)*pos < 0)
		return -EINVAL;
	long done = copy_chunks(in, &in_pos, out, &out_pos, min(size, MAX_TRANSFER));
	if (done <= 0)
		return done;
	if (!(out->mode & FMODE_STREAM))
		WRITE_ONCE(out->pos, out_pos);
	if (pos)
		*pos = in_pos;
	else
		WRITE_ONCE(in->pos, in_pos);
	return done;
}

static int check_copy(const struct file *in, const struct file *out)
{
	if (is_directory(in->inode) || is_directory(out->inode))
		return -EISDIR;
	if (!is_regular(in->inode) || !is_regular(out->inode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) ||
	    (READ_ONCE(out->flags) & O_APPEND))
		return -EBADF;
	if (in->inode->sb != out->inode->sb)
		return -EXDEV;
	return in->ops == &regular_ops && out->ops == &regular_ops ? 0 : -EINVAL;
}

long do_copy_file_range(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t size)
{
	u64 from = in_pos ? *in_pos : READ_ONCE(in->pos);
	u64 to = out_pos ? *out_pos : READ_ONCE(out->pos);
	int error = check_copy(in, out);

	if (error != 0)
		return error;
	size = min(size, MAX_TRANSFER);
	if ((s64)from < 0 || (s64)to < 0 || from + size < from || to + size < to)
		return -EOVERFLOW;
	u64 in_size = READ_ONCE(in->inode->mapping.size);
	size = from < in_size ? min(size, (size_t)(in_size - from)) : 0;
	if (size == 0)
		return 0;
	if (in->inode == out->inode && from < to + size && to < from + size)
		return -EINVAL;
	long done = copy_chunks(in, &from, out, &to, size);
	if (done <= 0)
		return done;
	*(in_pos ? in_pos : &in->pos) = from;
	*(out_pos ? out_pos : &out->pos) = to;
	return done;
}
