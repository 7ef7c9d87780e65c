/* The life of struct fs. */
#include "fs/fs.h"
#include "mm/slab.h"
#include "proc/files.h"
#include "proc/task.h"

struct fs *current_fs(void)
{
	return current_proc->fs;
}

struct fs *fs_create(void)
{
	struct fs *fs = kmalloc(sizeof(*fs), GFP_ZERO);

	if (!fs)
		return NULL;
	atomic_set(&fs->refs, 1);
	spin_lock_init(&fs->lock, RANK_FS);
	fs->umask = DEFAULT_UMASK;
	return fs;
}

struct fs *fs_fork(struct fs *parent)
{
	struct fs *fs = fs_create();

	if (!fs)
		return NULL;
	spin_lock(&parent->lock);
	fs->umask = parent->umask;
	spin_unlock(&parent->lock);
	return fs;
}

void fs_get(struct fs *fs)
{
	atomic_inc(&fs->refs);
}

void fs_release(struct fs *fs)
{
	if (fs && atomic_dec_return(&fs->refs) == 0)
		kfree(fs);
}
