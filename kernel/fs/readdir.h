/* Listing directories. */
#ifndef FS_READDIR_H
#define FS_READDIR_H

#include "fs/dentry.h"

/* Collects entries; positions are the file system's, 0 is the beginning. */
struct dir_context {
	u64 pos; /* of the next entry; iterate() moves it */
	struct path path;
	/* getdents: */
	char *buffer;
	size_t size, used;
	bool is_full;
	bool old_layout; /* of getdents, not getdents64 */
	char *last;      /* the entry last emitted: its offset is not known yet */
};

/* Adds an entry, whose type is that of `mode`; false when there is no room: iterate() returns then
 * and leaves pos at this entry. */
bool dir_emit(struct dir_context *context, const char *name, u32 length, u64 ino, u32 mode);

/* The same, and moves pos to `next`, which the entry tells too. */
bool dir_emit_next(struct dir_context *context, const char *name, u32 length, u64 ino, u32 mode,
		   u64 next);

/* Emits "." and "..", for positions 0 and 1. */
bool dir_emit_dots(struct dir_context *context);

/* Lists the linked names of a directory: newest first, as Linux's tmpfs. */
int dcache_iterate(struct inode *dir, struct dir_context *context);

/* getdents64(2), and getdents(2) with its layout. */
enum dirent_layout { DIRENT_64, DIRENT_OLD };
long do_getdents(struct file *file, void __user *to, size_t size, enum dirent_layout layout);

/* Operations of an open directory. */
extern const struct file_ops directory_ops;

#endif
