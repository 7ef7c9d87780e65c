/*
 * From path names to inodes, and the calls that change the tree.
 *
 * namespace_lock (sleeping, RANK_NAMESPACE): the tree of names and mounts stands still while it is
 * held for reading; held for writing by all that changes it.
 */
#ifndef FS_NAMEI_H
#define FS_NAMEI_H

#include "fs/dentry.h"
#include "proc/files.h"

#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_EACCESS          0x200u
#define AT_REMOVEDIR        0x200u
#define AT_SYMLINK_FOLLOW   0x400u
#define AT_NO_AUTOMOUNT     0x800u
#define AT_EMPTY_PATH       0x1000u
#define AT_STATX_SYNC_TYPE  0x6000u

#define MAX_LINKS 40 /* followed in one walk, then -ELOOP */

extern struct rwsem namespace_lock;

/* How to look up. */
#define LOOKUP_FOLLOW    BIT(0) /* a link at the end is followed */
#define LOOKUP_DIRECTORY BIT(1) /* the end must be a directory: -ENOTDIR */
#define LOOKUP_EMPTY     BIT(2) /* an empty name is `dirfd` itself, else -ENOENT */
#define LOOKUP_PARENT    BIT(3) /* stops at the directory of the last component */

/* The place that `dirfd` and a name lead to, with references. -errno as open(2) has them. Takes
 * namespace_lock. */
int path_lookup(s32 dirfd, const char *name, u32 flags, struct path *result);

/* What the last component of a name is. */
enum last_kind { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

/* A walk in progress; the functions below fill it in. namespace_lock is held by the caller. */
struct walk {
	struct path path; /* referenced */
	struct path root; /* of the current task; referenced */
	u32 flags;
	u32 nr_links;
	u32 depth; /* links whose rest is still to be walked */
	struct {
		const char *rest;
		char *to_free;
		struct inode *held;
	} links[MAX_LINKS];
	/* LOOKUP_PARENT */
	enum last_kind last_kind;
	const char *last;
	u32 last_length;
	bool slash_behind; /* the last component must be a directory */
};

int walk_begin(struct walk *walk, s32 dirfd, const char *name, u32 flags);
/* Follows a link that the last component turned out to be. */
int walk_follow_last(struct walk *walk, struct inode *link);
void walk_end(struct walk *walk);
/* What the last component names in walk->path, with a reference, or NULL when there is nothing.
 * Mounts are not crossed. */
int walk_last(struct walk *walk, struct dentry **result);
/* Steps down to what is mounted on a path. */
void path_cross_mounts(struct path *path);

#endif
