/* The calls that change the tree of names. Each holds namespace_lock for writing from its walk to its
 * end, so what it checks still holds when it acts. Errors come in Linux's order. */
#include "fs/change.h"
#include "fs/fs.h"
#include "fs/namei.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"

/* A walk to the directory of a last component, with namespace_lock held for writing. */
static int begin_change(s32 dirfd, const char *name, struct walk **result)
{
	struct walk *walk = kmalloc(sizeof(*walk), GFP_KERNEL);

	if (!walk)
		return -ENOMEM;
	down_write(&namespace_lock);
	*result = walk;
	return walk_begin(walk, dirfd, name, LOOKUP_PARENT);
}

static void end_change(struct walk *walk)
{
	if (!walk)
		return;
	walk_end(walk);
	up_write(&namespace_lock);
	kfree(walk);
}

/* Other walks of the same change. */
static int begin_second(s32 dirfd, const char *name, struct walk **result)
{
	*result = kmalloc(sizeof(**result), GFP_KERNEL);
	return *result ? walk_begin(*result, dirfd, name, LOOKUP_PARENT) : -ENOMEM;
}

static void end_second(struct walk *walk)
{
	if (!walk)
		return;
	walk_end(walk);
	kfree(walk);
}

static bool is_removed(const struct dentry *dentry)
{
	return !dentry->is_hashed && dentry->parent != dentry && !(dentry->sb->flags & SB_UNHASHED);
}

int may_change_directory(const struct path *directory)
{
	if (directory->mount->flags & MS_RDONLY)
		return -EROFS;
	if (is_removed(directory->dentry))
		return -ENOENT;
	return inode_permission(directory->dentry->inode, MAY_WRITE | MAY_EXEC);
}

/* With the sticky bit only owners of the file or the directory may remove a name. */
static int may_delete(const struct path *directory, const struct dentry *victim)
{
	struct inode *dir = directory->dentry->inode;
	int error = may_change_directory(directory);

	if (error != 0)
		return error;
	if ((dir->mode & S_ISVTX) && cred_fsuid() != victim->inode->uid &&
	    cred_fsuid() != dir->uid && !cred_capable(CAP_FOWNER))
		return -EPERM;
	return 0;
}

static u32 apply_umask(u32 mode)
{
	return mode & ~READ_ONCE(current_fs()->umask);
}

/* ---- making ---- */

/* Enters a fresh inode (whose reference passes on) under the last name of the walk. */
static int link_new(struct walk *walk, struct inode *inode, struct dentry **result)
{
	struct dentry *parent = walk->path.dentry;
	struct inode *dir = parent->inode;
	struct dentry *dentry = dentry_create(parent, walk->last, walk->last_length, inode);

	if (!dentry) {
		inode_put(inode);
		return -ENOMEM;
	}
	dentry_link(dentry);
	if (is_directory(inode)) {
		inode->nlink = 2;
		inode_add_nlink(dir, 1);
	}
	if (dir->ops->name_added)
		dir->ops->name_added(dir);
	inode_touch(dir, TIME_MTIME | TIME_CTIME);
	if (result)
		*result = dentry;
	else
		dentry_put(dentry);
	return 0;
}

static int create_inode(struct walk *walk, u32 mode, u32 rdev, struct inode **inode)
{
	struct inode *dir = walk->path.dentry->inode;
	int error = may_change_directory(&walk->path);

	if (error != 0)
		return error;
	return dir->ops->create ? dir->ops->create(dir, mode, rdev, inode) : -EACCES;
}

int create_last(struct walk *walk, u32 mode, u32 rdev, struct dentry **result)
{
	struct inode *inode;
	int error = create_inode(walk, apply_umask(mode), rdev, &inode);

	return error != 0 ? error : link_new(walk, inode, result);
}

/* Whether the last component can be made: it is a name, and nothing has it. */
static int check_new(struct walk *walk, bool may_end_in_slash)
{
	struct dentry *dentry;

	if (walk->last_kind != LAST_NORMAL)
		return -EEXIST;
	int error = walk_last(walk, &dentry);
	if (error != 0)
		return error;
	if (dentry) {
		dentry_put(dentry);
		return -EEXIST;
	}
	if (!walk->path.dentry->inode->ops->create)
		return -ENOENT; /* what is not there never will be: /proc */
	if (walk->slash_behind && !may_end_in_slash)
		return -ENOENT;
	return walk->path.mount->flags & MS_RDONLY ? -EROFS : 0;
}

int do_mknod(s32 dirfd, const char *name, u32 mode, u32 rdev)
{
	struct walk *walk = NULL;
	u32 type = mode & S_IFMT;

	if (type == S_IFDIR)
		return -EPERM;
	if (type == 0)
		mode |= S_IFREG;
	else if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO &&
		 type != S_IFSOCK)
		return -EINVAL;
	int error = begin_change(dirfd, name, &walk);
	if (error == 0)
		error = check_new(walk, false);
	/* Device 0:0 does nothing; overlays mark with it what is removed. */
	if (error == 0 && (type == S_IFBLK || (type == S_IFCHR && rdev != 0)) &&
	    !cred_capable(CAP_MKNOD))
		error = -EPERM;
	if (error == 0)
		error = create_last(walk, mode & (S_IFMT | 07777), rdev, NULL);
	end_change(walk);
	return error;
}

int do_mkdir(s32 dirfd, const char *name, u32 mode)
{
	struct walk *walk = NULL;
	int error = begin_change(dirfd, name, &walk);

	if (error == 0)
		error = check_new(walk, true);
	if (error == 0)
		error = create_last(walk, S_IFDIR | (mode & 01777), 0, NULL);
	end_change(walk);
	return error;
}

int do_symlink(const char *body, s32 dirfd, const char *name)
{
	struct walk *walk = NULL;
	struct inode *inode;

	if (*body == '\0')
		return -ENOENT;
	int error = begin_change(dirfd, name, &walk);
	if (error == 0)
		error = check_new(walk, false);
	if (error == 0)
		error = create_inode(walk, S_IFLNK | 0777, 0, &inode);
	if (error == 0) {
		error = inode->ops->set_link(inode, body);
		if (error == 0)
			error = link_new(walk, inode, NULL);
		else
			inode_put(inode);
	}
	end_change(walk);
	return error;
}

/* ---- link ---- */

static int check_link(struct walk *walk, const struct path *old)
{
	struct inode *inode = old->dentry->inode, *dir = walk->path.dentry->inode;
	int error = check_new(walk, false);

	if (error != 0)
		return error;
	if (old->mount != walk->path.mount)
		return -EXDEV;
	error = may_change_directory(&walk->path);
	if (error != 0)
		return error;
	if (!dir->ops->create || is_directory(inode))
		return -EPERM;
	if (inode->nlink == 0 && !inode->is_tmpfile)
		return -ENOENT;
	return 0;
}

static int link_old(struct walk *walk, struct inode *inode)
{
	struct inode *dir = walk->path.dentry->inode;
	int error = dir->ops->add_link ? dir->ops->add_link(dir) : 0;

	if (error != 0)
		return error;
	struct dentry *dentry =
		dentry_create(walk->path.dentry, walk->last, walk->last_length, inode);
	if (!dentry) {
		if (dir->ops->drop_link)
			dir->ops->drop_link(dir);
		return -ENOMEM;
	}
	inode_get(inode);
	dentry_link(dentry);
	dentry_put(dentry);
	inode->is_tmpfile = false;
	inode_add_nlink(inode, 1);
	if (dir->ops->name_added)
		dir->ops->name_added(dir);
	inode_touch(dir, TIME_MTIME | TIME_CTIME);
	return 0;
}

int do_link(s32 old_dirfd, const char *old_name, s32 new_dirfd, const char *new_name, u32 flags)
{
	u32 how = (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
		  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct walk *walk = NULL;
	struct path old;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	/* Or who is given a descriptor could make a name that stays. */
	if ((flags & AT_EMPTY_PATH) && !cred_capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	int error = path_lookup(old_dirfd, old_name, how, &old);
	if (error != 0)
		return error;
	error = begin_change(new_dirfd, new_name, &walk);
	if (error == 0)
		error = check_link(walk, &old);
	if (error == 0)
		error = link_old(walk, old.dentry->inode);
	end_change(walk);
	path_put(&old);
	return error;
}

/* ---- removing ---- */

/* Keeps the last path of a file that is in use without a name from now on, for /proc. */
static void remember_path(const struct path *directory, struct dentry *dentry)
{
	struct path path = {directory->mount, dentry};
	char *buffer, *text, *kept;

	if (!is_regular(dentry->inode) || atomic_read(&dentry->inode->refs) == 1)
		return;
	buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	text = buffer ? path_text(&path, NULL, buffer, PATH_MAX, NULL) : NULL;
	kept = text ? kmalloc(strlen(text) + 1, GFP_KERNEL) : NULL;
	if (kept) {
		memcpy(kept, text, strlen(text) + 1);
		spin_lock(&dentry->inode->attr_lock);
		char *old = dentry->inode->deleted_path;
		dentry->inode->deleted_path = kept;
		spin_unlock(&dentry->inode->attr_lock);
		kfree(old);
	}
	kfree(buffer);
}

/* Takes a name away that may be taken away. */
static void remove_name(const struct path *directory, struct dentry *dentry)
{
	struct inode *dir = directory->dentry->inode, *inode = dentry->inode;

	if (is_directory(inode)) {
		inode_add_nlink(dir, -1);
		inode_add_nlink(inode, -2);
	} else {
		if (inode->nlink == 1)
			remember_path(directory, dentry);
		else if (dir->ops->drop_link)
			dir->ops->drop_link(dir);
		inode_add_nlink(inode, -1);
	}
	dentry_unlink(dentry);
	if (dir->ops->name_removed)
		dir->ops->name_removed(dir);
	inode_touch(dir, TIME_MTIME | TIME_CTIME);
}

static int check_directory_removal(struct dentry *dentry)
{
	if (dentry->nr_mounts > 0)
		return -EBUSY;
	return dentry_has_children(dentry) ? -ENOTEMPTY : 0;
}

static int remove_last(struct walk *walk, bool directory)
{
	struct dentry *dentry;
	int error = walk_last(walk, &dentry);

	if (error != 0)
		return error;
	if (walk->path.mount->flags & MS_RDONLY)
		error = dentry ? -EROFS : -ENOENT;
	else if (!dentry)
		error = -ENOENT;
	else if (!directory && walk->slash_behind)
		error = is_directory(dentry->inode) ? -EISDIR : -ENOTDIR;
	else
		error = may_delete(&walk->path, dentry);
	if (error == 0) {
		if (directory)
			error = is_directory(dentry->inode) ? check_directory_removal(dentry)
							    : -ENOTDIR;
		else if (is_directory(dentry->inode))
			error = -EISDIR;
		else if (dentry->nr_mounts > 0)
			error = -EBUSY;
	}
	if (error == 0 && !walk->path.dentry->inode->ops->create)
		error = -EPERM;
	if (error == 0)
		remove_name(&walk->path, dentry);
	if (dentry)
		dentry_put(dentry);
	return error;
}

int do_rmdir(s32 dirfd, const char *name)
{
	static const int errors[] = {
		[LAST_DOT] = -EINVAL, [LAST_DOTDOT] = -ENOTEMPTY, [LAST_ROOT] = -EBUSY};
	struct walk *walk = NULL;
	int error = begin_change(dirfd, name, &walk);

	if (error == 0)
		error = walk->last_kind == LAST_NORMAL ? remove_last(walk, true)
						       : errors[walk->last_kind];
	end_change(walk);
	return error;
}

int do_unlink(s32 dirfd, const char *name)
{
	struct walk *walk = NULL;
	int error = begin_change(dirfd, name, &walk);

	if (error == 0)
		error = walk->last_kind == LAST_NORMAL ? remove_last(walk, false) : -EISDIR;
	end_change(walk);
	return error;
}

/* ---- rename ---- */

struct rename {
	struct walk *from, *to;
	struct dentry *old, *new; /* new: NULL when the name is free */
	u32 flags;
};

/* Errors of what stands at both ends. */
static int check_rename(const struct rename *rename)
{
	struct dentry *old = rename->old, *new = rename->new;
	bool exchange = rename->flags & RENAME_EXCHANGE;

	if (!old)
		return -ENOENT;
	if (new && (rename->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!new &&exchange)
		return -ENOENT;
	if (exchange && rename->to->slash_behind && !is_directory(new->inode))
		return -ENOTDIR;
	if (!is_directory(old->inode) &&
	    (rename->from->slash_behind || (rename->to->slash_behind && !exchange)))
		return -ENOTDIR;
	/* Neither end may lie below the other. */
	if (dentry_is_below(rename->to->path.dentry, old))
		return -EINVAL;
	if (new &&dentry_is_below(rename->from->path.dentry, new))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int may_rename(const struct rename *rename)
{
	const struct path *from = &rename->from->path, *to = &rename->to->path;
	struct dentry *old = rename->old, *new = rename->new;
	int error = may_delete(from, old);

	if (error != 0)
		return error;
	error = new ? may_delete(to, new) : may_change_directory(to);
	if (error != 0)
		return error;
	if (!from->dentry->inode->ops->create)
		return -EPERM;
	if (new && !(rename->flags & RENAME_EXCHANGE)) {
		if (is_directory(old->inode) && !is_directory(new->inode))
			return -ENOTDIR;
		if (!is_directory(old->inode) && is_directory(new->inode))
			return -EISDIR;
	}
	/* A directory that moves changes its "..". */
	if (is_directory(old->inode) && from->dentry != to->dentry) {
		error = inode_permission(old->inode, MAY_WRITE);
		if (error != 0)
			return error;
	}
	if ((rename->flags & RENAME_EXCHANGE) && is_directory(new->inode) &&
	    from->dentry != to->dentry) {
		error = inode_permission(new->inode, MAY_WRITE);
		if (error != 0)
			return error;
	}
	if (old->nr_mounts > 0 || (new &&new->nr_mounts > 0))
		return -EBUSY;
	if (new && !(rename->flags & RENAME_EXCHANGE) && is_directory(new->inode))
		return check_directory_removal(new);
	return 0;
}

/* Links that ".." of moved directories make. */
static void move_dotdot(struct inode *from, struct inode *to, const struct dentry *moved)
{
	if (from == to || !is_directory(moved->inode))
		return;
	inode_add_nlink(from, -1);
	inode_add_nlink(to, 1);
}

static int carry_out_rename(const struct rename *rename)
{
	struct dentry *old = rename->old, *new = rename->new;
	struct inode *from = rename->from->path.dentry->inode;
	struct inode *to = rename->to->path.dentry->inode;
	int error = 0;

	if (rename->flags & RENAME_EXCHANGE) {
		move_dotdot(from, to, old);
		move_dotdot(to, from, new);
		dentry_exchange(old, new);
		inode_touch(new->inode, TIME_CTIME);
	} else {
		/* What can fail comes first; that two names are equal until the next line, nobody
		 * can see. */
		error = dentry_move(old, rename->to->path.dentry, rename->to->last,
				    rename->to->last_length);
		if (error != 0)
			return error;
		if (new)
			remove_name(&rename->to->path, new);
		move_dotdot(from, to, old);
		if (from->ops->name_removed)
			from->ops->name_removed(from);
		if (to->ops->name_added)
			to->ops->name_added(to);
	}
	inode_touch(old->inode, TIME_CTIME);
	inode_touch(from, TIME_MTIME | TIME_CTIME);
	inode_touch(to, TIME_MTIME | TIME_CTIME);
	return 0;
}

static int rename_found(struct rename *rename)
{
	int error = walk_last(rename->from, &rename->old);

	if (error == 0)
		error = walk_last(rename->to, &rename->new);
	if (error == 0)
		error = check_rename(rename);
	if (error == 0 && rename->new && rename->new->inode == rename->old->inode)
		return 0; /* two names of one file: nothing to do */
	if (error == 0)
		error = may_rename(rename);
	return error != 0 ? error : carry_out_rename(rename);
}

int do_rename(s32 old_dirfd, const char *old_name, s32 new_dirfd, const char *new_name, u32 flags)
{
	struct rename rename = {.flags = flags};

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	int error = begin_change(old_dirfd, old_name, &rename.from);
	if (error == 0)
		error = begin_second(new_dirfd, new_name, &rename.to);
	if (error == 0 && rename.from->path.mount != rename.to->path.mount)
		error = -EXDEV;
	if (error == 0 && rename.from->last_kind != LAST_NORMAL)
		error = -EBUSY;
	if (error == 0 && rename.to->last_kind != LAST_NORMAL)
		error = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (error == 0 && (rename.from->path.mount->flags & MS_RDONLY))
		error = -EROFS;
	if (error == 0)
		error = rename_found(&rename);
	if (rename.old)
		dentry_put(rename.old);
	if (rename.new)
		dentry_put(rename.new);
	end_second(rename.to);
	end_change(rename.from);
	return error;
}
