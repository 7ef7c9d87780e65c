/* struct fs: where a task stands in the tree of files. Shared by CLONE_FS, copied by fork
 * (proc/files.h for its life). */
#ifndef FS_FS_H
#define FS_FS_H

#include "cpu/atomic.h"
#include "cpu/spinlock.h"

struct fs {
	atomic_t refs;
	spinlock_t lock; /* RANK_FS: the members below */
	u32 umask;       /* rights that new files do not get */
};

#define DEFAULT_UMASK 022u

/* The current task's. */
struct fs *current_fs(void);

#endif
