/*
 * The request queue of a disk and the thread that ends requests.
 *
 * The life of a request:
 *
 *   submitted -> queued -> in flight -> ended: request->done() called, once
 *                             |  ^
 *                             v  |
 *                           suspect
 *
 *   queued     waits for a tag, first come, first served
 *   in flight  the disk has it under a tag; block_rq_issue tells
 *   suspect    was in flight with others when the disk reported an error
 *
 * Each time in flight ends with one block_rq_complete: with error 0, with -EIO when the request
 * failed, or with -EAGAIN when it is tried again. Both events are emitted under the disk lock,
 * where the tag is taken and given back, so the events of a tag alternate.
 *
 * Errors. A disk that fails in the middle of several commands does not tell, in a way that all
 * disks share, which of them it was. So the request that is in flight alone when the disk fails has
 * failed, for good; several become suspects and are tried again one by one, before anything else,
 * which finds the guilty one. After every error the controller restarts the disk. Rejected: failing
 * all that were in flight (31 innocent pages for one bad sector); asking for the error log of
 * queued commands (a second way to the same answer, and not every disk keeps it).
 *
 * A disk that does not answer has failed too: the thread looks every quarter of the time limit, and
 * what has been in flight for longer goes the same way, through suspicion, a restart, and a second
 * try alone. A disk that is merely slow is not in danger: the limit is half a minute, as Linux's,
 * and each answer counts.
 *
 * Interrupts only wake the block thread, which looks at the registers under the disk lock: a
 * handler that took the lock would have to rank above all locks that are held with interrupts on.
 * latency_ns is therefore what the kernel waited, up to the moment when it noticed.
 *
 * Lock: disk->lock. It is innermost but for those of waking and printing; done() is called without
 * it.
 */
#include "dev/block.h"

#include "cpu/clock.h"
#include "cpu/kthread.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "trace/trace.h"

/* Linux's limit for a disk. Below the least a busy host alone would make a disk fail. */
#define DEFAULT_LIMIT_MS 30000
#define MIN_LIMIT_MS     100

static struct disk *backing_disk(struct backing *backing)
{
	return container_of(backing, struct disk, backing);
}

static u64 first_sector(const struct io_request *request)
{
	return request->offset >> SECTOR_SHIFT;
}

static u32 nr_sectors(const struct io_request *request)
{
	return request->nr_pages << (PAGE_SHIFT - SECTOR_SHIFT);
}

static u32 all_tags(const struct disk *disk)
{
	return ~0u >> (DISK_MAX_TAGS - disk->nr_tags);
}

/* Puts a request in flight; there is a free tag. Disk lock held. */
static void issue(struct disk *disk, struct io_request *request)
{
	u32 tag = __builtin_ctz(~disk->in_flight);

	ASSERT(spin_is_held(&disk->lock));
	disk->in_flight |= 1u << tag;
	disk->requests[tag] = request;
	TRACE(block_rq_issue, .sector = first_sector(request), .nr_sector = nr_sectors(request),
	      .tag = tag, .write = request->write);
	/* Not before the event: that may wait for the host, which is no fault of the disk. */
	request->issued_ns = clock_ns();
	disk->ops->issue(disk, tag, request);
}

static struct io_request *take_first(struct list_head *list)
{
	struct io_request *request = list_first_entry(list, struct io_request, node);

	list_del(&request->node);
	return request;
}

/* Issues what may be issued now: suspects one by one, then the queue as far as there are tags. Disk
 * lock held. */
static void issue_queued(struct disk *disk)
{
	ASSERT(spin_is_held(&disk->lock));
	if (disk->state != DISK_RUNNING || disk->alone)
		return;
	if (!list_empty(&disk->suspects)) {
		if (disk->in_flight == 0) {
			disk->alone = true;
			issue(disk, take_first(&disk->suspects));
		}
		return;
	}
	while (!list_empty(&disk->queue) && disk->in_flight != all_tags(disk))
		issue(disk, take_first(&disk->queue));
}

/* Takes a request out of flight and puts it on `to`. Disk lock held. */
static void end_flight(struct disk *disk, u32 tag, int error, struct list_head *to)
{
	struct io_request *request = disk->requests[tag];

	ASSERT(spin_is_held(&disk->lock));
	disk->in_flight &= ~(1u << tag);
	disk->requests[tag] = NULL;
	disk->alone = false;
	request->error = error;
	list_add_tail(&request->node, to);
	TRACE(block_rq_complete, .sector = first_sector(request), .nr_sector = nr_sectors(request),
	      .error = error, .latency_ns = clock_ns() - request->issued_ns, .tag = tag,
	      .write = request->write);
}

/* Whether a request has been in flight for longer than the limit. Disk lock held. */
static bool is_overdue(const struct disk *disk)
{
	u64 now = clock_ns();

	ASSERT(spin_is_held(&disk->lock));
	for (u32 left = disk->in_flight; left; left &= left - 1)
		if (now - disk->requests[__builtin_ctz(left)]->issued_ns > disk->limit_ns)
			return true;
	return false;
}

/* The disk reported an error: finds who is guilty, or whom to suspect. Disk lock held. */
static void end_failed_flights(struct disk *disk, struct list_head *ended)
{
	bool one = (disk->in_flight & (disk->in_flight - 1)) == 0;

	for (u32 left = disk->in_flight; left; left &= left - 1) {
		if (one)
			end_flight(disk, __builtin_ctz(left), -EIO, ended);
		else
			end_flight(disk, __builtin_ctz(left), -EAGAIN, &disk->suspects);
	}
}

/* Nothing is in flight on a dead disk; what waits fails. Disk lock held. */
static void fail_waiting(struct disk *disk, struct list_head *ended)
{
	struct io_request *request;
	LIST_HEAD(failed);

	ASSERT(disk->in_flight == 0);
	list_splice_tail(&disk->suspects, &failed);
	list_splice_tail(&disk->queue, &failed);
	list_for_each_entry (request, &failed, node)
		request->error = -EIO;
	list_splice_tail(&failed, ended);
}

/* Moves the requests that ended to `ended` and issues more. Returns whether the disk must be
 * restarted. */
static bool reap(struct disk *disk, struct list_head *ended)
{
	u64 flags = spin_lock_irqsave(&disk->lock);
	bool failed = false;

	if (disk->state == DISK_DEAD) {
		fail_waiting(disk, ended);
	} else {
		u32 finished = disk->ops->finished(disk, disk->in_flight, &failed);

		for (; finished; finished &= finished - 1)
			end_flight(disk, __builtin_ctz(finished), 0, ended);
		if (!failed && is_overdue(disk)) {
			printk("disk %s: does not answer: reset", disk->name);
			failed = true;
		}
		if (failed) {
			end_failed_flights(disk, ended);
			disk->state = DISK_RESTARTING;
		} else {
			issue_queued(disk);
		}
	}
	spin_unlock_irqrestore(&disk->lock, flags);
	return failed;
}

static void call_done(struct disk *disk, struct list_head *ended)
{
	while (!list_empty(ended)) {
		struct io_request *request = take_first(ended);

		if (request->error)
			printk("disk %s: %s of %u sectors at %lu failed", disk->name,
			       request->write ? "write" : "read", nr_sectors(request),
			       first_sector(request));
		request->done(request);
	}
}

static void restart(struct disk *disk)
{
	int error = disk->ops->restart(disk);
	u64 flags = spin_lock_irqsave(&disk->lock);

	disk->state = error ? DISK_DEAD : DISK_RUNNING;
	issue_queued(disk);
	spin_unlock_irqrestore(&disk->lock, flags);
	if (error) {
		printk("disk %s: cannot be restarted after an error: it is not used any more",
		       disk->name);
		disk_interrupt(disk); /* for those who wait */
	}
}

/* Sleeps until an interrupt, or until it is time to look for requests without an answer. */
static void wait_for_attention(struct disk *disk)
{
	u64 deadline = clock_ns() + disk->limit_ns / 4;
	struct wait_entry wait;

	wait_entry_init(&wait);
	for (;;) {
		wait_prepare(&disk->wait, &wait, TASK_UNINTERRUPTIBLE);
		if (READ_ONCE(disk->attention) || clock_ns() >= deadline)
			break;
		schedule_until(deadline);
	}
	wait_finish(&disk->wait, &wait);
}

static void block_thread(void *arg)
{
	struct disk *disk = arg;

	/* Ending a write frees memory: it must not wait for memory itself. */
	current->flags |= PF_MEMALLOC;
	for (;;) {
		LIST_HEAD(ended);
		bool failed;

		wait_for_attention(disk);
		/* Cleared before the registers are read: an interrupt from now on makes another
		 * round. */
		__atomic_store_n(&disk->attention, false, __ATOMIC_SEQ_CST);
		failed = reap(disk, &ended);
		call_done(disk, &ended);
		if (failed)
			restart(disk);
		cond_resched();
	}
}

void disk_interrupt(struct disk *disk)
{
	__atomic_store_n(&disk->attention, true, __ATOMIC_SEQ_CST);
	wake_up(&disk->wait);
}

static void disk_submit(struct backing *backing, struct io_request *request)
{
	struct disk *disk = backing_disk(backing);
	u64 size = (u64)request->nr_pages << PAGE_SHIFT;
	bool dead;
	u64 flags;

	BUG_ON(request->nr_pages == 0 || request->nr_pages > IO_MAX_PAGES);
	BUG_ON(request->offset % PAGE_SIZE != 0 || request->offset > backing->size ||
	       backing->size - request->offset < size);

	flags = spin_lock_irqsave(&disk->lock);
	list_add_tail(&request->node, &disk->queue);
	issue_queued(disk);
	dead = disk->state == DISK_DEAD;
	spin_unlock_irqrestore(&disk->lock, flags);
	if (dead)
		disk_interrupt(disk);
}

static const struct backing_ops disk_backing_ops = {
	.submit = disk_submit,
};

int disk_start(struct disk *disk)
{
	BUG_ON(disk->nr_tags == 0 || disk->nr_tags > DISK_MAX_TAGS);
	disk->backing.ops = &disk_backing_ops;
	spin_lock_init(&disk->lock, RANK_BLOCK);
	disk->state = DISK_RUNNING;
	disk->limit_ns = cmdline_u64("disk_timeout_ms", DEFAULT_LIMIT_MS) * NSEC_PER_MSEC;
	if (disk->limit_ns < MIN_LIMIT_MS * NSEC_PER_MSEC)
		panic("disk_timeout_ms: give %d or more", MIN_LIMIT_MS);
	list_init(&disk->queue);
	list_init(&disk->suspects);
	wait_queue_init(&disk->wait);
	return kthread_run(block_thread, disk, "kblockd");
}

/* Not on the reader's stack: the reader may be gone before wake_up() is done with the queue. */
static DEFINE_WAIT_QUEUE(sync_wait);

struct sync_read {
	struct io_request request;
	bool ended; /* set last, by the block thread */
};

static void sync_read_done(struct io_request *request)
{
	struct sync_read *read = container_of(request, struct sync_read, request);

	__atomic_store_n(&read->ended, true, __ATOMIC_SEQ_CST);
	wake_up(&sync_wait);
}

int disk_read_sync(struct backing *backing, u64 offset, struct page *page)
{
	struct sync_read read = {
		.request =
			{
				.backing = backing,
				.offset = offset,
				.pages = {page},
				.nr_pages = 1,
				.done = sync_read_done,
			},
	};

	backing->ops->submit(backing, &read.request);
	wait_event(&sync_wait, __atomic_load_n(&read.ended, __ATOMIC_ACQUIRE));
	return read.request.error;
}
