/*
 * struct dentry: a name in a directory. The names of tmpfs are its directories: a linked dentry
 * holds a reference on itself. Others exist while somebody holds them.
 *
 * dcache_lock (RANK_DCACHE) guards names, parents, the hash table and the lists of children;
 * what changes the tree holds namespace_lock for writing as well, so either suffices to read.
 */
#ifndef FS_DENTRY_H
#define FS_DENTRY_H

#include "fs/super.h"

#define NAME_MAX        255
#define PATH_MAX        4096
#define DENTRY_NAME_LEN 32 /* names that need no memory of their own */

struct dentry {
	atomic_t refs;
	u32 hash;
	bool is_hashed;        /* can be found; else it was removed, or never had a name */
	u32 nr_mounts;         /* mounts on it; namespace_lock */
	struct dentry *parent; /* referenced; itself for a root */
	struct inode *inode;   /* referenced; constant */
	struct super_block *sb;
	char *name; /* `text`, or memory of its own */
	u32 length;
	u64 cookie; /* its place in the directory */
	struct list_head hash_node;
	struct list_head sibling; /* in the parent's children: newest first */
	struct list_head children;
	struct list_head alias; /* in the inode's dentries */
	char text[DENTRY_NAME_LEN];
};

extern spinlock_t dcache_lock;

void dentry_init(void);

/* A dentry for `inode` (whose reference passes to it) below `parent`, not linked; one reference.
 * NULL without memory: the reference of the inode is still the caller's. `parent` NULL: a root. */
struct dentry *dentry_create(struct dentry *parent, const char *name, u32 length,
			     struct inode *inode);
static inline void dentry_get(struct dentry *dentry)
{
	atomic_inc(&dentry->refs);
}
/* May free it, and its parents if nobody else holds them. No spinlock held. */
void dentry_put(struct dentry *dentry);

/* Enters it in its directory; for good (with a reference) unless the super block is SB_CACHED.
 * namespace_lock held for writing, or SB_CACHED. */
void dentry_link(struct dentry *dentry);
/* Takes it out, and drops that reference. namespace_lock held for writing. */
void dentry_unlink(struct dentry *dentry);
/* Moves a linked dentry to another directory or name; `name` is NAME_MAX at most. -ENOMEM.
 * namespace_lock held for writing. */
int dentry_move(struct dentry *dentry, struct dentry *parent, const char *name, u32 length);
/* Two linked dentries take each other's place. */
void dentry_exchange(struct dentry *a, struct dentry *b);

/* The linked dentry of a name, referenced, or NULL. */
struct dentry *dentry_find(struct dentry *parent, const char *name, u32 length);
/* As dentry_link() for one of an SB_CACHED file system, unless another task was faster: then
 * that one, and `dentry` is put. */
struct dentry *dentry_link_or_find(struct dentry *dentry);

bool dentry_has_children(struct dentry *dentry);
/* Whether `dentry` is `ancestor` or lies below it, in one file system. */
bool dentry_is_below(const struct dentry *dentry, const struct dentry *ancestor);

static inline void path_get(const struct path *path)
{
	mount_get(path->mount);
	dentry_get(path->dentry);
}
static inline void path_put(const struct path *path)
{
	dentry_put(path->dentry);
	mount_put(path->mount);
}
static inline bool path_equal(const struct path *a, const struct path *b)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

/* The text of a path as seen from `root`, at the end of `buffer`; NULL when it does not fit.
 * Appends " (deleted)". *reachable tells whether it lies below root; may be NULL. Spins only. */
char *path_text(const struct path *path, const struct path *root, char *buffer, size_t size,
		bool *reachable);

/* One of the paths that lead to an inode, as path_text(); when it has no name any more, its last one with
 * " (deleted)" behind it. NULL when nothing is known of it. May be called under mmap_lock. */
char *inode_path_text(struct inode *inode, char *buffer, size_t size);

#endif
