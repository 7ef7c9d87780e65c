/* Times of the ABI. Private to kernel/syscall/. */
#ifndef SYSCALL_TIMESPEC_H
#define SYSCALL_TIMESPEC_H

#include "lib/types.h"

/* Clocks; Linux's numbers. */
enum {
	CLOCK_REALTIME,
	CLOCK_MONOTONIC,
	CLOCK_PROCESS_CPUTIME_ID,
	CLOCK_THREAD_CPUTIME_ID,
	CLOCK_MONOTONIC_RAW,
	CLOCK_REALTIME_COARSE,
	CLOCK_MONOTONIC_COARSE,
	CLOCK_BOOTTIME,
	CLOCK_REALTIME_ALARM,
	CLOCK_BOOTTIME_ALARM,
	CLOCK_TAI = 11,
};

#define TIMER_ABSTIME 1u

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

/* A time that is `ns`, or as copied from there, away, as one of clock_ns(); ~0: for ever. */
u64 deadline_after(u64 ns);
int get_deadline(u64 from, u64 *deadline_ns);

static inline struct timeval timeval_of(u64 ns)
{
	return (struct timeval){.sec = ns / NSEC_PER_SEC,
				.usec = ns % NSEC_PER_SEC / NSEC_PER_USEC};
}

#endif
