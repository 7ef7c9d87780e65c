/* execve(2) and execveat(2). */
#include "proc/exec.h"
#include "cpu/current.h"
#include "fs/fdtable.h"
#include "fs/dentry.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/slab.h"
#include "proc/files.h"
#include "syscall/syscall.h"

#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_EMPTY_PATH       0x1000u

static int collect_args(struct exec_args *args, const char *name, u64 argv, u64 envp)
{
	long argc = exec_args_count((const char __user *const __user *)argv);
	long envc = argc < 0 ? 0 : exec_args_count((const char __user *const __user *)envp);
	int error;

	if (argc < 0 || envc < 0)
		return argc < 0 ? argc : envc;
	error = exec_args_set_limit(args, max(argc, 1l) + envc);
	if (error == 0)
		error = exec_args_add_kernel(args, name);
	if (error == 0)
		error = exec_args_add_user(args, (const char __user *const __user *)argv,
					   &args->argc);
	/* A program may rely on having a name. */
	if (error == 0 && args->argc == 0) {
		error = exec_args_add_kernel(args, "");
		args->argc = 1;
	}
	if (error == 0)
		error = exec_args_add_user(args, (const char __user *const __user *)envp,
					   &args->envc);
	return error;
}

static long exec(const struct exec_file *file, u64 argv, u64 envp)
{
	struct exec_args *args = kmalloc(sizeof(*args), GFP_ZERO);

	if (!args)
		return -ENOMEM;
	int error = collect_args(args, file->name, argv, envp);
	if (error == 0)
		error = task_exec(file, args);
	exec_args_release(args);
	kfree(args);
	return error;
}

long sys_execve(u64 user_path, u64 argv, u64 envp)
{
	char *path;
	int error = copy_path(user_path, &path);

	if (error != 0)
		return error;
	struct exec_file file = {.dirfd = AT_FDCWD, .path = path, .name = path};
	long result = exec(&file, argv, envp);
	kfree(path);
	return result;
}

/* The name of what is not named by a path from the root or the working directory. */
static long exec_at(struct exec_file *file, u64 argv, u64 envp)
{
	char *name = kmalloc(PATH_MAX, GFP_KERNEL);

	if (!name)
		return -ENOMEM;
	snprintf(name, PATH_MAX, file->path[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", file->dirfd,
		 file->path);
	file->name = name;
	file->name_is_lost = fd_get_cloexec(file->dirfd) == 1;
	long result = exec(file, argv, envp);
	kfree(name);
	return result;
}

long sys_execveat(u64 dirfd, u64 user_path, u64 argv, u64 envp, u64 flags)
{
	char *path;
	int error = copy_path(user_path, &path);

	if (error != 0)
		return error;
	struct exec_file file = {.dirfd = dirfd, .path = path, .flags = flags, .name = path};
	long result;
	if ((u32)flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		result = -EINVAL;
	else if ((s32)dirfd == AT_FDCWD || path[0] == '/')
		result = exec(&file, argv, envp);
	else
		result = exec_at(&file, argv, envp);
	kfree(path);
	return result;
}
