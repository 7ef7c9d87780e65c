/* open(2): finds or makes the file, checks what may be done with it, and makes a struct file. */
#include "fs/open.h"
#include "fs/attr.h"
#include "fs/change.h"
#include "fs/chrdev.h"
#include "fs/fs.h"
#include "fs/pipe.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"

#define O_PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define O_ALL                                                                                  \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |  \
	 O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	 O_PATH | O_TMPFILE)

static const struct file_ops path_only_ops;

static u32 rights_asked(u32 flags)
{
	static const u32 rights[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
				     MAY_READ | MAY_WRITE};

	return rights[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

/* ---- may it be opened ---- */

static int check_type(const struct path *path, u32 *flags)
{
	const struct inode *inode = path->dentry->inode;

	switch (inode_type(inode)) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		return rights_asked(*flags) & MAY_WRITE ? -EISDIR : 0;
	case S_IFBLK:
	case S_IFCHR:
		if (path->mount->flags & MS_NODEV)
			return -EACCES;
		*flags &= ~O_TRUNC;
		return 0;
	case S_IFIFO:
	case S_IFSOCK:
		*flags &= ~O_TRUNC;
		return 0;
	default:
		return 0;
	}
}

static int may_open(const struct path *path, u32 *flags)
{
	struct inode *inode = path->dentry->inode;
	u32 rights = rights_asked(*flags);
	int error = check_type(path, flags);

	if (error != 0)
		return error;
	if ((rights & MAY_WRITE) && (path->mount->flags & MS_RDONLY) &&
	    (is_regular(inode) || is_directory(inode)))
		return -EROFS;
	error = inode_permission(inode, rights);
	if (error != 0)
		return error;
	return (*flags & O_NOATIME) && !inode_is_owner(inode) ? -EPERM : 0;
}

/* ---- making the file ---- */

static const struct file_ops *ops_of(const struct inode *inode)
{
	switch (inode_type(inode)) {
	case S_IFCHR:
		return chrdev_find(inode->rdev);
	case S_IFIFO:
		return &fifo_ops;
	case S_IFBLK:
	case S_IFSOCK:
		return NULL;
	default:
		return inode->file_ops;
	}
}

static struct file *make_file(const struct path *path, const struct file_ops *ops, u32 flags)
{
	struct file *file = file_create(ops, path->dentry->inode, flags);

	if (!file)
		return NULL;
	file->path = *path;
	path_get(path);
	return file;
}

static int open_only_path(const struct path *path, u32 flags, struct file **result)
{
	*result = make_file(path, &path_only_ops, flags & O_PATH_FLAGS);
	if (!*result)
		return -ENOMEM;
	(*result)->mode = FMODE_PATH;
	return 0;
}

/* Opens what may be opened. */
static int open_checked(const struct path *path, u32 flags, struct file **result)
{
	struct inode *inode = path->dentry->inode;
	const struct file_ops *ops = ops_of(inode);

	if (!ops)
		return -ENXIO;
	struct file *file = make_file(path, ops, flags);
	if (!file)
		return -ENOMEM;
	int error = 0;
	if (is_regular(inode) && (file->mode & FMODE_WRITE)) {
		error = inode_get_write(inode);
		if (error == 0)
			file->mode |= FMODE_WRITER;
	}
	if (error == 0 && ops->open)
		error = ops->open(inode, file);
	if (error == 0)
		file->mode |= FMODE_OPENED;
	file->flags &= ~O_NOCTTY; /* only terminals look at it, and only now */
	if (error == 0 && (flags & O_DIRECT) && !(file->mode & FMODE_DIRECT))
		error = -EINVAL;
	if (error == 0 && (flags & O_TRUNC))
		error = truncate_inode(inode, 0);
	if (error != 0) {
		file_put(file);
		return error;
	}
	*result = file;
	return 0;
}

int open_path(const struct path *path, u32 flags, enum open_how how, struct file **result)
{
	struct inode *inode = path->dentry->inode;
	int error = 0;

	if ((flags & O_DIRECTORY) && !is_directory(inode))
		return -ENOTDIR;
	if (flags & O_PATH)
		return open_only_path(path, flags, result);
	if (how == OPEN_CREATED)
		flags &= ~O_TRUNC;
	else
		error = may_open(path, &flags);
	return error != 0 ? error : open_checked(path, flags, result);
}

/* ---- finding the file ---- */

/* The last component of a walk: what is there, or a new file. namespace_lock held for writing. */
static int find_or_create(struct walk *walk, u32 flags, u32 mode, struct path *result,
			  enum open_how *how)
{
	struct dentry *dentry;

	*how = OPEN_EXISTING;
	for (;;) {
		if (walk->last_kind != LAST_NORMAL) {
			if (is_directory(walk->path.dentry->inode))
				return -EISDIR;
			*result = walk->path; /* a link of /proc led to it */
			path_get(result);
			return 0;
		}
		if (walk->slash_behind)
			return -EISDIR;
		int error = walk_last(walk, &dentry);
		if (error != 0)
			return error;
		if (!dentry && !walk->path.dentry->inode->ops->create)
			return -ENOENT;
		if (!dentry) {
			*how = OPEN_CREATED;
			error = create_last(walk, S_IFREG | (mode & 07777), 0, &dentry);
			if (error != 0)
				return error;
			break;
		}
		if (flags & O_EXCL) {
			dentry_put(dentry);
			return -EEXIST;
		}
		if (!is_symlink(dentry->inode) || (flags & O_NOFOLLOW))
			break;
		error = walk_follow_last(walk, dentry->inode);
		dentry_put(dentry);
		if (error != 0)
			return error;
	}
	*result = (struct path){walk->path.mount, dentry};
	path_get(result);
	dentry_put(dentry);
	path_cross_mounts(result);
	return *how == OPEN_EXISTING && is_directory(result->dentry->inode) ? -EISDIR : 0;
}

static int open_create(s32 dirfd, const char *name, u32 flags, u32 mode, struct file **result)
{
	struct walk *walk = kmalloc(sizeof(*walk), GFP_KERNEL);
	struct path path = {NULL, NULL};
	enum open_how how;

	if (!walk)
		return -ENOMEM;
	down_write(&namespace_lock);
	int error = walk_begin(walk, dirfd, name, LOOKUP_PARENT);
	if (error == 0)
		error = find_or_create(walk, flags, mode, &path, &how);
	walk_end(walk);
	up_write(&namespace_lock);
	kfree(walk);
	if (error == 0)
		error = open_path(&path, flags, how, result);
	if (path.dentry)
		path_put(&path);
	return error;
}

/* O_TMPFILE: a file without a name in a directory. */
static int open_tmpfile(s32 dirfd, const char *name, u32 flags, u32 mode, struct file **result)
{
	struct path dir, path;
	struct inode *inode;
	char text[24];

	int error = path_lookup(dirfd, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir);
	if (error != 0)
		return error;
	struct inode *parent = dir.dentry->inode;
	mode = S_IFREG | (mode & 07777 & ~READ_ONCE(current_fs()->umask));
	down_read(&namespace_lock);
	error = may_change_directory(&dir);
	if (error == 0)
		error = parent->ops->create ? parent->ops->create(parent, mode, 0, &inode)
					    : -EOPNOTSUPP;
	up_read(&namespace_lock);
	if (error != 0)
		goto out;
	inode->nlink = 0;
	inode->is_tmpfile = !(flags & O_EXCL);
	u32 length = snprintf(text, sizeof(text), "#%lu", inode->ino);
	path = (struct path){dir.mount, dentry_create(dir.dentry, text, length, inode)};
	if (path.dentry) {
		error = open_path(&path, flags & ~(O_DIRECTORY | O_CREAT | O_EXCL), OPEN_CREATED,
				  result);
		dentry_put(path.dentry);
	} else {
		inode_put(inode);
		error = -ENOMEM;
	}
out:
	path_put(&dir);
	return error;
}

int do_open(s32 dirfd, const char *name, u32 flags, u32 mode, struct file **result)
{
	struct path path;

	flags &= O_ALL;
	if (flags & O_PATH)
		flags &= O_PATH_FLAGS;
	if (flags & (O_TMPFILE & ~O_DIRECTORY)) {
		if ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_CREAT) ||
		    (flags & O_ACCMODE) == O_RDONLY)
			return -EINVAL;
		return open_tmpfile(dirfd, name, flags, mode, result);
	}
	if (flags & O_CREAT)
		return open_create(dirfd, name, flags, mode, result);
	int error = path_lookup(dirfd, name,
				(flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
					(flags & O_DIRECTORY ? LOOKUP_DIRECTORY : 0),
				&path);
	if (error != 0)
		return error;
	error = open_path(&path, flags, OPEN_EXISTING, result);
	path_put(&path);
	return error;
}
