/* File systems, super blocks and mounts. */
#ifndef FS_SUPER_H
#define FS_SUPER_H

#include "fs/inode.h"

struct dentry;

/* struct statfs of the ABI. */
struct statfs {
	s64 type, bsize;
	u64 blocks, bfree, bavail, files, ffree;
	s32 fsid[2];
	s64 namelen, frsize, flags, spare[4];
};
static_assert(sizeof(struct statfs) == 120, "ABI");

/* What is asked of a whole file system. A NULL member does nothing, or gives what is in
 * brackets. */
struct super_ops {
	/* The last reference of an inode is gone: frees its content and `private`. */
	void (*evict)(struct inode *inode);
	void (*statfs)(struct super_block *sb, struct statfs *statfs);
	/* Writes back what is dirty; the seam of disk file systems. [0] */
	int (*sync)(struct super_block *sb);
	int (*remount)(struct super_block *sb, char *options); /* [0] */
	/* Appends ",name=value" to a line of /proc/mounts. */
	void (*show_options)(struct super_block *sb, char *to, size_t size);
	/* The last mount is gone and all names are: frees `private`. */
	void (*kill)(struct super_block *sb);
};

#define SB_CACHED   BIT(0) /* a dentry may go when nobody holds it: lookup() brings it back */
#define SB_UNHASHED BIT(2) /* each lookup() makes a dentry of its own */
#define SB_PSEUDO   BIT(1) /* not mounted anywhere: its dentries are called what their name says */

struct super_block {
	const struct super_ops *ops;
	const struct file_system_type *type;
	u32 dev;         /* MKDEV(0, serial number) */
	u32 flags;       /* SB_* */
	u64 magic;       /* of statfs */
	atomic_t refs;   /* inodes, and one until it is killed */
	atomic_t mounts; /* mounts that show it */
	u64 next_ino;    /* atomic */
	struct dentry *root;
	void *private;
};

struct file_system_type {
	const char *name;
	bool needs_device; /* /proc/filesystems: not "nodev" */
	/* A super block with its root. `options` may be cut up. 0 or -errno. */
	int (*mount)(const struct file_system_type *type, char *options,
		     struct super_block **result);
};

/* The one of that name, or NULL; all of them, one after the other (NULL: the first, the end). */
const struct file_system_type *file_system_find(const char *name);
const struct file_system_type *file_system_next(const struct file_system_type *type);

/* A super block without a root; NULL without memory. */
struct super_block *super_create(const struct file_system_type *type, const struct super_ops *ops);
/* Gives it a root directory: takes the reference of the inode. -ENOMEM. */
int super_set_root(struct super_block *sb, struct inode *root);
/* Frees a super block that is mounted nowhere, with all its names. namespace_lock not needed. */
void super_kill(struct super_block *sb);

void super_put(struct super_block *sb);

u64 super_next_ino(struct super_block *sb);

/* Flags of mount(2), and of a mount. */
#define MS_RDONLY      1u
#define MS_NOSUID      2u
#define MS_NODEV       4u
#define MS_NOEXEC      8u
#define MS_SYNCHRONOUS 16u
#define MS_REMOUNT     32u
#define MS_DIRSYNC     128u
#define MS_NOATIME     1024u
#define MS_NODIRATIME  2048u
#define MS_BIND        4096u
#define MS_MOVE        8192u
#define MS_REC         16384u
#define MS_SILENT      32768u
#define MS_UNBINDABLE  (1u << 17)
#define MS_PRIVATE     (1u << 18)
#define MS_SLAVE       (1u << 19)
#define MS_SHARED      (1u << 20)
#define MS_RELATIME    (1u << 21)
#define MS_STRICTATIME (1u << 24)
#define MS_OF_A_MOUNT \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME)

#define MNT_FORCE       1u
#define MNT_DETACH      2u
#define MNT_EXPIRE      4u
#define UMOUNT_NOFOLLOW 8u

/* A place in the tree of files where a super block is seen. */
struct mount {
	struct list_head
		node; /* all mounts, in order; namespace_lock, changed under dcache_lock too */
	struct mount *parent;      /* likewise; NULL for the root, and when detached */
	struct dentry *mountpoint; /* likewise, in the parent; referenced */
	struct dentry *root;       /* constant, referenced */
	struct super_block *sb;
	char *device; /* as mount(2) was told; constant */
	atomic_t refs;
	u32 flags;     /* MS_OF_A_MOUNT; atomic */
	u32 id;        /* constant */
	bool expiring; /* umount2(MNT_EXPIRE) was here, and nobody since */
};

extern struct list_head mount_list;
extern struct mount *root_mount; /* constant once booted */

static inline void mount_get(struct mount *mount)
{
	atomic_inc(&mount->refs);
}
void mount_put(struct mount *mount);

/* Mounts a new super block as the root of all; the options are cut up. Boot only. 0 or -errno. */
int mount_root(const char *type, char *options);

/* ---- mount(2) and umount2(2): 0 or -errno. Take namespace_lock ---- */

int do_mount(const char *device, const char *where, const char *type, u32 flags, char *options);
int do_umount(const char *where, u32 flags);

/* The mount on a dentry of `parent`, or NULL. namespace_lock or dcache_lock held. */
struct mount *mount_on(struct mount *parent, struct dentry *mountpoint);

/* As a line of /proc/mounts tells the flags: "rw,nosuid,relatime" and the file system's. */
void mount_options_text(const struct mount *mount, char *to, size_t size);

/* Calls ->sync() of all. */
int super_sync_all(void);

#endif
