/*
 * Mounts. They form one tree for all tasks, in one list; with a handful of them a walk along the
 * list finds the one on a directory, and only directories that have one (nr_mounts) look.
 *
 * A mount in the tree holds a reference on itself, on its root and on its mountpoint. Whoever stands
 * in it, or has a file of it open, holds one more; so does each mount on it.
 */
#include "cpu/panic.h"
#include "fs/fs.h"
#include "fs/namei.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"

LIST_HEAD(mount_list);
struct mount *root_mount;

static u32 last_mount_id = 20; /* namespace_lock; Linux's begin above that too */

static void free_mount(struct mount *mount)
{
	struct super_block *sb = mount->sb;

	dentry_put(mount->root);
	kfree(mount->device);
	kfree(mount);
	if (atomic_dec_return(&sb->mounts) == 0)
		super_kill(sb);
}

void mount_put(struct mount *mount)
{
	if (atomic_dec_return(&mount->refs) == 0)
		free_mount(mount);
}

static char *copy_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = kmalloc(size, GFP_KERNEL);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* A mount of what lies at and below `root`, in no tree; NULL without memory. */
static struct mount *create_mount(struct dentry *root, const char *device, u32 flags)
{
	struct mount *mount = kmalloc(sizeof(*mount), GFP_ZERO);
	char *name = mount ? copy_text(device) : NULL;

	if (!name) {
		kfree(mount);
		return NULL;
	}
	mount->device = name;
	mount->sb = root->sb;
	mount->root = root;
	dentry_get(root);
	atomic_inc(&mount->sb->mounts);
	atomic_set(&mount->refs, 1);
	mount->flags = flags & MS_OF_A_MOUNT;
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		mount->flags |= MS_RELATIME;
	list_init(&mount->node);
	return mount;
}

/* Takes over the caller's reference of the mount. namespace_lock held for writing. */
static void attach(struct mount *mount, const struct path *where)
{
	if (where) {
		path_get(where);
		where->dentry->nr_mounts++;
	}
	mount->id = ++last_mount_id;
	spin_lock(&dcache_lock);
	mount->parent = where ? where->mount : NULL;
	mount->mountpoint = where ? where->dentry : NULL;
	list_add_tail(&mount->node, &mount_list);
	spin_unlock(&dcache_lock);
}

/* The tree's reference of the mount, and its parent's path, are the caller's then.
 * namespace_lock held for writing. */
static struct path detach(struct mount *mount)
{
	struct path where = {mount->parent, mount->mountpoint};

	where.dentry->nr_mounts--;
	spin_lock(&dcache_lock);
	mount->parent = NULL;
	mount->mountpoint = NULL;
	list_del(&mount->node);
	spin_unlock(&dcache_lock);
	return where;
}

struct mount *mount_on(struct mount *parent, struct dentry *mountpoint)
{
	struct mount *mount;

	list_for_each_entry_reverse (mount, &mount_list, node)
		if (mount->parent == parent && mount->mountpoint == mountpoint)
			return mount;
	return NULL;
}

int mount_root(const char *type, char *options)
{
	const struct file_system_type *fs = file_system_find(type);
	struct super_block *sb;
	int error = fs->mount(fs, options, &sb);

	if (error != 0)
		return error;
	root_mount = create_mount(sb->root, "rootfs", 0);
	if (!root_mount)
		return -ENOMEM;
	down_write(&namespace_lock);
	attach(root_mount, NULL);
	up_write(&namespace_lock);
	return 0;
}

/* ---- mount(2) ---- */

/* A new mount of a file system, or of what `device` names. */
static int make_mount(const char *device, const char *type, u32 flags, char *options,
		      struct mount **result)
{
	const struct file_system_type *fs = type ? file_system_find(type) : NULL;
	struct super_block *sb;

	if (!type)
		return -EINVAL;
	if (!fs)
		return -ENODEV;
	int error = fs->mount(fs, options, &sb);
	if (error != 0)
		return error;
	*result = create_mount(sb->root, device ? device : "none", flags);
	if (*result)
		return 0;
	if (atomic_read(&sb->mounts) == 0)
		super_kill(sb);
	return -ENOMEM;
}

static int make_bind(const char *device, struct mount **result)
{
	struct path source;

	if (!device || !*device)
		return -EINVAL;
	int error = path_lookup(AT_FDCWD, device, LOOKUP_FOLLOW, &source);
	if (error != 0)
		return error;
	*result = create_mount(source.dentry, source.mount->device, source.mount->flags);
	path_put(&source);
	return *result ? 0 : -ENOMEM;
}

/* Consumes the reference of the mount on success. */
static int attach_at(struct mount *mount, struct path *where)
{
	int error = 0;

	down_write(&namespace_lock);
	path_cross_mounts(where);
	if (is_directory(where->dentry->inode) != is_directory(mount->root->inode))
		error = -ENOTDIR;
	else if (!where->dentry->is_hashed && where->dentry != where->mount->root)
		error = -ENOENT;
	else if (where->dentry == where->mount->root && where->mount->sb == mount->sb &&
		 where->mount->root == mount->root)
		error = -EBUSY; /* the same on itself */
	else
		attach(mount, where);
	up_write(&namespace_lock);
	return error;
}

static int remount(const struct path *where, u32 flags, char *options)
{
	struct mount *mount = where->mount;

	if (where->dentry != mount->root)
		return -EINVAL;
	if (!(flags & MS_BIND) && mount->sb->ops->remount) {
		int error = mount->sb->ops->remount(mount->sb, options);
		if (error != 0)
			return error;
	}
	u32 atime = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;
	u32 kept = flags & (atime | MS_STRICTATIME) ? 0 : mount->flags & atime;
	u32 new = (flags & MS_OF_A_MOUNT) | kept;
	if (!(new &MS_NOATIME) && !(flags & MS_STRICTATIME))
		new |= MS_RELATIME;
	WRITE_ONCE(mount->flags, new);
	return 0;
}

/* Whether `mount` is `ancestor` or mounted below it. namespace_lock held. */
static bool mount_is_below(const struct mount *mount, const struct mount *ancestor)
{
	while (mount && mount != ancestor)
		mount = mount->parent;
	return mount;
}

static int move_mount(const char *device, struct path *where)
{
	struct path source;
	int error;

	if (!device || !*device)
		return -EINVAL;
	error = path_lookup(AT_FDCWD, device, LOOKUP_FOLLOW, &source);
	if (error != 0)
		return error;
	struct mount *mount = source.mount;

	down_write(&namespace_lock);
	path_cross_mounts(where);
	if (source.dentry != mount->root || !mount->parent)
		error = -EINVAL;
	else if (is_directory(where->dentry->inode) != is_directory(mount->root->inode))
		error = -EINVAL;
	else if (mount_is_below(where->mount, mount))
		error = -ELOOP;
	if (error == 0) {
		struct path old = detach(mount);

		attach(mount, where);
		up_write(&namespace_lock);
		path_put(&old);
	} else {
		up_write(&namespace_lock);
	}
	path_put(&source);
	return error;
}

static int new_mount(const char *device, struct path *where, const char *type, u32 flags,
		     char *options)
{
	struct mount *mount;
	int error = flags & MS_BIND ? make_bind(device, &mount)
				    : make_mount(device, type, flags, options, &mount);

	if (error != 0)
		return error;
	error = attach_at(mount, where);
	if (error != 0)
		mount_put(mount);
	return error;
}

int do_mount(const char *device, const char *where, const char *type, u32 flags, char *options)
{
	u32 propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
	struct path path;

	int error = path_lookup(AT_FDCWD, where, LOOKUP_FOLLOW, &path);
	if (error != 0)
		return error;
	if (!cred_capable(CAP_SYS_ADMIN))
		error = -EPERM;
	else if (flags & MS_REMOUNT)
		error = remount(&path, flags, options);
	else if (flags & propagation) /* all mounts are private */
		error = path.dentry == path.mount->root && (flags & propagation) == MS_PRIVATE
				? 0
				: -EINVAL;
	else if (flags & MS_MOVE)
		error = move_mount(device, &path);
	else
		error = new_mount(device, &path, type, flags, options);
	path_put(&path);
	return error;
}

/* ---- umount2(2) ---- */

/* namespace_lock held. */
static bool has_mounts_on(const struct mount *parent)
{
	const struct mount *mount;

	list_for_each_entry (mount, &mount_list, node)
		if (mount->parent == parent)
			return true;
	return false;
}

/* Takes a mount and those on it out of the tree, whoever uses them. */
static void detach_all(struct mount *top)
{
	struct mount *mount = top;

	while (mount) {
		struct mount *above = NULL, *each;

		list_for_each_entry (each, &mount_list, node)
			if (each->parent == mount)
				above = each;
		if (above) {
			mount = above;
			continue;
		}
		struct mount *next = mount == top ? NULL : mount->parent;
		struct path where = detach(mount);

		path_put(&where);
		mount_put(mount);
		mount = next;
	}
}

/* `mount` has a reference of the caller's. namespace_lock held for writing. */
static int umount_locked(struct mount *mount, u32 flags)
{
	/* The tree's reference and the caller's. */
	bool is_busy = has_mounts_on(mount) || atomic_read(&mount->refs) > 2;

	if (mount == root_mount)
		return flags & MNT_EXPIRE ? -EINVAL : -EBUSY;
	if (!mount->parent)
		return -EINVAL;
	if (is_busy && !(flags & MNT_DETACH))
		return -EBUSY;
	if ((flags & MNT_EXPIRE) && !mount->expiring) {
		mount->expiring = true;
		return -EAGAIN;
	}
	detach_all(mount);
	return 0;
}

int do_umount(const char *where, u32 flags)
{
	struct path path;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	int error =
		path_lookup(AT_FDCWD, where, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &path);
	if (error != 0)
		return error;
	if (path.dentry != path.mount->root)
		error = -EINVAL;
	else if (!cred_capable(CAP_SYS_ADMIN))
		error = -EPERM;
	else if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		error = -EINVAL;
	if (error == 0) {
		down_write(&namespace_lock);
		error = umount_locked(path.mount, flags);
		up_write(&namespace_lock);
	}
	path_put(&path);
	return error;
}

/* ---- what mounts tell of themselves ---- */

void mount_options_text(const struct mount *mount, char *to, size_t size)
{
	static const struct {
		u32 flag;
		const char *text;
	} names[] = {
		{MS_NOSUID, ",nosuid"},         {MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},         {MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"}, {MS_RELATIME, ",relatime"},
	};
	size_t length = snprintf(to, size, "%s", mount->flags & MS_RDONLY ? "ro" : "rw");

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if ((mount->flags & names[i].flag) && length < size)
			length += snprintf(to + length, size - length, "%s", names[i].text);
	if (mount->sb->ops->show_options && length < size)
		mount->sb->ops->show_options(mount->sb, to + length, size - length);
}

int super_sync_all(void)
{
	struct mount *mount;
	int error = 0;

	down_read(&namespace_lock);
	list_for_each_entry (mount, &mount_list, node)
		if (mount->sb->ops->sync && error == 0)
			error = mount->sb->ops->sync(mount->sb);
	up_read(&namespace_lock);
	return error;
}
