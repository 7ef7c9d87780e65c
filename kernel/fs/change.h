/* The calls that change the tree of names, as those of their names; 0 or -errno. They take
 * namespace_lock and may sleep. Names are in kernel memory. */
#ifndef FS_CHANGE_H
#define FS_CHANGE_H

#include "fs/namei.h"

int do_mknod(s32 dirfd, const char *name, u32 mode, u32 rdev);
int do_mkdir(s32 dirfd, const char *name, u32 mode);
int do_rmdir(s32 dirfd, const char *name);
int do_unlink(s32 dirfd, const char *name);
int do_symlink(const char *body, s32 dirfd, const char *name);
int do_link(s32 old_dirfd, const char *old_name, s32 new_dirfd, const char *new_name, u32 flags);

#define RENAME_NOREPLACE 1u
#define RENAME_EXCHANGE  2u
int do_rename(s32 old_dirfd, const char *old_name, s32 new_dirfd, const char *new_name, u32 flags);

/* Makes a file that does not exist as the last component of a walk, with rights `mode` minus the
 * umask, and returns its dentry with a reference (unless NULL is passed). namespace_lock held for
 * writing. */
int create_last(struct walk *walk, u32 mode, u32 rdev, struct dentry **result);

/* -EROFS, -ENOENT or -EACCES unless names may be added to and removed from the directory. */
int may_change_directory(const struct path *directory);

#endif
