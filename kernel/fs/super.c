/* Super blocks: life, and the file systems there are. */
#include "fs/super.h"
#include "cpu/panic.h"
#include "fs/dentry.h"
#include "fs/procfs/procfs.h"
#include "fs/tmpfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

static const struct file_system_type *const types[] = {
	&tmpfs_type,
	&devtmpfs_type,
	&procfs_type,
	&sysfs_type,
};

static u32 last_dev; /* atomic */

const struct file_system_type *file_system_find(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i]->name, name) == 0)
			return types[i];
	return NULL;
}

const struct file_system_type *file_system_next(const struct file_system_type *type)
{
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i] == type)
			return i + 1 < ARRAY_SIZE(types) ? types[i + 1] : NULL;
	return types[0];
}

struct super_block *super_create(const struct file_system_type *type, const struct super_ops *ops)
{
	struct super_block *sb = kmalloc(sizeof(*sb), GFP_ZERO);

	if (!sb)
		return NULL;
	sb->type = type;
	sb->ops = ops;
	sb->dev = MKDEV(0, __atomic_add_fetch(&last_dev, 1, __ATOMIC_SEQ_CST));
	atomic_set(&sb->refs, 1);
	return sb;
}

void super_put(struct super_block *sb)
{
	if (atomic_dec_return(&sb->refs) > 0)
		return;
	if (sb->ops->kill)
		sb->ops->kill(sb);
	kfree(sb);
}

int super_set_root(struct super_block *sb, struct inode *root)
{
	sb->root = dentry_create(NULL, "", 0, root);
	if (sb->root)
		return 0;
	inode_put(root);
	return -ENOMEM;
}

/* The first name below `dentry` that has no names below it, or NULL. */
static struct dentry *find_leaf(struct dentry *dentry)
{
	struct dentry *leaf = NULL;

	spin_lock(&dcache_lock);
	while (!list_empty(&dentry->children)) {
		dentry = list_first_entry(&dentry->children, struct dentry, sibling);
		leaf = dentry;
	}
	spin_unlock(&dcache_lock);
	return leaf;
}

void super_kill(struct super_block *sb)
{
	struct dentry *leaf;

	if (sb->root) {
		while ((leaf = find_leaf(sb->root)))
			dentry_unlink(leaf);
		dentry_put(sb->root);
	}
	super_put(sb);
}

u64 super_next_ino(struct super_block *sb)
{
	return __atomic_add_fetch(&sb->next_ino, 1, __ATOMIC_SEQ_CST);
}
