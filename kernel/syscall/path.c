/* Calls that open, make, move and remove names. */
#include "syscall/path.h"
#include "arch/x86_64/uaccess.h"
#include "fs/change.h"
#include "fs/fdtable.h"
#include "fs/fs.h"
#include "fs/open.h"
#include "fs/readdir.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "syscall/syscall.h"

#define CWD ((u64)AT_FDCWD)

int copy_path(u64 user_path, char **path)
{
	char *copy = kmalloc(PATH_MAX, GFP_KERNEL);

	if (!copy)
		return -ENOMEM;
	int length = strncpy_from_user(copy, (const char __user *)user_path, PATH_MAX);
	if (length < 0) {
		kfree(copy);
		return length;
	}
	*path = copy;
	return 0;
}

int lookup_user(u64 dirfd, u64 user_name, u32 flags, struct path *path)
{
	char *name;
	int error = copy_path(user_name, &name);

	if (error != 0)
		return error;
	error = path_lookup(dirfd, name, flags, path);
	kfree(name);
	return error;
}

/* ---- opening ---- */

long sys_openat(u64 dirfd, u64 user_name, u64 flags, u64 mode)
{
	struct file *file;
	char *name;
	int error = copy_path(user_name, &name);

	if (error != 0)
		return error;
	error = do_open(dirfd, name, flags, mode, &file);
	kfree(name);
	if (error != 0)
		return error;
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_open(u64 name, u64 flags, u64 mode)
{
	return sys_openat(CWD, name, flags, mode);
}

long sys_creat(u64 name, u64 mode)
{
	return sys_openat(CWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* ---- making and removing names ---- */

long sys_mknodat(u64 dirfd, u64 user_name, u64 mode, u64 dev)
{
	char *name;
	int error = copy_path(user_name, &name);

	if (error != 0)
		return error;
	error = do_mknod(dirfd, name, mode, decode_dev((u32)dev));
	kfree(name);
	return error;
}

long sys_mknod(u64 name, u64 mode, u64 dev)
{
	return sys_mknodat(CWD, name, mode, dev);
}

long sys_mkdirat(u64 dirfd, u64 user_name, u64 mode)
{
	char *name;
	int error = copy_path(user_name, &name);

	if (error != 0)
		return error;
	error = do_mkdir(dirfd, name, mode);
	kfree(name);
	return error;
}

long sys_mkdir(u64 name, u64 mode)
{
	return sys_mkdirat(CWD, name, mode);
}

long sys_unlinkat(u64 dirfd, u64 user_name, u64 flags)
{
	char *name;

	if (flags & ~(u64)AT_REMOVEDIR)
		return -EINVAL;
	int error = copy_path(user_name, &name);
	if (error != 0)
		return error;
	error = flags & AT_REMOVEDIR ? do_rmdir(dirfd, name) : do_unlink(dirfd, name);
	kfree(name);
	return error;
}

long sys_unlink(u64 name)
{
	return sys_unlinkat(CWD, name, 0);
}

long sys_rmdir(u64 name)
{
	return sys_unlinkat(CWD, name, AT_REMOVEDIR);
}

/* Two names of the program in kernel memory: what `first` is comes first. */
static int copy_two(u64 first, u64 second, char **first_copy, char **second_copy)
{
	int error = copy_path(first, first_copy);

	if (error != 0)
		return error;
	error = copy_path(second, second_copy);
	if (error != 0)
		kfree(*first_copy);
	return error;
}

long sys_linkat(u64 old_dirfd, u64 old_name, u64 new_dirfd, u64 new_name, u64 flags)
{
	char *old, *new;
	int error = copy_two(old_name, new_name, &old, &new);

	if (error != 0)
		return error;
	error = do_link(old_dirfd, old, new_dirfd, new, flags);
	kfree(old);
	kfree(new);
	return error;
}

long sys_link(u64 old_name, u64 new_name)
{
	return sys_linkat(CWD, old_name, CWD, new_name, 0);
}

long sys_symlinkat(u64 body, u64 dirfd, u64 name)
{
	char *body_copy, *name_copy;
	int error = copy_two(body, name, &body_copy, &name_copy);

	if (error != 0)
		return error;
	error = do_symlink(body_copy, dirfd, name_copy);
	kfree(body_copy);
	kfree(name_copy);
	return error;
}

long sys_symlink(u64 body, u64 name)
{
	return sys_symlinkat(body, CWD, name);
}

long sys_renameat2(u64 old_dirfd, u64 old_name, u64 new_dirfd, u64 new_name, u64 flags)
{
	char *old, *new;
	int error = copy_two(old_name, new_name, &old, &new);

	if (error != 0)
		return error;
	error = do_rename(old_dirfd, old, new_dirfd, new, flags);
	kfree(old);
	kfree(new);
	return error;
}

long sys_renameat(u64 old_dirfd, u64 old_name, u64 new_dirfd, u64 new_name)
{
	return sys_renameat2(old_dirfd, old_name, new_dirfd, new_name, 0);
}

long sys_rename(u64 old_name, u64 new_name)
{
	return sys_renameat2(CWD, old_name, CWD, new_name, 0);
}

/* ---- where the task stands ---- */

long sys_chdir(u64 name)
{
	struct path path;
	int error = lookup_user(CWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (error != 0)
		return error;
	error = inode_permission(path.dentry->inode, MAY_EXEC);
	if (error == 0)
		fs_set_cwd(current_fs(), &path);
	else
		path_put(&path);
	return error;
}

long sys_fchdir(u64 fd)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	struct path path = file->path;
	int error = is_directory(file->inode) ? inode_permission(file->inode, MAY_EXEC) : -ENOTDIR;
	if (error == 0) {
		path_get(&path);
		fs_set_cwd(current_fs(), &path);
	}
	file_put(file);
	return error;
}

long sys_chroot(u64 name)
{
	struct path path;
	int error = lookup_user(CWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (error != 0)
		return error;
	error = inode_permission(path.dentry->inode, MAY_EXEC);
	if (error == 0 && !cred_capable(CAP_SYS_CHROOT))
		error = -EPERM;
	if (error == 0)
		fs_set_root(current_fs(), &path);
	else
		path_put(&path);
	return error;
}

/* "(unreachable)" stands before what does not lie below the root, as in Linux. */
static long put_cwd(u64 to, u64 size, char *buffer, const struct path *cwd, const struct path *root)
{
	static const char unreachable[] = "(unreachable)";
	size_t prefix = sizeof(unreachable) - 1;
	bool reachable;

	if (!cwd->dentry->is_hashed && cwd->dentry != cwd->mount->root &&
	    cwd->dentry->inode->nlink == 0)
		return -ENOENT;
	char *text = path_text(cwd, root, buffer + prefix, PATH_MAX, &reachable);
	if (!text)
		return -ENAMETOOLONG;
	if (!reachable) {
		text -= prefix;
		memcpy(text, unreachable, prefix);
	}
	size_t length = strlen(text) + 1;
	if (length > size)
		return -ERANGE;
	return copy_to_user((void __user *)to, text, length) != 0 ? -EFAULT : (long)length;
}

long sys_getcwd(u64 to, u64 size)
{
	char *buffer = kmalloc(PATH_MAX + 16, GFP_KERNEL);
	struct path cwd, root;

	if (!buffer)
		return -ENOMEM;
	fs_get_cwd(current_fs(), &cwd);
	fs_get_root(current_fs(), &root);
	long result = put_cwd(to, size, buffer, &cwd, &root);
	path_put(&cwd);
	path_put(&root);
	kfree(buffer);
	return result;
}

long sys_umask(u64 mask)
{
	struct fs *fs = current_fs();

	spin_lock(&fs->lock);
	u32 old = fs->umask;
	fs->umask = mask & 0777;
	spin_unlock(&fs->lock);
	return old;
}

/* ---- listing ---- */

static long list_directory(u64 fd, u64 to, u64 size, enum dirent_layout layout)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	long result = do_getdents(file, (void __user *)to, (u32)size, layout);
	file_put(file);
	return result;
}

long sys_getdents64(u64 fd, u64 to, u64 size)
{
	return list_directory(fd, to, size, DIRENT_64);
}

long sys_getdents(u64 fd, u64 to, u64 size)
{
	return list_directory(fd, to, size, DIRENT_OLD);
}
