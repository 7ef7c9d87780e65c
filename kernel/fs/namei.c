/*
 * Walking path names, component by component, with namespace_lock held for reading (or writing).
 * A link's body is walked before the rest of the name it stood in, which waits on a stack; nothing
 * recurses. Each step holds references, so a file system whose dentries come and go needs no more.
 */
#include "fs/namei.h"
#include "fs/fdtable.h"
#include "fs/fs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

struct rwsem namespace_lock = RWSEM_INIT(namespace_lock, RANK_NAMESPACE);

void path_cross_mounts(struct path *path)
{
	while (path->dentry->nr_mounts > 0) {
		struct mount *mount = mount_on(path->mount, path->dentry);

		if (!mount)
			return; /* what is mounted there is mounted in another place of it */
		struct path top = {mount, mount->root};

		path_get(&top);
		path_put(path);
		*path = top;
	}
}

static void set_path(struct path *path, const struct path *to)
{
	struct path old = *path;

	path_get(to);
	*path = *to;
	path_put(&old);
}

/* "..": stays at the task's root, leaves mounts at theirs. */
static void walk_up(struct walk *walk)
{
	struct path *path = &walk->path;

	for (;;) {
		if (path_equal(path, &walk->root))
			return;
		if (path->dentry != path->mount->root)
			break;
		if (!path->mount->parent)
			return;
		struct path mountpoint = {path->mount->parent, path->mount->mountpoint};

		set_path(path, &mountpoint);
	}
	struct path parent = {path->mount, path->dentry->parent};

	set_path(path, &parent);
	path_cross_mounts(path);
}

/* The dentry of a name in a directory, referenced, or NULL with *error = -ENOENT or worse. */
static struct dentry *lookup(struct dentry *parent, const char *name, u32 length, int *error)
{
	struct inode *dir = parent->inode, *inode;
	struct dentry *dentry = NULL;

	*error = -ENOENT;
	if (!(parent->sb->flags & SB_UNHASHED))
		dentry = dentry_find(parent, name, length);
	if (dentry || !dir->ops->lookup)
		return dentry;
	*error = dir->ops->lookup(dir, name, length, &inode);
	if (*error != 0)
		return NULL;
	dentry = dentry_create(parent, name, length, inode);
	if (!dentry) {
		inode_put(inode);
		*error = -ENOMEM;
		return NULL;
	}
	return parent->sb->flags & SB_UNHASHED ? dentry : dentry_link_or_find(dentry);
}

/* ---- links ---- */

static void pop_link(struct walk *walk)
{
	walk->depth--;
	kfree(walk->links[walk->depth].to_free);
	inode_put(walk->links[walk->depth].held);
}

/* Follows a link: *name becomes its body, what was left of the name waits. */
static int follow_link(struct walk *walk, struct inode *link, const char **name)
{
	struct path jump = {NULL, NULL};
	struct link_target target = {.jump = &jump};

	if (walk->nr_links++ >= MAX_LINKS)
		return -ELOOP;
	int error = link->ops->get_link ? link->ops->get_link(link, &target) : -EINVAL;
	if (error != 0)
		return error;
	if (!target.text) {
		path_put(&walk->path);
		walk->path = jump;
		return 0;
	}
	if (target.text[0] == '\0') {
		kfree(target.to_free);
		return -ENOENT;
	}
	inode_get(link);
	walk->links[walk->depth].rest = *name;
	walk->links[walk->depth].to_free = target.to_free;
	walk->links[walk->depth].held = link;
	walk->depth++;
	if (target.text[0] == '/')
		set_path(&walk->path, &walk->root);
	*name = target.text;
	return 0;
}

/* ---- the walk ---- */

static enum last_kind kind_of(const char *name, u32 length)
{
	if (name[0] != '.' || length > 2)
		return LAST_NORMAL;
	if (length == 1)
		return LAST_DOT;
	return name[1] == '.' ? LAST_DOTDOT : LAST_NORMAL;
}

static const char *skip_slashes(const char *name)
{
	while (*name == '/')
		name++;
	return name;
}

/* Whether nothing but slashes is left, of this text and of those that wait. */
static bool is_last(const struct walk *walk, const char *rest)
{
	if (*skip_slashes(rest))
		return false;
	for (u32 i = 0; i < walk->depth; i++)
		if (*skip_slashes(walk->links[i].rest))
			return false;
	return true;
}

static bool ends_in_slash(const struct walk *walk, const char *rest)
{
	if (*rest == '/')
		return true;
	for (u32 i = 0; i < walk->depth; i++)
		if (*walk->links[i].rest == '/')
			return true;
	return false;
}

/* Steps to the component, or follows it: then *name changes. `rest` is what stands behind it. */
static int step(struct walk *walk, const char *component, u32 length, const char **rest, bool last)
{
	struct dentry *dir = walk->path.dentry, *dentry;
	int error;

	switch (kind_of(component, length)) {
	case LAST_DOT:
		return 0;
	case LAST_DOTDOT:
		walk_up(walk);
		return 0;
	default:
		break;
	}
	dentry = lookup(dir, component, length, &error);
	if (!dentry)
		return error;
	if (is_symlink(dentry->inode) &&
	    (!last || (walk->flags & LOOKUP_FOLLOW) || ends_in_slash(walk, *rest))) {
		error = follow_link(walk, dentry->inode, rest);
		dentry_put(dentry);
		return error;
	}
	struct path next = {walk->path.mount, dentry};

	path_get(&next);
	dentry_put(dentry);
	path_put(&walk->path);
	walk->path = next;
	path_cross_mounts(&walk->path);
	return 0;
}

static int may_search(const struct walk *walk)
{
	struct inode *inode = walk->path.dentry->inode;

	if (!is_directory(inode) || walk->path.dentry->sb->flags & SB_PSEUDO)
		return -ENOTDIR;
	return inode_permission(inode, MAY_EXEC);
}

static int walk_text(struct walk *walk, const char *name)
{
	for (;;) {
		name = skip_slashes(name);
		if (*name == '\0') {
			if (walk->depth == 0)
				return 0;
			/* The memory of the body is needed no more. */
			name = walk->links[walk->depth - 1].rest;
			pop_link(walk);
			continue;
		}
		u32 length = 0;

		while (name[length] && name[length] != '/')
			length++;
		int error = may_search(walk);
		if (error != 0)
			return error;
		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		const char *component = name;
		name += length;
		bool last = is_last(walk, name);
		if (last && (walk->flags & LOOKUP_PARENT)) {
			walk->last = component;
			walk->last_length = length;
			walk->last_kind = kind_of(component, length);
			walk->slash_behind = ends_in_slash(walk, name);
			return 0;
		}
		if (last && ends_in_slash(walk, name))
			walk->slash_behind = true;
		error = step(walk, component, length, &name, last);
		if (error != 0)
			return error;
	}
}

static int start_of(s32 dirfd, const char *name, struct walk *walk)
{
	if (name[0] == '/') {
		walk->path = walk->root;
		path_get(&walk->path);
		return 0;
	}
	if (dirfd == AT_FDCWD) {
		fs_get_cwd(current_fs(), &walk->path);
		return 0;
	}
	struct file *file = fd_get(dirfd);
	if (!file)
		return -EBADF;
	int error = *name && !is_directory(file->inode) ? -ENOTDIR : 0;
	if (error == 0) {
		walk->path = file->path;
		path_get(&walk->path);
	}
	file_put(file);
	return error;
}

int walk_begin(struct walk *walk, s32 dirfd, const char *name, u32 flags)
{
	walk->flags = flags;
	walk->nr_links = walk->depth = 0;
	walk->path = (struct path){NULL, NULL};
	walk->root = (struct path){NULL, NULL};
	walk->last = "";
	walk->last_length = 0;
	walk->last_kind = LAST_ROOT;
	walk->slash_behind = false;
	if (*name == '\0' && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	fs_get_root(current_fs(), &walk->root);
	int error = start_of(dirfd, name, walk);
	return error != 0 ? error : walk_text(walk, name);
}

int walk_follow_last(struct walk *walk, struct inode *link)
{
	const char *name = "";
	int error = follow_link(walk, link, &name);

	if (error != 0)
		return error;
	walk->last_kind = LAST_ROOT;
	walk->last_length = 0;
	return walk_text(walk, name);
}

void walk_end(struct walk *walk)
{
	while (walk->depth > 0)
		pop_link(walk);
	if (walk->path.dentry)
		path_put(&walk->path);
	if (walk->root.dentry)
		path_put(&walk->root);
}

int walk_last(struct walk *walk, struct dentry **result)
{
	int error;

	*result = lookup(walk->path.dentry, walk->last, walk->last_length, &error);
	return *result || error == -ENOENT ? 0 : error;
}

static int finish_lookup(const struct walk *walk)
{
	bool must = (walk->flags & LOOKUP_DIRECTORY) || walk->slash_behind;

	return must && !is_directory(walk->path.dentry->inode) ? -ENOTDIR : 0;
}

int path_lookup(s32 dirfd, const char *name, u32 flags, struct path *result)
{
	struct walk *walk = kmalloc(sizeof(*walk), GFP_KERNEL);

	if (!walk)
		return -ENOMEM;
	down_read(&namespace_lock);
	int error = walk_begin(walk, dirfd, name, flags);
	if (error == 0)
		error = finish_lookup(walk);
	if (error == 0) {
		*result = walk->path;
		path_get(result);
	}
	walk_end(walk);
	up_read(&namespace_lock);
	kfree(walk);
	return error;
}
