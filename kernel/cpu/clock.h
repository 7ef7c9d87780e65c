/*
 * The clock of the kernel and of the trace: nanoseconds since boot from the time-stamp counter, by
 * one multiplication and one shift that are fixed before the second CPU starts.
 */
#ifndef CPU_CLOCK_H
#define CPU_CLOCK_H

#include "lib/types.h"

struct clock {
	u64 tsc_hz;
	u64 tsc_boot; /* counter at boot: time zero */
	u64 mult;     /* ns = (tsc - tsc_boot) * mult >> CLOCK_SHIFT, in 128 bits */
};

#define CLOCK_SHIFT 32

extern struct clock clock;

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}

/* The time at which rdtsc() returned `tsc`. */
static inline u64 tsc_to_ns(u64 tsc)
{
	return (unsigned __int128)(tsc - clock.tsc_boot) * clock.mult >> CLOCK_SHIFT;
}

/* The same times 2^16: whole nanoseconds above, and a fraction in the low 16 bits. */
static inline u64 tsc_to_ns_16(u64 tsc)
{
	return (unsigned __int128)(tsc - clock.tsc_boot) * clock.mult >> (CLOCK_SHIFT - 16);
}

/* Nanoseconds since boot; any context. Before calibration it is 0. */
static inline u64 clock_ns(void)
{
	return tsc_to_ns(rdtsc());
}

#endif
