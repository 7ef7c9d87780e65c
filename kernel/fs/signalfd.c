/*
 * signalfd(2): pending signals as what a file reads, one struct of 128 bytes each. They are those of
 * who reads or polls, not of who made the file.
 *
 * All such files wait on one queue, signalfd_wait (proc/signal.h): a queue with the handlers of a
 * process, as Linux has it, may go while a poller of another process still is on it.
 */
#include "fs/signalfd.h"
#include "fs/iov_iter.h"
#include "fs/open.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/signal.h"

struct signalfd {
	u64 mask; /* bit n - 1 is signal n; any time, by signalfd_set_mask() */
};

/* struct signalfd_siginfo of the ABI. */
struct signalfd_siginfo {
	u32 signo;
	s32 error, code;
	u32 pid, uid;
	s32 fd;
	u32 tid, band, overrun, trapno;
	s32 status, value_int;
	u64 value_ptr, utime, stime, addr;
	u16 addr_lsb, pad2;
	s32 syscall;
	u64 call_addr;
	u32 arch;
	u8 pad[28];
};

static_assert(sizeof(struct signalfd_siginfo) == 128, "the ABI's");

static void set_value(struct signalfd_siginfo *out, u64 value)
{
	out->value_ptr = value;
	out->value_int = (s32)value;
}

/* Which members a signal tells depends on its code, and on its number when the kernel sent it. */
static void convert(const struct siginfo *info, struct signalfd_siginfo *out)
{
	bool by_kernel = info->code > SI_USER && info->code < SI_KERNEL;

	*out = (struct signalfd_siginfo){
		.signo = info->signo, .error = info->error, .code = info->code};
	if (by_kernel && info->signo == SIGCHLD) {
		out->pid = info->child.pid;
		out->uid = info->child.uid;
		out->status = info->child.status;
		out->utime = info->child.user_ticks;
		out->stime = info->child.system_ticks;
	} else if (by_kernel && (SIGNALS_SYNCHRONOUS & signal_bit(info->signo))) {
		out->addr = info->fault.address;
	} else if (info->code == SI_TIMER) {
		out->tid = info->timer.id;
		out->overrun = info->timer.overrun;
		set_value(out, info->timer.value);
	} else {
		out->pid = info->sender.pid;
		out->uid = info->sender.uid;
		if (info->code < 0)
			set_value(out, info->sender.value);
	}
}

/* Takes one signal; waits for the first unless the file is not to block. */
static long take(struct file *file, bool first, struct siginfo *info)
{
	struct signalfd *signalfd = file->private;

	while (!signal_take(READ_ONCE(signalfd->mask), info)) {
		if (!first || (READ_ONCE(file->flags) & O_NONBLOCK))
			return -EAGAIN;
		if (wait_event_interruptible(&signalfd_wait,
					     signal_has(READ_ONCE(signalfd->mask))) != 0)
			return -ERESTARTSYS;
	}
	return 0;
}

static long read_signalfd(struct file *file, struct iov_iter *to)
{
	struct signalfd_siginfo out;
	long nr_bytes = 0;

	if (to->count < sizeof(out))
		return -EINVAL;
	while (to->count >= sizeof(out)) {
		struct siginfo info;
		long error = take(file, nr_bytes == 0, &info);

		if (error == 0) {
			convert(&info, &out);
			error = copy_to_iter(to, &out, sizeof(out)) != 0 ? -EFAULT : 0;
		}
		if (error != 0)
			return nr_bytes > 0 ? nr_bytes : error;
		nr_bytes += sizeof(out);
	}
	return nr_bytes;
}

static u32 poll_signalfd(struct file *file, struct poll_table *table)
{
	struct signalfd *signalfd = file->private;

	poll_wait(file, &signalfd_wait, table);
	return signal_has(READ_ONCE(signalfd->mask)) ? EPOLLIN : 0;
}

static void release_signalfd(struct file *file)
{
	atomic_dec(&nr_signalfds);
	kfree(file->private);
}

static const struct file_ops signalfd_ops = {
	.read_iter = read_signalfd,
	.poll = poll_signalfd,
	.release = release_signalfd,
};

int signalfd_create(u64 mask, u32 flags, struct file **result)
{
	struct signalfd *signalfd = kmalloc(sizeof(*signalfd), 0);
	struct inode *inode = signalfd ? pseudo_inode_create(0600) : NULL;

	if (!inode) {
		kfree(signalfd);
		return -ENOMEM;
	}
	signalfd->mask = mask & ~SIGNALS_UNBLOCKABLE;
	int error = open_pseudo(inode, "anon_inode:[signalfd]", &signalfd_ops,
				O_RDWR | (flags & O_NONBLOCK), result);
	if (error != 0) {
		kfree(signalfd);
		return error;
	}
	(*result)->private = signalfd;
	(*result)->mode |= FMODE_STREAM;
	atomic_inc(&nr_signalfds);
	return 0;
}

int signalfd_set_mask(struct file *file, u64 mask)
{
	struct signalfd *signalfd = file->private;

	if (file->ops != &signalfd_ops)
		return -EINVAL;
	WRITE_ONCE(signalfd->mask, mask & ~SIGNALS_UNBLOCKABLE);
	wake_up(&signalfd_wait);
	return 0;
}
