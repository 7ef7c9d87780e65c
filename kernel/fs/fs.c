/* struct fs: life, root and working directory. */
#include "fs/fs.h"
#include "mm/slab.h"
#include "proc/files.h"
#include "proc/task.h"

struct fs *current_fs(void)
{
	return current_proc->fs;
}

static struct fs *create_fs(void)
{
	struct fs *fs = kmalloc(sizeof(*fs), GFP_ZERO);

	if (!fs)
		return NULL;
	atomic_set(&fs->refs, 1);
	spin_lock_init(&fs->lock, RANK_FS);
	fs->umask = DEFAULT_UMASK;
	return fs;
}

struct fs *fs_create(void)
{
	struct fs *fs = create_fs();

	if (!fs)
		return NULL;
	fs->root = (struct path){root_mount, root_mount->root};
	fs->cwd = fs->root;
	path_get(&fs->root);
	path_get(&fs->cwd);
	return fs;
}

struct fs *fs_fork(struct fs *parent)
{
	struct fs *fs = create_fs();

	if (!fs)
		return NULL;
	spin_lock(&parent->lock);
	fs->umask = parent->umask;
	fs->root = parent->root;
	fs->cwd = parent->cwd;
	path_get(&fs->root);
	path_get(&fs->cwd);
	spin_unlock(&parent->lock);
	return fs;
}

void fs_get(struct fs *fs)
{
	atomic_inc(&fs->refs);
}

void fs_release(struct fs *fs)
{
	if (!fs || atomic_dec_return(&fs->refs) > 0)
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	kfree(fs);
}

static void get(struct fs *fs, const struct path *from, struct path *to)
{
	spin_lock(&fs->lock);
	*to = *from;
	path_get(to);
	spin_unlock(&fs->lock);
}

static void set(struct fs *fs, struct path *to, const struct path *from)
{
	spin_lock(&fs->lock);
	struct path old = *to;
	*to = *from;
	spin_unlock(&fs->lock);
	path_put(&old);
}

void fs_get_root(struct fs *fs, struct path *root)
{
	get(fs, &fs->root, root);
}

void fs_get_cwd(struct fs *fs, struct path *cwd)
{
	get(fs, &fs->cwd, cwd);
}

void fs_set_root(struct fs *fs, const struct path *path)
{
	set(fs, &fs->root, path);
}

void fs_set_cwd(struct fs *fs, const struct path *path)
{
	set(fs, &fs->cwd, path);
}
