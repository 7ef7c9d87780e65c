/*
 * poll and select: look at all files, sleep until a queue that one of them named is woken, look
 * again.
 *
 * A wake-up that comes while the files are being looked at must not be lost, and looking may
 * sleep for memory. So an entry does not wake its task alone, it sets `triggered` first; the
 * sleeper sets its state, then tests that. Both sides have a full barrier in between.
 */
#include "fs/poll.h"
#include "cpu/clock.h"
#include "fs/fdtable.h"
#include "mm/slab.h"
#include "proc/sched.h"

#define NR_INLINE_ENTRIES 6
#define NR_CHUNK_ENTRIES  32

struct poll_entry {
	struct wait_entry wait;
	struct wait_queue *queue;
	struct file *file; /* a reference, so that the queue stays */
	struct poll_waiter *waiter;
};

struct poll_chunk {
	struct poll_chunk *next;
	u32 nr;
	struct poll_entry entries[NR_CHUNK_ENTRIES];
};

/* One call of poll or select, on its stack. */
struct poll_waiter {
	struct poll_table table; /* first; its queue function goes after the first look */
	struct task *task;
	u32 triggered; /* a queue was woken; set by wakers */
	int error;     /* -ENOMEM when an entry could not be made */
	u32 nr_inline;
	struct poll_chunk *chunks; /* those with room are first */
	struct poll_entry entries[NR_INLINE_ENTRIES];
};

static void wake_waiter(struct wait_entry *wait, u32 events)
{
	struct poll_waiter *waiter = container_of(wait, struct poll_entry, wait)->waiter;

	(void)events; /* what is ready is looked at anyway */
	__atomic_store_n(&waiter->triggered, 1, __ATOMIC_SEQ_CST);
	sched_wake(waiter->task);
}

/* Room for one more entry, or NULL. */
static struct poll_entry *new_entry(struct poll_waiter *waiter)
{
	struct poll_chunk *chunk = waiter->chunks;

	if (waiter->nr_inline < NR_INLINE_ENTRIES)
		return &waiter->entries[waiter->nr_inline++];
	if (!chunk || chunk->nr == NR_CHUNK_ENTRIES) {
		chunk = kmalloc(sizeof(*chunk), GFP_KERNEL);
		if (!chunk)
			return NULL;
		chunk->next = waiter->chunks;
		chunk->nr = 0;
		waiter->chunks = chunk;
	}
	return &chunk->entries[chunk->nr++];
}

static void add_entry(struct poll_table *table, struct file *file, struct wait_queue *queue)
{
	struct poll_waiter *waiter = container_of(table, struct poll_waiter, table);
	struct poll_entry *entry = new_entry(waiter);

	if (!entry) {
		waiter->error = -ENOMEM;
		return;
	}
	file_get(file);
	entry->file = file;
	entry->queue = queue;
	entry->waiter = waiter;
	wait_entry_init(&entry->wait);
	entry->wait.wake = wake_waiter;
	wait_add(queue, &entry->wait);
}

static void init_waiter(struct poll_waiter *waiter, u64 deadline_ns)
{
	waiter->table.queue = deadline_ns == POLL_NOW ? NULL : add_entry;
	waiter->task = current_proc;
	waiter->triggered = 0;
	waiter->error = 0;
	waiter->nr_inline = 0;
	waiter->chunks = NULL;
}

static void remove_entries(struct poll_entry *entries, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		wait_remove(entries[i].queue, &entries[i].wait);
		file_put(entries[i].file);
	}
}

static void finish_waiter(struct poll_waiter *waiter)
{
	struct poll_chunk *chunk;

	remove_entries(waiter->entries, waiter->nr_inline);
	while ((chunk = waiter->chunks)) {
		waiter->chunks = chunk->next;
		remove_entries(chunk->entries, chunk->nr);
		kfree(chunk);
	}
}

/* Sleeps until a queue is woken, a signal comes, or the deadline. */
static void sleep_once(struct poll_waiter *waiter, u64 deadline_ns)
{
	struct task *task = waiter->task;

	__atomic_exchange_n(&task->state, TASK_INTERRUPTIBLE, __ATOMIC_SEQ_CST);
	if (!READ_ONCE(waiter->triggered) && !current_has_signal()) {
		if (deadline_ns == POLL_FOREVER)
			schedule();
		else
			schedule_until(deadline_ns);
	}
	WRITE_ONCE(task->state, TASK_RUNNING);
	__atomic_exchange_n(&waiter->triggered, 0, __ATOMIC_SEQ_CST);
}

/* Looks at the files of `what` until `look` finds some, or the end. */
static int wait_for_files(int (*look)(void *what, struct poll_waiter *waiter), void *what,
			  u64 deadline_ns)
{
	struct poll_waiter waiter;
	int nr;

	init_waiter(&waiter, deadline_ns);
	for (;;) {
		bool timed_out = deadline_ns != POLL_FOREVER && clock_ns() >= deadline_ns;

		nr = look(what, &waiter);
		waiter.table.queue = NULL;
		if (nr == 0)
			nr = waiter.error;
		if (nr == 0 && current_has_signal())
			nr = -ERESTARTNOHAND;
		if (nr != 0 || timed_out)
			break;
		sleep_once(&waiter, deadline_ns);
	}
	finish_waiter(&waiter);
	return nr;
}

/* ---- poll ---- */

struct poll_call {
	struct pollfd *fds;
	u32 nr;
};

static u32 poll_one(const struct pollfd *fd, struct poll_waiter *waiter)
{
	u32 wanted = (u16)fd->events | EPOLLERR | EPOLLHUP;
	struct file *file;

	if (fd->fd < 0)
		return 0;
	file = fd_get(fd->fd);
	if (!file)
		return EPOLLNVAL;
	u32 events = file_poll(file, &waiter->table) & wanted;
	file_put(file);
	return events;
}

static int poll_all(void *what, struct poll_waiter *waiter)
{
	struct poll_call *call = what;
	int nr = 0;

	for (u32 i = 0; i < call->nr; i++) {
		u32 events = poll_one(&call->fds[i], waiter);

		call->fds[i].revents = events;
		if (events == 0)
			continue;
		nr++;
		waiter->table.queue = NULL; /* there will be no sleep */
	}
	return nr;
}

int poll_files(struct pollfd *fds, u32 nr, u64 deadline_ns)
{
	struct poll_call call = {.fds = fds, .nr = nr};

	return wait_for_files(poll_all, &call, deadline_ns);
}

/* ---- select ---- */

static const u32 select_events[NR_SELECT_SETS] = {
	[SELECT_IN] = EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLNVAL,
	[SELECT_OUT] = EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR | EPOLLNVAL,
	[SELECT_EX] = EPOLLPRI | EPOLLNVAL,
};

struct select_call {
	u32 nr;
	u64 *const *wanted, *const *ready;
};

static bool is_wanted(const struct select_call *call, u32 set, u32 fd)
{
	return call->wanted[set][fd / 64] & BIT(fd % 64);
}

static int select_one(struct select_call *call, u32 fd, struct poll_waiter *waiter)
{
	struct file *file = fd_get(fd);
	/* Closed since the call began: as if it had not been asked for. */
	u32 events = file ? file_poll(file, &waiter->table) : 0;
	int nr = 0;

	if (file)
		file_put(file);
	for (u32 set = 0; set < NR_SELECT_SETS; set++) {
		if (!is_wanted(call, set, fd) || !(events & select_events[set]))
			continue;
		call->ready[set][fd / 64] |= BIT(fd % 64);
		nr++;
	}
	return nr;
}

/* The descriptors of a word that are in any set. */
static u64 wanted_word(const struct select_call *call, u32 word)
{
	u64 bits = 0;

	for (u32 set = 0; set < NR_SELECT_SETS; set++)
		bits |= call->wanted[set][word];
	if (call->nr / 64 == word)
		bits &= BIT(call->nr % 64) - 1;
	return bits;
}

static int select_all(void *what, struct poll_waiter *waiter)
{
	struct select_call *call = what;
	int nr = 0;

	for (u32 word = 0; word < (call->nr + 63) / 64; word++) {
		for (u64 bits = wanted_word(call, word); bits; bits &= bits - 1) {
			nr += select_one(call, word * 64 + __builtin_ctzl(bits), waiter);
			if (nr > 0)
				waiter->table.queue = NULL;
		}
	}
	return nr;
}

static bool all_are_open(const struct select_call *call)
{
	for (u32 word = 0; word < (call->nr + 63) / 64; word++) {
		for (u64 bits = wanted_word(call, word); bits; bits &= bits - 1) {
			struct file *file = fd_get(word * 64 + __builtin_ctzl(bits));

			if (!file)
				return false;
			file_put(file);
		}
	}
	return true;
}

int select_files(u32 nr, u64 *const wanted[NR_SELECT_SETS], u64 *const ready[NR_SELECT_SETS],
		 u64 deadline_ns)
{
	struct select_call call = {.nr = nr, .wanted = wanted, .ready = ready};

	if (!all_are_open(&call))
		return -EBADF;
	return wait_for_files(select_all, &call, deadline_ns);
}
