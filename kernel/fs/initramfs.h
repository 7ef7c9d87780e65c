/* The file system that the boot loader brings: read-only files from a cpio archive. */
#ifndef FS_INITRAMFS_H
#define FS_INITRAMFS_H

#include "fs/file.h"
#include "mm/backing.h"

#define PATH_MAX 4096

/* A file or directory. Made at boot, never changes, never goes. */
struct inode {
	struct backing backing;
	const u8 *data;   /* content, in the archive */
	const char *path; /* canonical, without the leading slash; empty for the root */
	u32 ino;
	u32 mode; /* S_IF* and rights */
};

/* Reads the archive; a malformed one is used up to its first fault, which is printed. */
void initramfs_init(void);

/* The inode of an absolute path, or of one relative to `base` (NULL: the root), which is a
 * directory. -ENOENT, -ENOTDIR, -ENOMEM, -ENAMETOOLONG. May sleep. */
int initramfs_lookup(const struct inode *base, const char *path, struct inode **result);

/* Opens an inode with O_* flags. -EROFS, -EISDIR, -ENOTDIR, -ENOMEM. */
int initramfs_open(const struct inode *inode, u32 flags, struct file **result);

void initramfs_stat(const struct inode *inode, struct stat *stat);

#endif
