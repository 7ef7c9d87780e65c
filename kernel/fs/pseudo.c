/* Files that no directory has: pipes, and what calls make that return a descriptor only. They are
 * of one super block, which is mounted nowhere. */
#include "cpu/panic.h"
#include "fs/open.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"

static const struct inode_ops no_ops;
static const struct super_ops pseudo_super_ops;
static const struct file_system_type pseudo_type = {.name = "pipefs"};

static struct mount pseudo_mount; /* never goes */

struct inode *pseudo_inode_create(u32 mode)
{
	struct inode *inode = inode_create(pseudo_mount.sb, mode);

	if (inode)
		inode->ops = &no_ops;
	return inode;
}

int open_pseudo(struct inode *inode, const char *name, const struct file_ops *ops, u32 flags,
		struct file **result)
{
	char text[64];
	u32 length = snprintf(text, sizeof(text), strchr(name, ':') ? "%s" : "%s:[%lu]", name,
			      inode->ino);
	struct dentry *dentry =
		dentry_create(pseudo_mount.root, text, min(length, (u32)sizeof(text) - 1), inode);

	if (!dentry) {
		inode_put(inode);
		return -ENOMEM;
	}
	*result = file_create(ops, inode, flags);
	if (!*result) {
		dentry_put(dentry);
		return -ENOMEM;
	}
	(*result)->path = (struct path){&pseudo_mount, dentry};
	(*result)->mode |= FMODE_OPENED;
	mount_get(&pseudo_mount);
	return 0;
}

void pseudo_init(void)
{
	struct super_block *sb = super_create(&pseudo_type, &pseudo_super_ops);
	struct inode *root;

	pseudo_mount.sb = sb;
	atomic_set(&pseudo_mount.refs, 1);
	root = sb ? pseudo_inode_create(S_IFDIR | 0600) : NULL;
	if (!root || super_set_root(sb, root) != 0)
		panic("pseudo: no memory");
	sb->flags = SB_PSEUDO;
	pseudo_mount.root = sb->root;
}
