/* tmpfs: files in memory and swap. */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "fs/super.h"

extern const struct file_system_type tmpfs_type;
/* One super block for all its mounts, with the nodes of the character devices. */
extern const struct file_system_type devtmpfs_type;

/* A regular file of `size` bytes that no directory has, called "/NAME (deleted)"; for System V shared memory
 * the inode, whose `private` the caller may set to what kfree() takes; for memfd_create it is opened. 0, -ENOMEM,
 * -ENOSPC. */
int tmpfs_create_unlinked(const char *name, u64 size, struct inode **result);
int tmpfs_create_file(const char *name, u64 size, u32 flags, struct file **result);

/* The inode whose content a mapping is, or NULL: it is no file's. */
struct inode *tmpfs_inode_of(struct address_space *mapping);

/* Mounts what that needs. Boot only. */
void tmpfs_init(void);

/* Makes /dev/NAME (directories too: S_IFDIR in mode) in devtmpfs. Boot only. 0 or -errno. */
int devtmpfs_create(const char *name, u32 mode, u32 dev, const char *link);

#endif
