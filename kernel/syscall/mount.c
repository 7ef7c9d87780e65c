/* mount(2), umount2(2), and what writes file systems back. */
#include "arch/x86_64/uaccess.h"
#include "fs/fdtable.h"
#include "fs/super.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "syscall/path.h"
#include "syscall/syscall.h"

/* Old programs pass it, in the upper half of the flags. */
#define MS_MGC_VAL 0xc0ed0000u
#define MS_MGC_MSK 0xffff0000u

/* A text, or NULL. */
static int copy_optional(u64 user_text, char **text)
{
	*text = NULL;
	return user_text ? copy_path(user_text, text) : 0;
}

/* Options: a page of the program, cut at its end or where memory ends. */
static int copy_options(u64 user_options, char **options)
{
	*options = NULL;
	if (!user_options)
		return 0;
	char *copy = kmalloc(PAGE_SIZE, GFP_ZERO);
	if (!copy)
		return -ENOMEM;
	long length = strncpy_from_user(copy, (const char __user *)user_options, PAGE_SIZE - 1);
	if (length == -EFAULT) {
		kfree(copy);
		return -EFAULT;
	}
	copy[PAGE_SIZE - 1] = '\0';
	*options = copy;
	return 0;
}

long sys_mount(u64 device, u64 where, u64 type, u64 flags, u64 options)
{
	char *type_text = NULL, *device_text = NULL, *options_text = NULL, *where_text = NULL;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	int error = copy_optional(type, &type_text);
	if (error == 0)
		error = copy_optional(device, &device_text);
	if (error == 0)
		error = copy_options(options, &options_text);
	if (error == 0)
		error = copy_path(where, &where_text);
	if (error == 0)
		error = do_mount(device_text, where_text, type_text, flags, options_text);
	kfree(type_text);
	kfree(device_text);
	kfree(options_text);
	kfree(where_text);
	return error;
}

long sys_umount2(u64 where, u64 flags)
{
	char *text;
	int error = copy_path(where, &text);

	if (error != 0)
		return error;
	error = do_umount(text, flags);
	kfree(text);
	return error;
}

/* ---- writing back ---- */

long sys_sync(void)
{
	super_sync_all();
	return 0;
}

long sys_syncfs(u64 fd)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	struct super_block *sb = file->path.dentry->sb;
	int error = file->mode & FMODE_PATH ? -EBADF : 0;
	if (error == 0 && sb->ops->sync)
		error = sb->ops->sync(sb);
	file_put(file);
	return error;
}

long sys_fsync(u64 fd)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	int error = file_fsync(file);
	file_put(file);
	return error;
}

long sys_fdatasync(u64 fd)
{
	return sys_fsync(fd);
}
