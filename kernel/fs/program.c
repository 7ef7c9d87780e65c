/* A program is a file that is open for exec: nobody may write to it as long as an address space runs
 * it (-ETXTBSY). */
#include "fs/program.h"
#include "fs/open.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/files.h"

static const struct file_ops program_ops = {};

static int check_program(const struct path *path)
{
	struct inode *inode = path->dentry->inode;

	if (is_symlink(inode))
		return -ELOOP;
	if (!is_regular(inode) || (path->mount->flags & MS_NOEXEC))
		return -EACCES;
	return inode_permission(inode, MAY_EXEC);
}

int program_open(s32 dirfd, const char *name, u32 flags, struct file **result)
{
	u32 how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
		  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path path;

	int error = path_lookup(dirfd, name, how, &path);
	if (error != 0)
		return error;
	error = check_program(&path);
	if (error == 0)
		error = inode_deny_write(path.dentry->inode);
	if (error != 0)
		goto out;
	struct file *file = file_create(&program_ops, path.dentry->inode, O_RDONLY);
	if (!file) {
		inode_allow_write(path.dentry->inode);
		error = -ENOMEM;
		goto out;
	}
	file->mode |= FMODE_OPENED;
	file->path = path;
	*result = file;
	return 0;
out:
	path_put(&path);
	return error;
}

/* One more address space runs it. */
static void get_program(struct file *program)
{
	int error = inode_deny_write(program->inode);

	BUG_ON(error != 0); /* it is denied already */
	file_get(program);
}

void program_put(struct file *program)
{
	inode_allow_write(program->inode);
	file_put(program);
}

void program_owner(struct file *program, u32 *mode, u32 *uid, u32 *gid)
{
	struct inode *inode = program->inode;

	spin_lock(&inode->attr_lock);
	*mode = inode->mode;
	*uid = inode->uid;
	*gid = inode->gid;
	spin_unlock(&inode->attr_lock);
	if (program->path.mount->flags & MS_NOSUID)
		*mode &= ~(S_ISUID | S_ISGID);
}

struct address_space *program_mapping(struct file *program)
{
	return &program->inode->mapping;
}

static const struct mm_program_ops ops = {.get = get_program, .put = program_put};

void program_init(void)
{
	mm_program_ops = &ops;
}
