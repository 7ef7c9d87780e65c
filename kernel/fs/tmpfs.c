/*
 * tmpfs. Names are dentries, content is page cache; here are the limits (size=, nr_inodes=), which
 * count pages as they are made, and inodes.
 *
 * `used_*` are atomic: a page may be given back from any context.
 */
#include "fs/tmpfs.h"
#include "cpu/panic.h"
#include "fs/dentry.h"
#include "fs/open.h"
#include "fs/readdir.h"
#include "fs/regular.h"
#include "fs/tmpfs_options.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"

#define TMPFS_MAGIC       0x01021994
#define BOGO_DIRENT_SIZE  20 /* what a name adds to the size of its directory, as in Linux */
#define INODE_BLOCKS_UNIT 512

static struct tmpfs *tmpfs_of(const struct super_block *sb)
{
	return sb->private;
}

/* ---- limits ---- */

/* Adds one below `limit` (0: none). */
static bool charge(u64 *used, u64 limit)
{
	u64 old = __atomic_load_n(used, __ATOMIC_RELAXED);

	do {
		if (limit && old >= limit)
			return false;
	} while (!__atomic_compare_exchange_n(used, &old, old + 1, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

static void uncharge(u64 *used, u64 n)
{
	__atomic_sub_fetch(used, n, __ATOMIC_SEQ_CST);
}

static struct inode *inode_of(struct address_space *mapping)
{
	return container_of(mapping, struct inode, mapping);
}

static void get_mapping(struct address_space *mapping)
{
	inode_get(inode_of(mapping));
}

static void put_mapping(struct address_space *mapping)
{
	inode_put(inode_of(mapping));
}

static int charge_page(struct address_space *mapping)
{
	struct tmpfs *tmpfs = tmpfs_of(inode_of(mapping)->sb);

	return charge(&tmpfs->used_blocks, READ_ONCE(tmpfs->limits.blocks)) ? 0 : -ENOSPC;
}

static void uncharge_pages(struct address_space *mapping, u32 nr_pages)
{
	uncharge(&tmpfs_of(inode_of(mapping)->sb)->used_blocks, nr_pages);
}

static int punch_hole(struct address_space *mapping, u64 pos, u64 n)
{
	struct inode *inode = inode_of(mapping);
	int error;

	down_write(&inode->lock);
	error = mapping_write_is_sealed(mapping) ? -EPERM : mapping_punch_hole(mapping, pos, n);
	up_write(&inode->lock);
	return error;
}

static bool may_write(struct address_space *mapping)
{
	struct inode *inode = inode_of(mapping);

	return inode_is_owner(inode) || inode_permission(inode, MAY_WRITE) == 0;
}

static const struct address_space_ops mapping_ops = {
	.may_write = may_write,
	.punch_hole = punch_hole,
	.get = get_mapping,
	.put = put_mapping,
	.charge = charge_page,
	.uncharge = uncharge_pages,
};

struct inode *tmpfs_inode_of(struct address_space *mapping)
{
	return mapping->ops == &mapping_ops ? inode_of(mapping) : NULL;
}

/* ---- inodes ---- */

static const struct inode_ops tmpfs_inode_ops;
static const struct inode_ops tmpfs_directory_ops;

static int add_link(struct inode *dir)
{
	struct tmpfs *tmpfs = tmpfs_of(dir->sb);

	return charge(&tmpfs->used_inodes, READ_ONCE(tmpfs->limits.inodes)) ? 0 : -ENOSPC;
}

static void drop_link(struct inode *dir)
{
	uncharge(&tmpfs_of(dir->sb)->used_inodes, 1);
}

/* An inode of a super block; `dir` may be NULL. */
static int create_inode(struct super_block *sb, const struct inode *dir, u32 mode, u32 rdev,
			struct inode **result)
{
	struct tmpfs *tmpfs = tmpfs_of(sb);

	if (!charge(&tmpfs->used_inodes, READ_ONCE(tmpfs->limits.inodes)))
		return -ENOSPC;
	struct inode *inode = inode_create(sb, mode);
	if (!inode) {
		uncharge(&tmpfs->used_inodes, 1);
		return -ENOMEM;
	}
	inode->ops = &tmpfs_inode_ops;
	inode->rdev = rdev;
	if (is_directory(inode)) {
		inode->ops = &tmpfs_directory_ops;
		inode->file_ops = &directory_ops;
	} else if (is_regular(inode)) {
		mapping_init(&inode->mapping, &mapping_ops);
		inode->file_ops = &regular_ops;
	}
	if (dir)
		inode_init_owner(inode, dir);
	*result = inode;
	return 0;
}

static int create(struct inode *dir, u32 mode, u32 rdev, struct inode **result)
{
	return create_inode(dir->sb, dir, mode, rdev, result);
}

static void evict(struct inode *inode)
{
	if (is_regular(inode))
		mapping_destroy(&inode->mapping);
	kfree(inode->private);
	uncharge(&tmpfs_of(inode->sb)->used_inodes, 1);
}

/* ---- links: the body is `private` ---- */

static int set_link(struct inode *inode, const char *body)
{
	size_t size = strlen(body) + 1;

	inode->private = kmalloc(size, GFP_KERNEL);
	if (!inode->private)
		return -ENOMEM;
	memcpy(inode->private, body, size);
	return 0;
}

static int get_link(struct inode *inode, struct link_target *target)
{
	target->text = inode->private;
	return 0;
}

/* ---- attributes ---- */

static int truncate(struct inode *inode, u64 size)
{
	if (!is_regular(inode))
		return -EINVAL;
	if (size > MAPPING_MAX_SIZE)
		return -EFBIG;
	if (size < inode->mapping.size && (inode->mapping.seals & F_SEAL_SHRINK))
		return -EPERM;
	if (size > inode->mapping.size && (inode->mapping.seals & F_SEAL_GROW))
		return -EPERM;
	mapping_truncate(&inode->mapping, size);
	return 0;
}

static void getattr(struct inode *inode, struct stat *stat)
{
	if (is_regular(inode)) {
		u64 pages = READ_ONCE(inode->mapping.nr_pages) + READ_ONCE(inode->mapping.nr_slots);

		stat->blocks = pages * (PAGE_SIZE / INODE_BLOCKS_UNIT);
	} else if (is_symlink(inode)) {
		stat->size = strlen(inode->private);
	} else if (is_directory(inode)) {
		stat->size = (2 + READ_ONCE(inode->nr_names)) * BOGO_DIRENT_SIZE;
	}
}

static void name_added(struct inode *dir)
{
	dir->nr_names++;
}

static void name_removed(struct inode *dir)
{
	dir->nr_names--;
}

static const struct inode_ops tmpfs_inode_ops = {
	.set_link = set_link,
	.get_link = get_link,
	.truncate = truncate,
	.getattr = getattr,
};

static const struct inode_ops tmpfs_directory_ops = {
	.create = create,
	.add_link = add_link,
	.drop_link = drop_link,
	.name_added = name_added,
	.name_removed = name_removed,
	.getattr = getattr,
};

/* ---- the file system ---- */

static void fill_statfs(struct super_block *sb, struct statfs *statfs)
{
	struct tmpfs *tmpfs = tmpfs_of(sb);
	u64 blocks = READ_ONCE(tmpfs->limits.blocks), inodes = READ_ONCE(tmpfs->limits.inodes);
	u64 used_blocks = READ_ONCE(tmpfs->used_blocks),
	    used_inodes = READ_ONCE(tmpfs->used_inodes);

	statfs->type = TMPFS_MAGIC;
	statfs->bsize = statfs->frsize = PAGE_SIZE;
	statfs->namelen = NAME_MAX;
	if (blocks) {
		statfs->blocks = blocks;
		statfs->bfree = blocks > used_blocks ? blocks - used_blocks : 0;
		statfs->bavail = statfs->bfree;
	}
	if (inodes) {
		statfs->files = inodes;
		statfs->ffree = inodes > used_inodes ? inodes - used_inodes : 0;
	}
}

static int remount(struct super_block *sb, char *options)
{
	struct tmpfs *tmpfs = tmpfs_of(sb);
	struct tmpfs_limits limits = tmpfs->limits;
	struct tmpfs_root ignored = {0};
	int error = tmpfs_parse_options(options, &limits, &ignored);

	if (error != 0)
		return error;
	if ((limits.blocks && limits.blocks < tmpfs->used_blocks) ||
	    (limits.inodes && limits.inodes < tmpfs->used_inodes))
		return -EINVAL;
	tmpfs->limits = limits;
	return 0;
}

static void show_options(struct super_block *sb, char *to, size_t size)
{
	const struct tmpfs *tmpfs = tmpfs_of(sb);

	tmpfs_show_options(&tmpfs->limits, &tmpfs->root, to, size);
}

static void kill(struct super_block *sb)
{
	kfree(sb->private);
}

static const struct super_ops tmpfs_super_ops = {
	.evict = evict,
	.statfs = fill_statfs,
	.remount = remount,
	.show_options = show_options,
	.kill = kill,
};

static int mount_tmpfs(const struct file_system_type *type, char *options,
		       struct super_block **result)
{
	struct tmpfs *tmpfs = kmalloc(sizeof(*tmpfs), GFP_ZERO);
	struct super_block *sb = tmpfs ? super_create(type, &tmpfs_super_ops) : NULL;
	struct inode *root;

	if (!sb) {
		kfree(tmpfs);
		return -ENOMEM;
	}
	sb->private = tmpfs;
	tmpfs->root = (struct tmpfs_root){.mode = 01777};
	tmpfs->limits = tmpfs_default_limits();
	int error = options ? tmpfs_parse_options(options, &tmpfs->limits, &tmpfs->root) : 0;
	if (error == 0)
		error = create_inode(sb, NULL, S_IFDIR | tmpfs->root.mode, 0, &root);
	if (error == 0) {
		root->nlink = 2;
		if (tmpfs->root.has_uid)
			root->uid = tmpfs->root.uid;
		if (tmpfs->root.has_gid)
			root->gid = tmpfs->root.gid;
		error = super_set_root(sb, root);
	}
	if (error != 0) {
		super_kill(sb);
		return error;
	}
	*result = sb;
	return 0;
}

const struct file_system_type tmpfs_type = {.name = "tmpfs", .mount = mount_tmpfs};

/* ---- files that no directory has ---- */

static struct mount internal; /* never goes */

void tmpfs_init(void)
{
	struct super_block *sb;

	if (mount_tmpfs(&tmpfs_type, NULL, &sb) != 0)
		panic("tmpfs: no memory");
	tmpfs_of(sb)->limits = (struct tmpfs_limits){0};
	internal.sb = sb;
	internal.root = sb->root;
	atomic_set(&internal.refs, 1);
	atomic_inc(&sb->mounts);
}

int tmpfs_create_unlinked(const char *name, u64 size, struct inode **result)
{
	struct inode *inode;
	int error = create_inode(internal.sb, NULL, S_IFREG | 0777, 0, &inode);

	if (error != 0)
		return error;
	inode->nlink = 0;
	inode->mapping.size = size;
	/* For /proc, as if it had been at the top of some tree. */
	inode->deleted_path = kmalloc(strlen(name) + 2, GFP_KERNEL);
	if (!inode->deleted_path) {
		inode_put(inode);
		return -ENOMEM;
	}
	inode->deleted_path[0] = '/';
	memcpy(inode->deleted_path + 1, name, strlen(name) + 1);
	*result = inode;
	return 0;
}

int tmpfs_create_file(const char *name, u64 size, u32 flags, struct file **result)
{
	struct inode *inode;
	int error = tmpfs_create_unlinked(name, size, &inode);

	if (error != 0)
		return error;
	struct path path = {&internal, dentry_create(internal.root, name, strlen(name), inode)};
	if (!path.dentry) {
		inode_put(inode);
		return -ENOMEM;
	}
	error = open_path(&path, flags, OPEN_CREATED, result);
	dentry_put(path.dentry);
	return error;
}

/* ---- devtmpfs ---- */

static struct super_block *dev_sb; /* made by the first mount, or the first node; never goes */

static int get_dev_sb(void)
{
	char mode[] = "mode=0755";

	return dev_sb ? 0 : mount_tmpfs(&devtmpfs_type, mode, &dev_sb);
}

static int mount_devtmpfs(const struct file_system_type *type, char *options,
			  struct super_block **result)
{
	(void)type;
	(void)options;
	int error = get_dev_sb();
	if (error != 0)
		return error;
	if (atomic_read(&dev_sb->mounts) == 0)
		atomic_inc(&dev_sb->mounts); /* it outlives its mounts */
	*result = dev_sb;
	return 0;
}

const struct file_system_type devtmpfs_type = {.name = "devtmpfs", .mount = mount_devtmpfs};

int devtmpfs_create(const char *name, u32 mode, u32 dev, const char *link)
{
	struct inode *inode;
	int error = get_dev_sb();

	if (error != 0)
		return error;
	struct inode *root = dev_sb->root->inode;
	error = create_inode(dev_sb, NULL, mode, dev, &inode);
	if (error == 0 && link)
		error = set_link(inode, link);
	if (error != 0)
		return error;
	struct dentry *dentry = dentry_create(dev_sb->root, name, strlen(name), inode);
	if (!dentry)
		return -ENOMEM;
	if (is_directory(inode)) {
		inode->nlink = 2;
		inode_add_nlink(root, 1);
	}
	name_added(root);
	dentry_link(dentry);
	dentry_put(dentry);
	return 0;
}
