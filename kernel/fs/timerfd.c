/*
 * timerfd: reading gives how often the timer has expired since it was read last, and waits while that
 * is never. The lock guards all of it; the timer thread takes it, and so ranks it before the timers'.
 */
#include "fs/timerfd.h"
#include "cpu/clock.h"
#include "fs/iov_iter.h"
#include "fs/open.h"
#include "fs/poll.h"
#include "lib/errno.h"
#include "mm/slab.h"

struct timerfd {
	spinlock_t lock; /* RANK_FILES */
	struct ktimer timer;
	bool armed;
	u64 expires_ns, interval_ns;
	u64 nr_expired; /* not read yet */
	struct wait_queue readers_wait;
};

/* Counts what has expired at `now`, and sets the time of the next. Lock held. */
static void count_expired(struct timerfd *timerfd, u64 now)
{
	u64 times = 1;

	if (!timerfd->armed || now < timerfd->expires_ns)
		return;
	if (timerfd->interval_ns == 0)
		timerfd->armed = false;
	else
		timerfd->expires_ns =
			ktimer_next_expiry(timerfd->expires_ns, timerfd->interval_ns, now, &times);
	timerfd->nr_expired += times;
}

static void expires(struct ktimer *timer)
{
	struct timerfd *timerfd = container_of(timer, struct timerfd, timer);

	spin_lock(&timerfd->lock);
	count_expired(timerfd, clock_ns());
	if (timerfd->armed)
		ktimer_start(timer, timerfd->expires_ns);
	spin_unlock(&timerfd->lock);
	wake_up(&timerfd->readers_wait);
}

static long read_timerfd(struct file *file, struct iov_iter *to)
{
	struct timerfd *timerfd = file->private;
	u64 nr;

	if (to->count < sizeof(nr))
		return -EINVAL;
	for (;;) {
		spin_lock(&timerfd->lock);
		nr = timerfd->nr_expired;
		timerfd->nr_expired = 0;
		spin_unlock(&timerfd->lock);
		if (nr != 0)
			break;
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&timerfd->readers_wait,
					     READ_ONCE(timerfd->nr_expired) != 0) != 0)
			return -ERESTARTSYS;
	}
	return copy_to_iter(to, &nr, sizeof(nr)) == 0 ? (long)sizeof(nr) : -EFAULT;
}

static u32 poll_timerfd(struct file *file, struct poll_table *table)
{
	struct timerfd *timerfd = file->private;

	poll_wait(file, &timerfd->readers_wait, table);
	return READ_ONCE(timerfd->nr_expired) != 0 ? EPOLLIN : 0;
}

static void release_timerfd(struct file *file)
{
	struct timerfd *timerfd = file->private;

	spin_lock(&timerfd->lock);
	timerfd->armed = false;
	spin_unlock(&timerfd->lock);
	ktimer_destroy(&timerfd->timer);
	kfree(timerfd);
}

static const struct file_ops timerfd_ops = {
	.read_iter = read_timerfd,
	.poll = poll_timerfd,
	.release = release_timerfd,
};

int timerfd_create(u32 flags, struct file **result)
{
	struct timerfd *timerfd = kmalloc(sizeof(*timerfd), GFP_ZERO);
	struct inode *inode = timerfd ? pseudo_inode_create(0600) : NULL;

	if (!inode) {
		kfree(timerfd);
		return -ENOMEM;
	}
	spin_lock_init(&timerfd->lock, RANK_FILES);
	ktimer_init(&timerfd->timer, expires);
	wait_queue_init(&timerfd->readers_wait);
	int error =
		open_pseudo(inode, "anon_inode:[timerfd]", &timerfd_ops, O_RDWR | flags, result);
	if (error != 0) {
		kfree(timerfd);
		return error;
	}
	(*result)->private = timerfd;
	(*result)->mode |= FMODE_STREAM;
	return 0;
}

/* Lock held. */
static void get_setting(const struct timerfd *timerfd, u64 now, struct timer_setting *setting)
{
	*setting = (struct timer_setting){.interval_ns = timerfd->interval_ns};
	if (timerfd->armed)
		setting->value_ns = timerfd->expires_ns > now ? timerfd->expires_ns - now : 1;
}

int timerfd_set(struct file *file, const struct timer_setting *new, bool absolute,
		struct timer_setting *old)
{
	struct timerfd *timerfd = file->private;
	u64 now = clock_ns();

	if (file->ops != &timerfd_ops)
		return -EINVAL;
	spin_lock(&timerfd->lock);
	get_setting(timerfd, now, old);
	ktimer_stop(&timerfd->timer);
	timerfd->nr_expired = 0;
	timerfd->interval_ns = new->interval_ns;
	timerfd->armed = new->value_ns != 0;
	if (absolute)
		timerfd->expires_ns = new->value_ns;
	else if (__builtin_add_overflow(now, new->value_ns, &timerfd->expires_ns))
		timerfd->expires_ns = ~0ul;
	if (timerfd->armed)
		ktimer_start(&timerfd->timer, timerfd->expires_ns);
	spin_unlock(&timerfd->lock);
	return 0;
}

int timerfd_get(struct file *file, struct timer_setting *setting)
{
	struct timerfd *timerfd = file->private;

	if (file->ops != &timerfd_ops)
		return -EINVAL;
	spin_lock(&timerfd->lock);
	get_setting(timerfd, clock_ns(), setting);
	spin_unlock(&timerfd->lock);
	return 0;
}
