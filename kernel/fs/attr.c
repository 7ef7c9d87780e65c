/* Changes of attributes: who may make them, and what else changes with them. */
#include "fs/attr.h"
#include "fs/regular.h"
#include "lib/errno.h"
#include "proc/cred.h"
#include "proc/limits.h"

/* ---- size ---- */

int truncate_inode(struct inode *inode, u64 size)
{
	if (is_directory(inode))
		return -EISDIR;
	if (!inode->ops->truncate)
		return -EINVAL;
	down_write(&inode->lock);
	int error = is_regular(inode) && size > inode->mapping.size ? limit_file_size(size) : 0;
	if (error == 0)
		error = inode->ops->truncate(inode, size);
	if (error == 0) {
		inode_drop_setid(inode);
		inode_touch(inode, TIME_MTIME | TIME_CTIME);
	}
	up_write(&inode->lock);
	return error;
}

int do_truncate(const struct path *path, s64 size)
{
	struct inode *inode = path->dentry->inode;

	if (is_directory(inode))
		return -EISDIR;
	if (!is_regular(inode))
		return -EINVAL;
	if (path->mount->flags & MS_RDONLY)
		return -EROFS;
	int error = inode_permission(inode, MAY_WRITE);
	if (error == 0)
		error = inode_get_write(inode);
	if (error != 0)
		return error;
	error = truncate_inode(inode, size);
	inode_put_write(inode);
	return error;
}

int do_ftruncate(struct file *file, s64 size)
{
	if (!is_regular(file->inode) || !(file->mode & FMODE_WRITE))
		return -EINVAL;
	return truncate_inode(file->inode, size);
}

static int fallocate_locked(struct inode *inode, u32 mode, u64 offset, u64 length)
{
	struct address_space *mapping = &inode->mapping;

	if (mode & FALLOC_FL_PUNCH_HOLE)
		return mapping_write_is_sealed(mapping)
			       ? -EPERM
			       : mapping_punch_hole(mapping, offset, length);
	int error = offset + length > mapping->size ? limit_file_size(offset + length) : 0;
	if (error != 0)
		return error;
	if ((mapping->seals & F_SEAL_GROW) && offset + length > mapping->size)
		return -EPERM;
	error = mapping_fallocate(mapping, offset, length);
	if (error == 0 && !(mode & FALLOC_FL_KEEP_SIZE) && offset + length > mapping->size)
		WRITE_ONCE(mapping->size, offset + length);
	return error;
}

int do_fallocate(struct file *file, u32 mode, s64 offset, s64 length)
{
	struct inode *inode = file->inode;

	if (offset < 0 || length <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!(file->mode & FMODE_WRITE))
		return -EBADF;
	if (inode_type(inode) == S_IFIFO)
		return -ESPIPE;
	if (is_directory(inode))
		return -EISDIR;
	if (!is_regular(inode))
		return -ENODEV;
	if (offset > MAPPING_MAX_SIZE - length)
		return -EFBIG;
	if (file->ops != &regular_ops)
		return -EOPNOTSUPP;
	down_write(&inode->lock);
	int error = fallocate_locked(inode, mode, offset, length);
	if (error == 0)
		inode_touch(inode, TIME_CTIME | TIME_MTIME);
	up_write(&inode->lock);
	return error;
}

/* ---- mode, owner ---- */

int do_chmod(const struct path *path, u32 mode)
{
	struct inode *inode = path->dentry->inode;

	if (path->mount->flags & MS_RDONLY)
		return -EROFS;
	if (!inode_is_owner(inode))
		return -EPERM;
	if (is_symlink(inode))
		return -EOPNOTSUPP;
	mode &= 07777;
	if (!cred_in_group(READ_ONCE(inode->gid)) && !cred_capable(CAP_FSETID))
		mode &= ~S_ISGID;
	spin_lock(&inode->attr_lock);
	inode->mode = (inode->mode & S_IFMT) | mode;
	spin_unlock(&inode->attr_lock);
	inode_touch(inode, TIME_CTIME);
	return 0;
}

static bool may_chown(const struct inode *inode, u32 uid, u32 gid)
{
	bool owns = cred_fsuid() == inode->uid;

	if (cred_capable(CAP_CHOWN))
		return true;
	if (uid != (u32)-1 && !(owns && uid == inode->uid))
		return false;
	return gid == (u32)-1 || (owns && (cred_in_group(gid) || gid == inode->gid));
}

int do_chown(const struct path *path, u32 uid, u32 gid)
{
	struct inode *inode = path->dentry->inode;

	if (path->mount->flags & MS_RDONLY)
		return -EROFS;
	if (!may_chown(inode, uid, gid))
		return -EPERM;
	spin_lock(&inode->attr_lock);
	if (uid != (u32)-1)
		inode->uid = uid;
	if (gid != (u32)-1)
		inode->gid = gid;
	if (!is_directory(inode)) {
		inode->mode &= ~S_ISUID;
		if (inode->mode & 0010)
			inode->mode &= ~S_ISGID;
	}
	spin_unlock(&inode->attr_lock);
	inode_touch(inode, TIME_CTIME);
	return 0;
}

/* ---- times ---- */

static void set_time(struct timestamp *to, const struct timestamp *asked, struct timestamp now)
{
	if (!asked || asked->nsec == UTIME_NOW)
		*to = now;
	else if (asked->nsec != UTIME_OMIT)
		*to = *asked;
}

static bool is_set_to_now(const struct timestamp times[2])
{
	return !times || (times[0].nsec == UTIME_NOW && times[1].nsec == UTIME_NOW);
}

int do_utimes(const struct path *path, const struct timestamp times[2])
{
	struct inode *inode = path->dentry->inode;
	struct timestamp now = timestamp_now();

	if (times && times[0].nsec == UTIME_OMIT && times[1].nsec == UTIME_OMIT)
		return 0;
	if (path->mount->flags & MS_RDONLY)
		return -EROFS;
	if (!inode_is_owner(inode)) {
		if (!is_set_to_now(times))
			return -EPERM;
		int error = inode_permission(inode, MAY_WRITE);
		if (error != 0)
			return error;
	}
	spin_lock(&inode->attr_lock);
	set_time(&inode->atime, times ? &times[0] : NULL, now);
	set_time(&inode->mtime, times ? &times[1] : NULL, now);
	inode->ctime = now;
	spin_unlock(&inode->attr_lock);
	return 0;
}

/* ---- access ---- */

int do_access(const struct path *path, u32 mode)
{
	struct inode *inode = path->dentry->inode;

	if ((mode & MAY_EXEC) && is_regular(inode) && (path->mount->flags & MS_NOEXEC))
		return -EACCES;
	int error = inode_permission(inode, mode);
	if (error != 0 || !(mode & MAY_WRITE))
		return error;
	bool is_special = !is_regular(inode) && !is_directory(inode) && !is_symlink(inode);

	return !is_special && (path->mount->flags & MS_RDONLY) ? -EROFS : 0;
}
