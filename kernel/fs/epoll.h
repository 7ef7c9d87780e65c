/* epoll(7): a file that watches others, and tells which of them are ready. */
#ifndef FS_EPOLL_H
#define FS_EPOLL_H

#include "fs/poll.h"

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

/* struct epoll_event of the ABI. */
struct epoll_event {
	u32 events; /* EPOLL* of fs/poll.h */
	u64 data;
} __packed;

static_assert(sizeof(struct epoll_event) == 12, "ABI");

/* Files that all epolls together may watch. Linux counts them for each user. */
extern u64 epoll_max_watches;

/* Sets it. */
void epoll_init(void);

/* 0 or -ENOMEM. */
int epoll_create(struct file **result);

/* As epoll_ctl(2): `event` is not looked at for EPOLL_CTL_DEL. An entry is known by the file and the
 * descriptor. May sleep. */
int epoll_change(struct file *epoll, u32 op, struct file *file, s32 fd,
		 const struct epoll_event *event);

/* Waits until something is ready, and writes up to `max` events. How many; 0 when the time has come, -EINTR,
 * -EFAULT, -EINVAL: it is no epoll. */
long epoll_wait(struct file *epoll, struct epoll_event __user *to, u32 max, u64 deadline_ns);

/* The last reference of a watched file is gone, and nothing else of it yet. May sleep. */
void epoll_forget_file(struct file *file);

#endif
