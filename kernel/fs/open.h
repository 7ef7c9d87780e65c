/* Opening. */
#ifndef FS_OPEN_H
#define FS_OPEN_H

#include "fs/namei.h"

/* Opens or makes what a name leads to, as openat(2). */
int do_open(s32 dirfd, const char *name, u32 flags, u32 mode, struct file **result);
/* Opens a place, if the current task may; `created`: it was made just now, so it may. */
enum open_how { OPEN_EXISTING, OPEN_CREATED };
int open_path(const struct path *path, u32 flags, enum open_how how, struct file **result);

/* Opens an inode that no directory has, called `name`, or "name:[ino]" if there is no colon in it.
 * Takes over the reference of the inode, on failure too. 0, -ENOMEM. */
int open_pseudo(struct inode *inode, const char *name, const struct file_ops *ops, u32 flags,
		struct file **result);
/* An inode for that; NULL without memory. */
struct inode *pseudo_inode_create(u32 mode);

void pseudo_init(void);

#endif
