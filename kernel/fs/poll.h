/*
 * Waiting for files. A file's poll operation tells what it could do now, and registers in the table
 * on the queues that are woken when that changes. Names as in Linux.
 */
#ifndef FS_POLL_H
#define FS_POLL_H

#include "cpu/wait.h"
#include "fs/file.h"

/* Events of poll(2) and epoll(7). */
#define EPOLLIN     0x0001u
#define EPOLLPRI    0x0002u
#define EPOLLOUT    0x0004u
#define EPOLLERR    0x0008u
#define EPOLLHUP    0x0010u
#define EPOLLNVAL   0x0020u
#define EPOLLRDNORM 0x0040u
#define EPOLLRDBAND 0x0080u
#define EPOLLWRNORM 0x0100u
#define EPOLLWRBAND 0x0200u
#define EPOLLRDHUP  0x2000u
/* Not events, but how they are told. */
#define EPOLLEXCLUSIVE BIT(28)
#define EPOLLWAKEUP    BIT(29)
#define EPOLLONESHOT   BIT(30)
#define EPOLLET        BIT(31)

#define EPOLL_READABLE (EPOLLIN | EPOLLRDNORM)
#define EPOLL_WRITABLE (EPOLLOUT | EPOLLWRNORM)

/* Who wants to be told: `queue` is called for each queue. NULL: only the present state counts. */
struct poll_table {
	void (*queue)(struct poll_table *table, struct file *file, struct wait_queue *queue);
};

/* For poll operations: the answer may change when `queue` is woken. It must live as long as the
 * file. */
static inline void poll_wait(struct file *file, struct wait_queue *queue, struct poll_table *table)
{
	if (table && table->queue)
		table->queue(table, file, queue);
}

/* What a file could do now; a file that has no poll operation never waits. */
static inline u32 file_poll(struct file *file, struct poll_table *table)
{
	return file->ops->poll ? file->ops->poll(file, table) : EPOLL_READABLE | EPOLL_WRITABLE;
}

/* Never wait, or for ever, instead of a time of clock_ns(). */
#define POLL_NOW     0ul
#define POLL_FOREVER (~0ul)

/* struct pollfd of the ABI. */
struct pollfd {
	s32 fd; /* negative: left out */
	s16 events, revents;
};

/* Waits until one of the files is ready, or the deadline. Returns how many are, 0 when the time has
 * come, -ERESTARTNOHAND, -ENOMEM. revents is set in all cases. May sleep. */
int poll_files(struct pollfd *fds, u32 nr, u64 deadline_ns);

/* Sets of descriptors as select(2) has them, bit fd % 64 of word fd / 64. */
enum { SELECT_IN, SELECT_OUT, SELECT_EX, NR_SELECT_SETS };

/* The same for the files in any of the sets `wanted`, of `nr` descriptors each: `ready` gets those
 * that are, and their number, each bit counted, is returned. -EBADF: one is not open. */
int select_files(u32 nr, u64 *const wanted[NR_SELECT_SETS], u64 *const ready[NR_SELECT_SETS],
		 u64 deadline_ns);

#endif
