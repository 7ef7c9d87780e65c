/* Times of the ABI. Private to kernel/syscall/. */
#ifndef SYSCALL_TIMESPEC_H
#define SYSCALL_TIMESPEC_H

#include "lib/types.h"

struct timespec {
	s64 sec, nsec;
};

struct timeval {
	s64 sec, usec;
};

/* A wished time in ns; what does not fit is for ever, ~0. 0, -EFAULT, -EINVAL. */
int get_timespec(u64 from, u64 *ns);
/* Checks one: 0 or -EINVAL. */
int timespec_to_ns(struct timespec ts, u64 *ns);
/* 0 or -EFAULT. */
long put_timespec(u64 to, u64 ns);

#endif
