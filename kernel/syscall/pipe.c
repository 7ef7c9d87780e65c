/* pipe(2) and eventfd(2): calls that make descriptors to wait for. */
#include "fs/eventfd.h"
#include "fs/fdtable.h"
#include "fs/pipe.h"
#include "lib/errno.h"
#include "syscall/syscall.h"

long sys_pipe2(u64 to, u64 flags)
{
	struct file *ends[2];

	if ((u32)flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	int error = pipe_create(ends, flags);
	return error != 0 ? error : fd_install_pair(ends, flags & O_CLOEXEC, to);
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
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_eventfd(u64 value)
{
	return sys_eventfd2(value, 0);
}
