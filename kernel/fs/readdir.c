/*
 * Listing directories. Entries are collected in kernel memory with namespace_lock held for reading,
 * a page at a time, and copied out without it.
 *
 * A position in a directory of dentries is DIR_END minus the number of the name, which is one above
 * that of the name made before it. So positions stay what they are when names come and go.
 */
#include "fs/readdir.h"
#include "arch/x86_64/uaccess.h"
#include "fs/namei.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define CHUNK   PAGE_SIZE
#define DIR_END (1ul << 48)

/* struct linux_dirent64; the old one has no type here but in its last byte. */
struct dirent_head {
	u64 ino;
	s64 next;
	u16 length;
	u8 type;
} __packed;

#define OLD_HEAD_SIZE offsetof(struct dirent_head, type)

static u16 entry_size(const struct dir_context *context, u32 length)
{
	/* Name and terminator, and the old layout's type behind them. */
	size_t size = context->old_layout ? OLD_HEAD_SIZE + length + 2
					  : sizeof(struct dirent_head) + length + 1;

	return ALIGN_UP(size, 8ul);
}

bool dir_emit(struct dir_context *context, const char *name, u32 length, u64 ino, u32 mode)
{
	u16 size = entry_size(context, length);
	u8 type = (mode & S_IFMT) >> 12;

	if (context->used + size > context->size) {
		context->is_full = true;
		return false;
	}
	char *at = context->buffer + context->used;
	struct dirent_head head = {.ino = ino, .length = size, .type = type};

	memset(at, 0, size);
	if (context->old_layout) {
		memcpy(at, &head, OLD_HEAD_SIZE);
		memcpy(at + OLD_HEAD_SIZE, name, length);
		at[size - 1] = type;
	} else {
		memcpy(at, &head, sizeof(head));
		memcpy(at + sizeof(head), name, length);
	}
	context->last = at;
	context->used += size;
	return true;
}

/* The entry last emitted learns where the next one is. */
static void set_next(struct dir_context *context, u64 pos)
{
	s64 next = pos;

	context->pos = pos;
	if (context->last)
		memcpy(context->last + offsetof(struct dirent_head, next), &next, sizeof(next));
}

bool dir_emit_next(struct dir_context *context, const char *name, u32 length, u64 ino, u32 mode,
		   u64 next)
{
	if (!dir_emit(context, name, length, ino, mode))
		return false;
	set_next(context, next);
	return true;
}

bool dir_emit_dots(struct dir_context *context)
{
	struct dentry *dentry = context->path.dentry;

	if (context->pos == 0 && !dir_emit_next(context, ".", 1, dentry->inode->ino, S_IFDIR, 1))
		return false;
	if (context->pos == 1 &&
	    !dir_emit_next(context, "..", 2, dentry->parent->inode->ino, S_IFDIR, 2))
		return false;
	return true;
}

int dcache_iterate(struct inode *dir, struct dir_context *context)
{
	struct dentry *dentry;

	(void)dir;
	if (!dir_emit_dots(context))
		return 0;
	spin_lock(&dcache_lock);
	list_for_each_entry (dentry, &context->path.dentry->children, sibling) {
		u64 pos = DIR_END - dentry->cookie;

		if (pos < context->pos)
			continue;
		if (!dir_emit_next(context, dentry->name, dentry->length, dentry->inode->ino,
				   dentry->inode->mode, pos + 1))
			break;
	}
	spin_unlock(&dcache_lock);
	return 0;
}

/* Fills the context's buffer. */
static int fill(struct file *file, struct dir_context *context)
{
	struct inode *dir = file->inode;
	int error;

	context->used = 0;
	context->last = NULL;
	down_read(&namespace_lock);
	if (dir->nlink == 0)
		error = -ENOENT;
	else
		error = dir->ops->iterate ? dir->ops->iterate(dir, context)
					  : dcache_iterate(dir, context);
	up_read(&namespace_lock);
	return error;
}

/* file->lock held for writing. */
static long list(struct file *file, void __user *to, size_t size, struct dir_context *context)
{
	size_t done = 0;
	int error = 0;

	do {
		u64 before = file->pos;

		context->size = min(size - done, CHUNK);
		context->pos = before;
		context->is_full = false;
		error = fill(file, context);
		if (error != 0 || context->used == 0)
			break;
		if (copy_to_user((char __user *)to + done, context->buffer, context->used) != 0) {
			error = -EFAULT;
			break;
		}
		file->pos = context->pos;
		done += context->used;
	} while (context->is_full && done < size);
	if (done > 0)
		return done;
	return error == 0 && context->is_full ? -EINVAL : error;
}

long do_getdents(struct file *file, void __user *to, size_t size, enum dirent_layout layout)
{
	struct dir_context context = {.path = file->path, .old_layout = layout == DIRENT_OLD};

	if (file->mode & FMODE_PATH)
		return -EBADF;
	if (!is_directory(file->inode))
		return -ENOTDIR;
	context.buffer = kmalloc(CHUNK, GFP_KERNEL);
	if (!context.buffer)
		return -ENOMEM;
	long result = down_write_killable(&file->lock);
	if (result == 0) {
		result = list(file, to, size, &context);
		up_write(&file->lock);
	}
	kfree(context.buffer);
	if (result >= 0)
		file_accessed(file);
	return result;
}

/* ---- the file operations ---- */

static long read_directory(struct file *file, void __user *to, size_t size, u64 *pos)
{
	(void)file;
	(void)to;
	(void)size;
	(void)pos;
	return -EISDIR;
}

static s64 seek_directory(struct file *file, s64 offset, u32 whence)
{
	s64 base = whence == SEEK_CUR ? (s64)file->pos : 0, pos;

	if (whence > SEEK_CUR || __builtin_add_overflow(base, offset, &pos) || pos < 0)
		return -EINVAL;
	return pos;
}

static int sync_directory(struct file *file)
{
	(void)file;
	return 0;
}

const struct file_ops directory_ops = {
	.read = read_directory,
	.seek = seek_directory,
	.fsync = sync_directory,
};
