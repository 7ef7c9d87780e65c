/* swapon and swapoff. */
#include "cpu/rwsem.h"
#include "fs/blkdev.h"
#include "fs/namei.h"
#include "fs/open.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "proc/cred.h"
#include "syscall/syscall.h"

/* Priority, and discarding of freed slots: with one area there is nothing to choose, and the disk has no
 * use for it. */
#define SWAP_FLAGS_VALID 0x1ffffu

/* One call at a time. */
static struct rwsem swapon_lock = RWSEM_INIT(swapon_lock, RANK_SWAPON);

/* The disk that a path names. */
static int disk_of(u64 user_path, struct backing **disk)
{
	struct path path;
	struct inode *inode;
	char *text;
	int error = copy_path(user_path, &text);

	if (error)
		return error;
	error = path_lookup(AT_FDCWD, text, LOOKUP_FOLLOW, &path);
	kfree(text);
	if (error)
		return error;
	inode = path.dentry->inode;
	*disk = inode_type(inode) == S_IFBLK ? blkdev_find(inode->rdev) : NULL;
	if (is_directory(inode))
		error = -EISDIR;
	else if (inode_type(inode) == S_IFBLK && !*disk)
		error = -ENXIO;
	path_put(&path);
	return error;
}

static long change(u64 user_path, int (*call)(struct backing *disk))
{
	struct backing *disk;
	long error = disk_of(user_path, &disk);

	if (error)
		return error;
	error = down_write_killable(&swapon_lock);
	if (error)
		return error;
	error = call(disk);
	up_write(&swapon_lock);
	return error;
}

long sys_swapon(u64 user_path, u64 flags)
{
	if ((u32)flags & ~SWAP_FLAGS_VALID)
		return -EINVAL;
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	return change(user_path, swap_on);
}

long sys_swapoff(u64 user_path)
{
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	return change(user_path, swap_off);
}
