/* Calls that ask about files. */
#include "arch/x86_64/uaccess.h"
#include "fs/attr.h"
#include "fs/fdtable.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "syscall/path.h"
#include "syscall/syscall.h"

#define CWD ((u64)AT_FDCWD)

#define R_OK 4u
#define W_OK 2u
#define X_OK 1u

/* ---- stat ---- */

static long put_stat(u64 to, struct inode *inode)
{
	struct stat stat;

	inode_stat(inode, &stat);
	return copy_to_user((void __user *)to, &stat, sizeof(stat));
}

long sys_fstat(u64 fd, u64 to)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = put_stat(to, file->inode);
	file_put(file);
	return result;
}

/* LOOKUP_* of the flags that the stat calls know. */
static u32 stat_lookup_flags(u64 flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
	       (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

long sys_newfstatat(u64 dirfd, u64 name, u64 to, u64 flags)
{
	struct path path;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	int error = lookup_user(dirfd, name, stat_lookup_flags(flags), &path);
	if (error != 0)
		return error;
	long result = put_stat(to, path.dentry->inode);
	path_put(&path);
	return result;
}

long sys_stat(u64 name, u64 to)
{
	return sys_newfstatat(CWD, name, to, 0);
}

long sys_lstat(u64 name, u64 to)
{
	return sys_newfstatat(CWD, name, to, AT_SYMLINK_NOFOLLOW);
}

/* ---- statx ---- */

struct statx_timestamp {
	s64 sec;
	u32 nsec;
	s32 pad;
};

struct statx {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, pad;
	u64 ino, size, blocks, attributes_mask;
	struct statx_timestamp atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 mnt_id;
	u32 dio_mem_align, dio_offset_align;
	u64 spare[12];
};
static_assert(sizeof(struct statx) == 256, "ABI");

#define STATX_BASIC_STATS     0x7ffu
#define STATX_BTIME           0x800u
#define STATX_MNT_ID          0x1000u
#define STATX_RESERVED        0x80000000u
#define STATX_ATTR_MOUNT_ROOT 0x2000u

static struct statx_timestamp statx_time(u64 sec, u64 nsec)
{
	return (struct statx_timestamp){.sec = sec, .nsec = nsec};
}

static long put_statx(u64 to, const struct path *path)
{
	struct inode *inode = path->dentry->inode;
	struct stat stat;

	inode_stat(inode, &stat);
	struct statx statx = {
		.mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
		.blksize = stat.blksize,
		.nlink = stat.nlink,
		.uid = stat.uid,
		.gid = stat.gid,
		.mode = stat.mode,
		.ino = stat.ino,
		.size = stat.size,
		.blocks = stat.blocks,
		.attributes = path->dentry == path->mount->root ? STATX_ATTR_MOUNT_ROOT : 0,
		.attributes_mask = STATX_ATTR_MOUNT_ROOT,
		.atime = statx_time(stat.atime, stat.atime_ns),
		.mtime = statx_time(stat.mtime, stat.mtime_ns),
		.ctime = statx_time(stat.ctime, stat.ctime_ns),
		.btime = statx_time(inode->btime.sec, inode->btime.nsec),
		.rdev_major = MAJOR(inode->rdev),
		.rdev_minor = MINOR(inode->rdev),
		.dev_major = MAJOR(inode->sb->dev),
		.dev_minor = MINOR(inode->sb->dev),
		.mnt_id = path->mount->id,
	};

	return copy_to_user((void __user *)to, &statx, sizeof(statx));
}

long sys_statx(u64 dirfd, u64 name, u64 flags, u64 mask, u64 to)
{
	struct path path;

	if (((u32)mask & STATX_RESERVED) || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags &
	     ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	int error = lookup_user(dirfd, name, stat_lookup_flags(flags), &path);
	if (error != 0)
		return error;
	long result = put_statx(to, &path);
	path_put(&path);
	return result;
}

/* ---- statfs ---- */

static long put_statfs(u64 to, const struct path *path)
{
	struct super_block *sb = path->dentry->sb;
	struct statfs statfs = {.type = sb->magic,
				.bsize = PAGE_SIZE,
				.frsize = PAGE_SIZE,
				.namelen = NAME_MAX,
				.fsid = {encode_dev(sb->dev), 0}};

	if (sb->ops->statfs)
		sb->ops->statfs(sb, &statfs);
	statfs.flags = 0x20; /* ST_VALID */
	/* The low bits of both mean the same. */
	statfs.flags |= path->mount->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
	statfs.flags |= path->mount->flags & MS_NOATIME ? 0x400 : 0;
	statfs.flags |= path->mount->flags & MS_NODIRATIME ? 0x800 : 0;
	statfs.flags |= path->mount->flags & MS_RELATIME ? 0x1000 : 0;
	return copy_to_user((void __user *)to, &statfs, sizeof(statfs));
}

long sys_statfs(u64 name, u64 to)
{
	struct path path;
	int error = lookup_user(CWD, name, LOOKUP_FOLLOW, &path);

	if (error != 0)
		return error;
	long result = put_statfs(to, &path);
	path_put(&path);
	return result;
}

long sys_fstatfs(u64 fd, u64 to)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = put_statfs(to, &file->path);
	file_put(file);
	return result;
}

/* ---- access, readlink ---- */

long sys_faccessat2(u64 dirfd, u64 name, u64 mode, u64 flags)
{
	struct cred saved;
	struct path path;

	if ((mode & ~(u64)(R_OK | W_OK | X_OK)) ||
	    (flags & ~(u64)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS))
		cred_begin_access(&saved);
	int error = lookup_user(dirfd, name, stat_lookup_flags(flags), &path);
	if (error == 0) {
		error = do_access(&path, mode);
		path_put(&path);
	}
	if (!(flags & AT_EACCESS))
		cred_end_access(&saved);
	return error;
}

long sys_faccessat(u64 dirfd, u64 name, u64 mode)
{
	return sys_faccessat2(dirfd, name, mode, 0);
}

long sys_access(u64 name, u64 mode)
{
	return sys_faccessat2(CWD, name, mode, 0);
}

/* The text of a link that leads to a place. */
static long put_place(u64 to, u64 size, const struct path *place)
{
	struct path root;
	char *buffer = kmalloc(PATH_MAX, GFP_KERNEL);

	if (!buffer)
		return -ENOMEM;
	fs_get_root(current_fs(), &root);
	char *text = path_text(place, &root, buffer, PATH_MAX, NULL);
	path_put(&root);
	long result = -ENAMETOOLONG;
	if (text) {
		result = min(size, (u64)strlen(text));
		if (copy_to_user((void __user *)to, text, result) != 0)
			result = -EFAULT;
	}
	kfree(buffer);
	return result;
}

static long put_link(u64 to, u64 size, struct inode *inode)
{
	struct path place = {NULL, NULL};
	struct link_target target = {.jump = &place};
	int error = inode->ops->get_link(inode, &target);

	if (error != 0)
		return error;
	if (!target.text) {
		long result = put_place(to, size, &place);

		path_put(&place);
		return result;
	}
	long length = min(size, (u64)strlen(target.text));
	if (copy_to_user((void __user *)to, target.text, length) != 0)
		length = -EFAULT;
	kfree(target.to_free);
	return length;
}

long sys_readlinkat(u64 dirfd, u64 name, u64 to, u64 size)
{
	struct path path;

	if ((s32)size <= 0)
		return -EINVAL;
	int error = lookup_user(dirfd, name, LOOKUP_EMPTY, &path);
	if (error != 0)
		return error;
	struct inode *inode = path.dentry->inode;
	long result = -EINVAL;
	if (is_symlink(inode)) {
		result = put_link(to, (u32)size, inode);
		if (result >= 0)
			inode_accessed(inode);
	}
	path_put(&path);
	return result;
}

long sys_readlink(u64 name, u64 to, u64 size)
{
	return sys_readlinkat(CWD, name, to, size);
}
