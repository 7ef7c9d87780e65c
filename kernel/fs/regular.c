/* Regular files: content is the inode's mapping. Writers, and what changes the size, hold inode->lock;
 * readers do not: what they see of a write going on is as it is on Linux's tmpfs, some of it. */
#include "fs/regular.h"
#include "fs/inode.h"
#include "lib/errno.h"
#include "proc/limits.h"

static long read_regular(struct file *file, void __user *to, size_t size, u64 *pos)
{
	if (size == 0)
		return 0;
	long done = mapping_read(&file->inode->mapping, *pos, to, size);

	if (done > 0)
		*pos += done;
	if (done >= 0)
		file_accessed(file);
	return done;
}

/* From a program or (is_kernel) from the kernel. */
static long write_at(struct file *file, const void *from, size_t size, u64 *pos, bool is_kernel)
{
	struct inode *inode = file->inode;
	struct address_space *mapping = &inode->mapping;
	long done = -EFBIG;

	if (size == 0)
		return 0;
	down_write(&inode->lock);
	u64 at = READ_ONCE(file->flags) & O_APPEND ? mapping->size : *pos;
	if (at < MAPPING_MAX_SIZE)
		done = limit_file_write(at, size);
	if (done > 0) {
		size = min((size_t)done, MAPPING_MAX_SIZE - at);
		inode_drop_setid(inode);
		done = is_kernel ? mapping_write_kernel(mapping, at, from, size)
				 : mapping_write(mapping, at, from, size);
	}
	if (done > 0) {
		*pos = at + done;
		inode_touch(inode, TIME_MTIME | TIME_CTIME);
	}
	up_write(&inode->lock);
	return done;
}

static long write_regular(struct file *file, const void __user *from, size_t size, u64 *pos)
{
	return write_at(file, from, size, pos, false);
}

long regular_write_kernel(struct file *file, const void *from, size_t size, u64 *pos)
{
	return write_at(file, from, size, pos, true);
}

/* The first byte of data or of a hole from `offset` on; the end is a hole. */
static s64 seek_content(struct address_space *mapping, s64 offset, u32 whence)
{
	u64 size = READ_ONCE(mapping->size);
	u64 end = PAGE_ALIGN(size) >> PAGE_SHIFT, index = (u64)offset >> PAGE_SHIFT;

	if (offset < 0 || (u64)offset >= size)
		return -ENXIO;
	u64 found = whence == SEEK_DATA ? mapping_next_data(mapping, index, end)
					: mapping_next_hole(mapping, index, end);
	if (whence == SEEK_DATA && found >= end)
		return -ENXIO;
	return min(max(found << PAGE_SHIFT, (u64)offset), size);
}

static s64 seek_regular(struct file *file, s64 offset, u32 whence)
{
	struct address_space *mapping = &file->inode->mapping;
	s64 base = 0, pos;

	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_content(mapping, offset, whence);
	if (whence == SEEK_CUR)
		base = file->pos;
	else if (whence == SEEK_END)
		base = READ_ONCE(mapping->size);
	if (__builtin_add_overflow(base, offset, &pos))
		return -EINVAL;
	return pos < 0 ? -EINVAL : pos;
}

static int sync_regular(struct file *file)
{
	(void)file;
	return 0; /* nothing lies anywhere else */
}

static int map_regular(struct file *file, struct address_space **mapping)
{
	*mapping = &file->inode->mapping;
	file_accessed(file);
	return 0;
}

const struct file_ops regular_ops = {
	.read = read_regular,
	.write = write_regular,
	.seek = seek_regular,
	.fsync = sync_regular,
	.mmap = map_regular,
};
