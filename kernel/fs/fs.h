/* struct fs: where a task stands in the tree of files. Shared by CLONE_FS, copied by fork
 * (proc/files.h for its life). */
#ifndef FS_FS_H
#define FS_FS_H

#include "fs/dentry.h"

struct fs {
	atomic_t refs;
	spinlock_t lock;       /* RANK_FS: the members below */
	u32 umask;             /* rights that new files do not get */
	struct path root, cwd; /* referenced */
};

#define DEFAULT_UMASK 022u

/* The current task's. */
struct fs *current_fs(void);

/* Its root or working directory, with references. */
void fs_get_root(struct fs *fs, struct path *root);
void fs_get_cwd(struct fs *fs, struct path *cwd);
/* Takes over the references of `path`. */
void fs_set_root(struct fs *fs, const struct path *path);
void fs_set_cwd(struct fs *fs, const struct path *path);

#endif
