/*
 * struct inode: a file, directory, link or device, whatever names lead to it. It lives as long as
 * somebody holds a reference: a name of it (dentry), an open file, a mapping.
 *
 * Who may read and write: [N] namespace_lock (namei.h), [I] inode->lock, [A] inode->attr_lock,
 * [C] constant once created.
 */
#ifndef FS_INODE_H
#define FS_INODE_H

#include "fs/file.h"
#include "mm/address_space.h"

struct dentry;
struct inode;
struct path;
struct super_block;
struct dir_context;

struct timestamp {
	s64 sec;
	u32 nsec;
};

/* What a symbolic link leads to: a text to walk, or (a link of /proc) the place itself. */
struct link_target {
	const char *text;  /* valid while the inode is held, or until `to_free` is freed */
	char *to_free;     /* kfree() it; may be NULL */
	struct path *jump; /* filled in with references when text is NULL */
};

/*
 * What file systems differ in. `dir` is a directory. Called with namespace_lock held, for writing
 * if they change the tree; attributes of `dir` other than the tree's are the caller's work.
 * All may sleep. A NULL member gives the errno in brackets.
 */
struct inode_ops {
	/* The inode of a name in a directory, referenced. A file system whose names are all in
	 * dentries has none. [-ENOENT] */
	int (*lookup)(struct inode *dir, const char *name, u32 length, struct inode **result);
	/* A new inode with one reference that the caller gives a name. `mode` has S_IF*.
	 * [-EPERM] */
	int (*create)(struct inode *dir, u32 mode, u32 rdev, struct inode **result);
	/* Sets the body of a link that create() made. */
	int (*set_link)(struct inode *inode, const char *body);
	int (*get_link)(struct inode *inode, struct link_target *target); /* [-EINVAL] */
	/* A directory has one name more, or less. [nothing] */
	void (*name_added)(struct inode *dir);
	void (*name_removed)(struct inode *dir);
	/* A second name for a file is about to be made, or is gone: room for it. [0] */
	int (*add_link)(struct inode *dir);
	void (*drop_link)(struct inode *dir);
	/* Size of the content; inode->lock held for writing. [-EINVAL] */
	int (*truncate)(struct inode *inode, u64 size);
	/* May refresh attributes that are computed. [nothing] */
	void (*getattr)(struct inode *inode, struct stat *stat);
	/* Overrides the check of the permission bits. [by the bits] */
	int (*permission)(struct inode *inode, u32 mask);
	/* Calls dir_emit() from context->pos on; namespace_lock held for reading. [by dentries] */
	int (*iterate)(struct inode *dir, struct dir_context *context);
};

struct inode {
	const struct inode_ops *ops;     /* [C] */
	const struct file_ops *file_ops; /* [C] of a file opened from it */
	struct super_block *sb;          /* [C] */
	u64 ino;                         /* [C] */
	atomic_t refs;
	u32 mode, uid, gid;                          /* [A] */
	u32 nlink;                                   /* [N] for writing, and [A] */
	u32 rdev;                                    /* [C] a device: MKDEV() */
	struct timestamp atime, mtime, ctime, btime; /* [A] */
	/* Open for writing, or if negative, being executed. */
	s32 writers;                     /* [A] */
	spinlock_t attr_lock;            /* RANK_INODE_ATTR */
	bool is_tmpfile;                 /* [N] O_TMPFILE: may get its first name by linkat */
	struct rwsem lock;               /* RANK_INODE: size and content, for writing */
	struct address_space mapping;    /* content of a regular file */
	struct list_head dentries;       /* its names; dcache_lock */
	u64 next_cookie;                 /* directory: of the next name; dcache_lock */
	u64 nr_names;                    /* directory: the file system's count of them; [N] */
	struct pipe *pipe;               /* [A] of a FIFO or pipe while it is open */
	struct file_lock_context *locks; /* [A] once set, constant; its own lock inside */
	char *deleted_path;              /* [A] last name, when that went while it was in use */
	void *private;                   /* the file system's */
};

#define MKDEV(major, minor) ((u32)(major) << 20 | (minor))
#define MAJOR(dev)          ((dev) >> 20)
#define MINOR(dev)          ((dev)&0xfffffu)

/* As st_rdev has it, and mknod takes it. */
static inline u64 encode_dev(u32 dev)
{
	u64 major = MAJOR(dev), minor = MINOR(dev);

	return (minor & 0xff) | major << 8 | (minor & ~0xfful) << 12;
}
static inline u32 decode_dev(u64 dev)
{
	return MKDEV((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

static inline u32 inode_type(const struct inode *inode)
{
	return inode->mode & S_IFMT; /* the type never changes */
}
static inline bool is_directory(const struct inode *inode)
{
	return inode_type(inode) == S_IFDIR;
}
static inline bool is_regular(const struct inode *inode)
{
	return inode_type(inode) == S_IFREG;
}
static inline bool is_symlink(const struct inode *inode)
{
	return inode_type(inode) == S_IFLNK;
}

/* An inode with one reference, all times now, owned by the current task; counts in the super block.
 * NULL without memory. */
struct inode *inode_create(struct super_block *sb, u32 mode);
/* Owner, group and mode of a new file in `dir`: its set-group-id bit is inherited. */
void inode_init_owner(struct inode *inode, const struct inode *dir);

static inline void inode_get(struct inode *inode)
{
	atomic_inc(&inode->refs);
}
/* The last reference frees it. No spinlock held; may be called under mmap_lock. */
void inode_put(struct inode *inode);

/* The clock of file times. */
struct timestamp timestamp_now(void);

/* Which times become now. */
#define TIME_ATIME BIT(0)
#define TIME_MTIME BIT(1)
#define TIME_CTIME BIT(2)
void inode_touch(struct inode *inode, u32 which);
/* A file was read: atime by the rules of relatime. */
void inode_accessed(struct inode *inode);

/* Adds to the count of links. namespace_lock held for writing. */
void inode_add_nlink(struct inode *inode, s32 n);

/* 0, or -ETXTBSY while it is executed. Each must be given back. */
int inode_get_write(struct inode *inode);
void inode_put_write(struct inode *inode);
/* 0, or -ETXTBSY while it is open for writing. */
int inode_deny_write(struct inode *inode);
void inode_allow_write(struct inode *inode);

#define MAY_EXEC  1u
#define MAY_WRITE 2u
#define MAY_READ  4u
/* Whether the current task may do all of that: 0 or -EACCES. */
int inode_permission(struct inode *inode, u32 mask);
/* The same by the permission bits, for inode_ops.permission. */
int inode_check_mode(struct inode *inode, u32 mask);
/* Whether the current task owns it, or may act as if. */
bool inode_is_owner(const struct inode *inode);
/* Set-user-id and set-group-id go when somebody writes who has not CAP_FSETID. */
void inode_drop_setid(struct inode *inode);

void inode_stat(struct inode *inode, struct stat *stat);

#endif
