/* pipe(2) and eventfd(2): calls that make descriptors to wait for. */
#include "arch/x86_64/uaccess.h"
#include "fs/eventfd.h"
#include "fs/fdtable.h"
#include "fs/pipe.h"
#include "lib/errno.h"
#include "syscall/syscall.h"

/* Installs both ends and tells their numbers. */
static long install_pipe(struct file *ends[2], u64 to, u32 flags)
{
	s32 fds[2];

	fds[0] = fd_install(ends[0], 0, flags & O_CLOEXEC);
	if (fds[0] < 0) {
		file_put(ends[0]);
		file_put(ends[1]);
		return fds[0];
	}
	fds[1] = fd_install(ends[1], 0, flags & O_CLOEXEC);
	if (fds[1] < 0) {
		fd_close(fds[0]);
		file_put(ends[1]);
		return fds[1];
	}
	if (copy_to_user((void __user *)to, fds, sizeof(fds)) == 0)
		return 0;
	fd_close(fds[0]);
	fd_close(fds[1]);
	return -EFAULT;
}

long sys_pipe2(u64 to, u64 flags)
{
	struct file *ends[2];

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	int error = pipe_create(ends, flags);
	return error != 0 ? error : install_pipe(ends, to, flags);
}

long sys_pipe(u64 to)
{
	return sys_pipe2(to, 0);
}

long sys_eventfd2(u64 value, u64 flags)
{
	struct file *file;

	if ((u32)flags & ~EFD_FLAGS)
		return -EINVAL;
	int error = eventfd_create(value, flags, &file);
	if (error != 0)
		return error;
	int fd = fd_install(file, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_eventfd(u64 value)
{
	return sys_eventfd2(value, 0);
}
