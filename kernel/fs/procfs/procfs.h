/*
 * procfs, and sysfs, which is made the same way: a tree of nodes, some fixed in tables, some looked
 * up (processes, descriptors), whose files are generated when they are read.
 *
 * A file's text is made as a whole at the first read and whenever it is read from its beginning.
 */
#ifndef FS_PROCFS_PROCFS_H
#define FS_PROCFS_PROCFS_H

#include "fs/procfs/text.h"
#include "fs/super.h"

struct proc_inode;
struct task;

struct proc_node {
	const char *name;
	u32 mode;        /* S_IF* and rights */
	bool is_private; /* for who may look into the task (cred_may_inspect()), whatever the rights */
	const struct proc_node *children; /* directory: a table that ends with a NULL name */
	int (*show)(struct text *text, const struct proc_inode *proc);
	/* A whole write: `data` is terminated. 0 or -errno. */
	int (*write)(const struct proc_inode *proc, char *data);
	/* Instead of show: binary content at a position. */
	long (*read)(const struct proc_inode *proc, void __user *to, size_t size, u64 *pos);
	int (*get_link)(const struct proc_inode *proc, struct link_target *target);
	/* Directories whose names are not (only) in `children`: found after those. */
	int (*lookup)(const struct proc_inode *dir, const char *name, u32 length,
		      struct inode **result);
	/* Lists them: the first whose number is at least *number, which becomes its; its name in
	 * `name` (PROC_NAME_LEN). False when there is none. */
	bool (*next)(const struct proc_inode *dir, u64 *number, char *name);
	u32 next_mode; /* S_IF* of these */
	u32 link_size; /* what stat tells of a link */
};

#define PROC_NAME_LEN 24

/* inode->private */
struct proc_inode {
	const struct proc_node *node;
	struct task *task; /* whom it tells of, referenced; or NULL */
	u64 number;        /* a descriptor, or what the directory's node says */
};

extern const struct file_system_type procfs_type;
extern const struct file_system_type sysfs_type;

extern const struct proc_node proc_root;

/* For lookups: an inode of a node below `dir`, telling of `task` (NULL: nobody; gets a reference of
 * its own). -ENOMEM. */
int proc_inode_create(struct super_block *sb, const struct proc_node *node, u64 ino,
		      struct task *task, u64 number, struct inode **result);
/* The super block of a directory that lookup() got. */
struct super_block *proc_sb(const struct proc_inode *proc);
u64 proc_ino(const struct proc_inode *dir, const char *name, u32 length);

/* A decimal number that is the whole of a name; false when it is none. */
bool proc_parse_number(const char *name, u32 length, u64 *number);
/* What a write to a file with a number means: 0 or -EINVAL. */
int proc_parse_u64(const char *data, u64 *number);

#endif
