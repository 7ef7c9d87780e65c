/*
 * eventfd(2): a counter that is read when it is not zero, and written to as long as it fits below
 * its maximum. The wait queue's own lock would do for it, but a waker takes that: event->lock
 * (RANK_EVENTFD) guards the counter, and is never held while user memory is touched.
 */
#include "fs/eventfd.h"
#include "cpu/wait.h"
#include "fs/iov_iter.h"
#include "fs/open.h"
#include "fs/poll.h"
#include "mm/slab.h"

#define MAX_VALUE (~0ul - 1)

struct eventfd {
	spinlock_t lock; /* RANK_EVENTFD */
	u64 value;       /* written under the lock */
	bool is_semaphore;
	struct wait_queue wait;
};

/* Takes the counter, or one of it. False when it is zero. */
static bool take(struct eventfd *event, u64 *taken)
{
	spin_lock(&event->lock);
	*taken = event->is_semaphore ? min(event->value, 1ul) : event->value;
	WRITE_ONCE(event->value, event->value - *taken);
	spin_unlock(&event->lock);
	return *taken > 0;
}

/* Adds to the counter. False when it would be too large. */
static bool add(struct eventfd *event, u64 more)
{
	spin_lock(&event->lock);
	bool fits = more <= MAX_VALUE - event->value;
	if (fits)
		WRITE_ONCE(event->value, event->value + more);
	spin_unlock(&event->lock);
	return fits;
}

static long read_eventfd(struct file *file, struct iov_iter *to)
{
	struct eventfd *event = file->private;
	u64 value;

	if (to->count < sizeof(value))
		return -EINVAL;
	while (!take(event, &value)) {
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&event->wait, READ_ONCE(event->value) > 0) != 0)
			return -ERESTARTSYS;
	}
	wake_up_events(&event->wait, EPOLLOUT);
	return copy_to_iter(to, &value, sizeof(value)) != 0 ? -EFAULT : (long)sizeof(value);
}

static long write_eventfd(struct file *file, struct iov_iter *from)
{
	struct eventfd *event = file->private;
	u64 more;

	if (from->count < sizeof(more))
		return -EINVAL;
	if (copy_from_iter(&more, from, sizeof(more)) != 0)
		return -EFAULT;
	if (more > MAX_VALUE)
		return -EINVAL;
	while (!add(event, more)) {
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&event->wait,
					     READ_ONCE(event->value) <= MAX_VALUE - more) != 0)
			return -ERESTARTSYS;
	}
	wake_up_events(&event->wait, EPOLLIN);
	return sizeof(more);
}

static u32 poll_eventfd(struct file *file, struct poll_table *table)
{
	struct eventfd *event = file->private;

	poll_wait(file, &event->wait, table);
	u64 value = READ_ONCE(event->value);
	return (value > 0 ? EPOLLIN : 0) | (value < MAX_VALUE ? EPOLLOUT : 0);
}

static void release_eventfd(struct file *file)
{
	kfree(file->private);
}

static const struct file_ops eventfd_ops = {
	.read_iter = read_eventfd,
	.write_iter = write_eventfd,
	.poll = poll_eventfd,
	.release = release_eventfd,
};

int eventfd_create(u32 value, u32 flags, struct file **result)
{
	struct eventfd *event = kmalloc(sizeof(*event), GFP_ZERO);
	struct inode *inode = event ? pseudo_inode_create(0600) : NULL;

	if (!inode) {
		kfree(event);
		return -ENOMEM;
	}
	spin_lock_init(&event->lock, RANK_EVENTFD);
	wait_queue_init(&event->wait);
	event->value = value;
	event->is_semaphore = flags & EFD_SEMAPHORE;
	int error = open_pseudo(inode, "anon_inode:[eventfd]", &eventfd_ops,
				O_RDWR | (flags & O_NONBLOCK), result);
	if (error != 0) {
		kfree(event);
		return error;
	}
	(*result)->private = event;
	(*result)->mode |= FMODE_STREAM;
	return 0;
}
