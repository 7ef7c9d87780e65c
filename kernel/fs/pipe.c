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
#include "fs/super.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/signal.h"

#define DEFAULT_SLOTS 16
#define NR_SPARE      2
#define MAX_SLOTS     (4 * MIB / sizeof(struct pipe_slot)) /* what kmalloc() can give */
#define PIPE_RIGHTS   0600u

static u32 max_size = MIB; /* bytes; atomic */

#define FIONREAD 0x541bu

struct pipe_slot {
	struct page *page;
	u16 offset, len;
	bool is_packet; /* nothing is written behind it */
};

struct pipe {
	u32 refs; /* open files; the inode's attr_lock */
	struct rwsem lock;
	struct wait_queue readers_wait, writers_wait;
	u32 head, tail;             /* slots ever filled, emptied; head - tail are in use */
	u32 nr_slots;               /* a power of two */
	u32 nr_readers, nr_writers; /* open files */
	u32 nr_read_opens,
		nr_write_opens; /* ever: who opens a FIFO waits for the other to change */
	bool is_polled;         /* since ever: wakes at each write, for edges of epoll */
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
		/* A reader that did not wait for a writer has no end before the first has come. */
		if (READ_ONCE(pipe->nr_writers) == 0 &&
		    file->pos != READ_ONCE(pipe->nr_write_opens))
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

/* One more end. Lock held. */
static void add_end(struct pipe *pipe, u32 mode)
{
	if (mode & FMODE_READ) {
		WRITE_ONCE(pipe->nr_readers, pipe->nr_readers + 1);
		WRITE_ONCE(pipe->nr_read_opens, pipe->nr_read_opens + 1);
	}
	if (mode & FMODE_WRITE) {
		WRITE_ONCE(pipe->nr_writers, pipe->nr_writers + 1);
		WRITE_ONCE(pipe->nr_write_opens, pipe->nr_write_opens + 1);
	}
}

/* One end less. */
static void remove_end(struct pipe *pipe, u32 mode)
{
	down_write(&pipe->lock);
	if (mode & FMODE_READ)
		WRITE_ONCE(pipe->nr_readers, pipe->nr_readers - 1);
	if (mode & FMODE_WRITE)
		WRITE_ONCE(pipe->nr_writers, pipe->nr_writers - 1);
	up_write(&pipe->lock);
	wake_up(&pipe->readers_wait);
	wake_up(&pipe->writers_wait);
}

/* The pipe of an inode with a reference more; `new`, which may be NULL, becomes it if there is none,
 * and else is freed. */
static struct pipe *pipe_get(struct inode *inode, struct pipe *new)
{
	spin_lock(&inode->attr_lock);
	struct pipe *pipe = inode->pipe;
	if (!pipe)
		pipe = inode->pipe = new;
	if (pipe)
		pipe->refs++;
	spin_unlock(&inode->attr_lock);
	if (new &&pipe != new)
		pipe_free(new);
	return pipe;
}

static void pipe_put(struct inode *inode, struct pipe *pipe)
{
	spin_lock(&inode->attr_lock);
	bool is_last = --pipe->refs == 0;
	if (is_last)
		inode->pipe = NULL;
	spin_unlock(&inode->attr_lock);
	if (is_last)
		pipe_free(pipe);
}

static void pipe_release(struct file *file)
{
	struct pipe *pipe = file->private;

	remove_end(pipe, file->mode);
	pipe_put(file->inode, pipe);
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

/* Makes a file an end of the pipe, of which it takes over a reference. */
static void attach(struct file *file, struct pipe *pipe)
{
	file->private = pipe;
	file->mode |= FMODE_STREAM | FMODE_DIRECT;
	down_write(&pipe->lock);
	add_end(pipe, file->mode);
	up_write(&pipe->lock);
	/* Who waits for this end in open(2) sleeps there. */
	wake_up(&pipe->readers_wait);
	wake_up(&pipe->writers_wait);
}

/* A file of the pipe, or NULL. */
static struct file *open_end(struct inode *inode, struct pipe *pipe, u32 flags)
{
	struct file *file;

	inode_get(inode);
	if (open_pseudo(inode, "pipe", &pipe_ops, flags, &file) != 0)
		return NULL;
	attach(file, pipe_get(inode, pipe));
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
	ends[PIPE_READ_END] = open_end(inode, pipe, O_RDONLY | (flags & O_NONBLOCK));
	if (!ends[PIPE_READ_END]) {
		pipe_free(pipe);
		error = -ENOMEM;
		goto out;
	}
	ends[PIPE_WRITE_END] = open_end(inode, NULL, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	if (!ends[PIPE_WRITE_END]) {
		file_put(ends[PIPE_READ_END]);
		error = -ENOMEM;
	}
out:
	inode_put(inode);
	return error;
}

/* ---- FIFOs ---- */

/* How often the other end was opened. */
static u32 partner_opens(const struct pipe *pipe, u32 mode)
{
	return READ_ONCE(*(mode == FMODE_READ ? &pipe->nr_write_opens : &pipe->nr_read_opens));
}

/* Whether there is somebody at the other end, or was since `opens` was read. */
static bool has_partner(const struct pipe *pipe, u32 mode, u32 opens)
{
	return READ_ONCE(*(mode == FMODE_READ ? &pipe->nr_writers : &pipe->nr_readers)) > 0 ||
	       partner_opens(pipe, mode) != opens;
}

/* Waits until somebody has opened the other end, who may have closed it again. 0 or -ERESTARTSYS. */
static int wait_for_partner(struct pipe *pipe, u32 mode, u32 opens)
{
	struct wait_queue *queue = mode == FMODE_READ ? &pipe->readers_wait : &pipe->writers_wait;

	if (mode == (FMODE_READ | FMODE_WRITE))
		return 0;
	return wait_event_interruptible(queue, has_partner(pipe, mode, opens));
}

static int fifo_open(struct inode *inode, struct file *file)
{
	struct pipe *pipe = pipe_get(inode, NULL);
	u32 mode = file->mode & (FMODE_READ | FMODE_WRITE);
	int error = 0;

	if (!pipe) {
		pipe = pipe_alloc();
		if (!pipe)
			return -ENOMEM;
		pipe = pipe_get(inode, pipe);
	}
	if ((file->flags & O_NONBLOCK) && mode == FMODE_WRITE && READ_ONCE(pipe->nr_readers) == 0) {
		pipe_put(inode, pipe);
		return -ENXIO;
	}
	u32 opens = partner_opens(pipe, mode);
	attach(file, pipe);
	if (inode->sb->flags & SB_PSEUDO)
		return 0; /* a pipe, opened once more through /proc: its ends were there already */
	if (!(file->flags & O_NONBLOCK))
		error = wait_for_partner(pipe, mode, opens);
	else if (mode == FMODE_READ && READ_ONCE(pipe->nr_writers) == 0)
		file->pos = READ_ONCE(pipe->nr_write_opens);
	if (error != 0)
		pipe_release(file);
	return error;
}

const struct file_ops fifo_ops = {
	.open = fifo_open,
	.read_iter = pipe_read,
	.write_iter = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
};

static struct pipe *pipe_of(struct file *file)
{
	return file->ops == &pipe_ops || file->ops == &fifo_ops ? file->private : NULL;
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

/* A capacity of at least `size` bytes, in pages; 0: too large. */
static u32 slots_for(u64 size)
{
	u32 nr_slots = 1;

	if (size > BIT(31))
		return 0;
	while (nr_slots * PAGE_SIZE < size)
		nr_slots *= 2;
	return nr_slots;
}

u32 pipe_get_max_size(void)
{
	return READ_ONCE(max_size);
}

int pipe_set_max_size(u64 size)
{
	u32 nr_slots = slots_for(size);

	if (nr_slots == 0)
		return -EINVAL;
	WRITE_ONCE(max_size, nr_slots * PAGE_SIZE);
	return 0;
}

long pipe_set_size(struct file *file, u64 size)
{
	struct pipe *pipe = pipe_of(file);
	u32 nr_slots = slots_for(size);
	int error = -EPERM;

	if (!pipe)
		return -EBADF;
	if (nr_slots == 0)
		return -EINVAL;
	down_write(&pipe->lock);
	if (nr_slots <= pipe->nr_slots || nr_slots * PAGE_SIZE <= READ_ONCE(max_size) ||
	    cred_capable(CAP_SYS_RESOURCE))
		error = resize(pipe, nr_slots);
	up_write(&pipe->lock);
	if (error != 0)
		return error;
	wake_up(&pipe->writers_wait);
	return (long)(nr_slots * PAGE_SIZE);
}
