/* Changes of attributes, with Linux's checks. 0 or -errno; take the inode's locks. */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include "fs/namei.h"

/* Sets the size, whoever may. -EINVAL, -EFBIG, -ENOMEM. */
int truncate_inode(struct inode *inode, u64 size);

/* The same by name, and by an open file. */
int do_truncate(const struct path *path, s64 size);
int do_ftruncate(struct file *file, s64 size);

#define FALLOC_FL_KEEP_SIZE  1u
#define FALLOC_FL_PUNCH_HOLE 2u
int do_fallocate(struct file *file, u32 mode, s64 offset, s64 length);

int do_chmod(const struct path *path, u32 mode);
/* -1 leaves an owner as it is. */
int do_chown(const struct path *path, u32 uid, u32 gid);

#define UTIME_NOW  0x3fffffffu
#define UTIME_OMIT 0x3ffffffeu
/* atime and mtime; NULL: both now. The nanoseconds are checked. */
int do_utimes(const struct path *path, const struct timestamp times[2]);

int do_access(const struct path *path, u32 mode);

#endif
