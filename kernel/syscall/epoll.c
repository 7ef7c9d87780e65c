/* epoll: descriptors, time limits, signal masks. */
#include "fs/epoll.h"
#include "arch/x86_64/uaccess.h"
#include "fs/fdtable.h"
#include "lib/errno.h"
#include "proc/signal.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

#define MAX_EVENTS (INT32_MAX / sizeof(struct epoll_event))

long sys_epoll_create1(u64 flags)
{
	struct file *file;

	if ((u32)flags & ~O_CLOEXEC)
		return -EINVAL;
	int error = epoll_create(&file);
	if (error != 0)
		return error;
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_epoll_create(u64 size)
{
	return (s32)size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

/* An open file, or NULL: what names a place only is none. */
static struct file *get_open(u32 fd)
{
	struct file *file = fd_get(fd);

	if (!file || !(file->mode & FMODE_PATH))
		return file;
	file_put(file);
	return NULL;
}

long sys_epoll_ctl(u64 epoll_fd, u64 op, u64 fd, u64 user_event)
{
	struct epoll_event event = {0};
	long result = -EBADF;

	if ((u32)op != EPOLL_CTL_DEL &&
	    copy_from_user(&event, (const void __user *)user_event, sizeof(event)) != 0)
		return -EFAULT;
	struct file *epoll = get_open(epoll_fd), *file = get_open(fd);
	if (epoll && file)
		result = epoll_change(epoll, op, file, fd, &event);
	if (file)
		file_put(file);
	if (epoll)
		file_put(epoll);
	return result;
}

static long wait(u32 fd, u64 events, s32 max, u64 deadline_ns)
{
	struct epoll_event __user *to = (struct epoll_event __user *)events;

	if (max <= 0 || max > (s32)MAX_EVENTS)
		return -EINVAL;
	if (!user_range_ok(to, max * sizeof(*to)))
		return -EFAULT;
	struct file *file = get_open(fd);
	if (!file)
		return -EBADF;
	long result = epoll_wait(file, to, max, deadline_ns);
	file_put(file);
	return result;
}

static u64 deadline_in_ms(s32 ms)
{
	if (ms == 0)
		return POLL_NOW;
	return ms < 0 ? POLL_FOREVER : deadline_after((u64)ms * NSEC_PER_MSEC);
}

long sys_epoll_wait(u64 fd, u64 events, u64 max, u64 timeout_ms)
{
	return wait(fd, events, max, deadline_in_ms(timeout_ms));
}

/* With a signal mask for the time of the call, if there is one. */
static long wait_masked(u32 fd, u64 events, s32 max, u64 deadline_ns, u64 user_mask, u64 mask_size)
{
	u64 mask;

	if (user_mask) {
		if (mask_size != sizeof(mask))
			return -EINVAL;
		if (copy_from_user(&mask, (const void __user *)user_mask, sizeof(mask)) != 0)
			return -EFAULT;
		signal_borrow_mask(mask);
	}
	long result = wait(fd, events, max, deadline_ns);
	if (user_mask)
		signal_return_mask(result == -EINTR);
	return result;
}

long sys_epoll_pwait(u64 fd, u64 events, u64 max, u64 timeout_ms, u64 mask, u64 mask_size)
{
	return wait_masked(fd, events, max, deadline_in_ms(timeout_ms), mask, mask_size);
}

long sys_epoll_pwait2(u64 fd, u64 events, u64 max, u64 timeout, u64 mask, u64 mask_size)
{
	u64 deadline_ns = POLL_FOREVER, ns;

	if (timeout) {
		int error = get_timespec(timeout, &ns);

		if (error != 0)
			return error;
		deadline_ns = ns == 0 ? POLL_NOW : deadline_after(ns);
	}
	return wait_masked(fd, events, max, deadline_ns, mask, mask_size);
}
