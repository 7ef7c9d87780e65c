/*
 * Pipes. A ring of slots, each a page of the kernel with some bytes in it, as in Linux, because
 * programs see it: a write that fits behind the last bytes goes there, else it begins a new page,
 * so a write of up to a page (PIPE_BUF) is whole or waits, and a pipe is full when all its slots
 * are used. With O_DIRECT each write is a packet of its own, and a read takes one.
 *
 * pipe->lock (RANK_PIPE, sleeping) guards everything: copies from and to programs happen under it.
 * Who looks at `head`, `tail` and the counts without it, to sleep or to poll, is woken after they
 * changed: readers when the first byte comes into an empty pipe, writers when a slot of a full one
 * becomes free, both when an end goes.
 *
 * Freed pages are kept for the next write, up to NR_SPARE: a pipe in use needs no allocator.
 */
#include "fs/pipe.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/wait.h"
#include "fs/iov_iter.h"
#include "fs/open.h"
#include "fs/poll.h"
#include "mm/slab.h"
#include "proc/signal.h"

#define DEFAULT_SLOTS 16
#define NR_SPARE      2
#define MAX_SLOTS     (4 * MIB / sizeof(struct pipe_slot)) /* what kmalloc() can give */
#define PIPE_RIGHTS   0600u

#define FIONREAD 0x541bu

struct pipe_slot {
	struct page *page;
	u16 offset, len;
	bool is_packet; /* nothing is written behind it */
};

struct pipe {
	atomic_t refs; /* open files */
	struct rwsem lock;
	struct wait_queue readers_wait, writers_wait;
	u32 head, tail;             /* slots ever filled, emptied; head - tail are in use */
	u32 nr_slots;               /* a power of two */
	u32 nr_readers, nr_writers; /* open files */
	bool is_polled;             /* since ever: wakes at each write, for edges of epoll */
	struct pipe_slot *slots;
	struct page *spare[NR_SPARE];
};

static bool is_empty(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) == READ_ONCE(pipe->tail);
}

static bool is_full(const struct pipe *pipe)
{
	return READ_ONCE(pipe->head) - READ_ONCE(pipe->tail) >= READ_ONCE(pipe->nr_slots);
}

/* Whether a reader, or a writer, need not wait. */
static bool can_read(const struct pipe *pipe)
{
	return !is_empty(pipe) || READ_ONCE(pipe->nr_writers) == 0;
}

static bool can_write(const struct pipe *pipe)
{
	return !is_full(pipe) || READ_ONCE(pipe->nr_readers) == 0;
}

static struct pipe_slot *slot_at(struct pipe *pipe, u32 index)
{
	return &pipe->slots[index & (pipe->nr_slots - 1)];
}

/* ---- pages; lock held ---- */

static struct page *get_page(struct pipe *pipe)
{
	for (u32 i = 0; i < NR_SPARE; i++) {
		struct page *page = pipe->spare[i];

		pipe->spare[i] = NULL;
		if (page)
			return page;
	}
	return alloc_page(GFP_KERNEL, PAGE_KERNEL);
}

static void put_page(struct pipe *pipe, struct page *page)
{
	for (u32 i = 0; i < NR_SPARE; i++) {
		if (pipe->spare[i])
			continue;
		pipe->spare[i] = page;
		return;
	}
	free_page(page);
}

/* ---- reading ---- */

/* Takes what it can of the slot at the tail. Bytes, or -EFAULT. Lock held. */
static long read_slot(struct pipe *pipe, struct iov_iter *to)
{
	struct pipe_slot *slot = slot_at(pipe, pipe->tail);
	size_t size = min((size_t)slot->len, to->count);

	if (copy_to_iter(to, (u8 *)page_virt(slot->page) + slot->offset, size) != 0)
		return -EFAULT;
	slot->offset += size;
	slot->len -= size;
	if (slot->len == 0 || slot->is_packet) {
		put_page(pipe, slot->page);
		WRITE_ONCE(pipe->tail, pipe->tail + 1);
	}
	return size;
}

/* Reads what is there, of packets one. Bytes, or -EFAULT. Lock held. */
static long read_slots(struct pipe *pipe, struct iov_iter *to)
{
	long total = 0;

	while (!is_empty(pipe) && to->count > 0) {
		bool is_packet = slot_at(pipe, pipe->tail)->is_packet;
		long done = read_slot(pipe, to);

		if (done < 0)
			return total > 0 ? total : done;
		total += done;
		if (is_packet)
			break;
	}
	return total;
}

static long pipe_read(struct file *file, struct iov_iter *to)
{
	struct pipe *pipe = file->private;

	for (;;) {
		down_write(&pipe->lock);
		bool was_full = is_full(pipe), is_end = pipe->nr_writers == 0;
		long result = read_slots(pipe, to);
		bool has_room = was_full && !is_full(pipe);
		up_write(&pipe->lock);

		if (has_room)
			wake_up(&pipe->writers_wait);
		if (result != 0 || is_end)
			return result;
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&pipe->readers_wait, can_read(pipe)) != 0)
			return -ERESTARTSYS;
	}
}

/* ---- writing ---- */

/* Puts the odd bytes of a write, those that do not fill pages, behind the last ones of the pipe, if
 * they fit there. Bytes, 0, or -EFAULT. Lock held. */
static long append(struct pipe *pipe, struct iov_iter *from)
{
	size_t size = from->count % PAGE_SIZE;
	struct pipe_slot *last = slot_at(pipe, pipe->head - 1);

	if (is_empty(pipe) || last->is_packet || last->offset + last->len + size > PAGE_SIZE)
		return 0;
	if (copy_from_iter((u8 *)page_virt(last->page) + last->offset + last->len, from, size) != 0)
		return -EFAULT;
	last->len += size;
	return size;
}

/* Fills one more slot. Bytes, -EFAULT or -ENOMEM. Lock held; the pipe is not full. */
static long write_slot(struct pipe *pipe, struct iov_iter *from, bool is_packet)
{
	size_t size = min(from->count, PAGE_SIZE);
	struct page *page = get_page(pipe);

	if (!page)
		return -ENOMEM;
	if (copy_from_iter(page_virt(page), from, size) != 0) {
		put_page(pipe, page);
		return -EFAULT;
	}
	*slot_at(pipe, pipe->head) =
		(struct pipe_slot){.page = page, .len = size, .is_packet = is_packet};
	WRITE_ONCE(pipe->head, pipe->head + 1);
	return size;
}

/* Writes what there is room for. Bytes, or -EPIPE, -EFAULT, -ENOMEM. Lock held. */
static long write_slots(struct pipe *pipe, struct iov_iter *from, bool may_append, bool is_packet)
{
	long total = 0;

	if (pipe->nr_readers == 0)
		return -EPIPE;
	if (may_append)
		total = append(pipe, from);
	while (total >= 0 && from->count > 0 && !is_full(pipe)) {
		long done = write_slot(pipe, from, is_packet);

		if (done < 0)
			return total > 0 ? total : done;
		total += done;
	}
	return total;
}

static void send_sigpipe(void)
{
	signal_send_self(SIGPIPE);
}

static long pipe_write(struct file *file, struct iov_iter *from)
{
	struct pipe *pipe = file->private;
	bool is_first_look = true;
	long total = 0;

	for (;;) {
		bool is_packet = READ_ONCE(file->flags) & O_DIRECT;

		down_write(&pipe->lock);
		bool was_empty = is_empty(pipe);
		long done = write_slots(pipe, from, is_first_look, is_packet);
		up_write(&pipe->lock);
		is_first_look = false;

		if (done > 0 && (was_empty || READ_ONCE(pipe->is_polled)))
			wake_up(&pipe->readers_wait);
		if (done == -EPIPE)
			send_sigpipe();
		if (done < 0)
			return total > 0 ? total : done;
		total += done;
		if (from->count == 0)
			return total;
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			return total > 0 ? total : -EAGAIN;
		if (wait_event_interruptible(&pipe->writers_wait, can_write(pipe)) != 0)
			return total > 0 ? total : -ERESTARTSYS;
	}
}

/* ---- the rest of the operations ---- */

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
	struct pipe *pipe = file->private;
	u32 events = 0;

	WRITE_ONCE(pipe->is_polled, true);
	if (file->mode & FMODE_READ) {
		poll_wait(file, &pipe->readers_wait, table);
		if (!is_empty(pipe))
			events |= EPOLL_READABLE;
		if (READ_ONCE(pipe->nr_writers) == 0)
			events |= EPOLLHUP;
	}
	if (file->mode & FMODE_WRITE) {
		poll_wait(file, &pipe->writers_wait, table);
		if (!is_full(pipe))
			events |= EPOLL_WRITABLE;
		if (READ_ONCE(pipe->nr_readers) == 0)
			events |= EPOLLERR;
	}
	return events;
}

static long pipe_ioctl(struct file *file, u32 request, void __user *arg)
{
	struct pipe *pipe = file->private;
	s32 size = 0;

	if (request != FIONREAD)
		return -ENOTTY;
	down_write(&pipe->lock);
	for (u32 index = pipe->tail; index != pipe->head; index++)
		size += slot_at(pipe, index)->len;
	up_write(&pipe->lock);
	return copy_to_user(arg, &size, sizeof(size));
}

static void pipe_free(struct pipe *pipe)
{
	for (; pipe->tail != pipe->head; pipe->tail++)
		free_page(slot_at(pipe, pipe->tail)->page);
	for (u32 i = 0; i < NR_SPARE; i++)
		if (pipe->spare[i])
			free_page(pipe->spare[i]);
	kfree(pipe->slots);
	kfree(pipe);
}

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->private;

	down_write(&pipe->lock);
	if (file->mode & FMODE_READ)
		WRITE_ONCE(pipe->nr_readers, pipe->nr_readers - 1);
	if (file->mode & FMODE_WRITE)
		WRITE_ONCE(pipe->nr_writers, pipe->nr_writers - 1);
	up_write(&pipe->lock);
	wake_up(&pipe->readers_wait);
	wake_up(&pipe->writers_wait);
	if (atomic_dec_return(&pipe->refs) == 0)
		pipe_free(pipe);
}

static const struct file_ops pipe_ops = {
	.read_iter = pipe_read,
	.write_iter = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

/* ---- making one, and its size ---- */

static struct pipe *pipe_alloc(void)
{
	struct pipe *pipe = kmalloc(sizeof(*pipe), GFP_ZERO);

	if (!pipe)
		return NULL;
	pipe->slots = kmalloc(DEFAULT_SLOTS * sizeof(*pipe->slots), GFP_KERNEL);
	if (!pipe->slots) {
		kfree(pipe);
		return NULL;
	}
	pipe->nr_slots = DEFAULT_SLOTS;
	rwsem_init(&pipe->lock, RANK_PIPE);
	wait_queue_init(&pipe->readers_wait);
	wait_queue_init(&pipe->writers_wait);
	return pipe;
}

/* A file of the pipe, or NULL. */
static struct file *open_end(struct pipe *pipe, struct inode *inode, u32 flags)
{
	struct file *file;

	inode_get(inode);
	if (open_pseudo(inode, "pipe", &pipe_ops, flags, &file) != 0)
		return NULL;
	file->private = pipe;
	file->mode |= FMODE_STREAM;
	atomic_inc(&pipe->refs);
	down_write(&pipe->lock);
	if (file->mode & FMODE_READ)
		WRITE_ONCE(pipe->nr_readers, pipe->nr_readers + 1);
	if (file->mode & FMODE_WRITE)
		WRITE_ONCE(pipe->nr_writers, pipe->nr_writers + 1);
	up_write(&pipe->lock);
	return file;
}

int pipe_create(struct file *ends[2], u32 flags)
{
	struct pipe *pipe = pipe_alloc();
	struct inode *inode = pipe ? pseudo_inode_create(S_IFIFO | PIPE_RIGHTS) : NULL;
	int error = 0;

	if (!inode) {
		if (pipe)
			pipe_free(pipe);
		return -ENOMEM;
	}
	ends[PIPE_READ_END] = open_end(pipe, inode, O_RDONLY | (flags & O_NONBLOCK));
	if (!ends[PIPE_READ_END]) {
		pipe_free(pipe);
		error = -ENOMEM;
		goto out;
	}
	ends[PIPE_WRITE_END] = open_end(pipe, inode, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	if (!ends[PIPE_WRITE_END]) {
		file_put(ends[PIPE_READ_END]);
		error = -ENOMEM;
	}
out:
	inode_put(inode);
	return error;
}

static struct pipe *pipe_of(struct file *file)
{
	return file->ops == &pipe_ops ? file->private : NULL;
}

long pipe_get_size(struct file *file)
{
	struct pipe *pipe = pipe_of(file);

	return pipe ? (long)(READ_ONCE(pipe->nr_slots) * PAGE_SIZE) : -EBADF;
}

/* Moves what is in the pipe to a ring of another size. Lock held. */
static int resize(struct pipe *pipe, u32 nr_slots)
{
	u32 used = pipe->head - pipe->tail;
	struct pipe_slot *slots;

	if (used > nr_slots)
		return -EBUSY;
	if (nr_slots > MAX_SLOTS)
		return -ENOMEM;
	slots = kmalloc(nr_slots * sizeof(*slots), GFP_NOOOM);
	if (!slots)
		return -ENOMEM;
	for (u32 index = pipe->tail; index != pipe->head; index++)
		slots[index & (nr_slots - 1)] = *slot_at(pipe, index);
	kfree(pipe->slots);
	pipe->slots = slots;
	WRITE_ONCE(pipe->nr_slots, nr_slots);
	return 0;
}

long pipe_set_size(struct file *file, u64 size)
{
	struct pipe *pipe = pipe_of(file);
	u32 nr_slots = 1;
	int error;

	if (!pipe)
		return -EBADF;
	if (size > BIT(31))
		return -EINVAL;
	while (nr_slots * PAGE_SIZE < size)
		nr_slots *= 2;
	down_write(&pipe->lock);
	error = resize(pipe, nr_slots);
	up_write(&pipe->lock);
	if (error != 0)
		return error;
	wake_up(&pipe->writers_wait);
	return (long)(nr_slots * PAGE_SIZE);
}
