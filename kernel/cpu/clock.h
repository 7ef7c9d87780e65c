/*
 * The clock of the kernel and of the trace: nanoseconds since boot from the time-stamp counter, by
 * one multiplication and one shift that are fixed before the second CPU starts.
 *
 * The vDSO multiplies to seconds instead: the upper half of the product is the seconds, and the lower
 * half, their fraction, times 10^9 the nanoseconds, without a division. Both multipliers are the same
 * rational number, so that both clocks agree to the nanosecond: sec_mult / 2^64 * 10^9 ==
 * mult / 2^CLOCK_SHIFT. For that sec_mult is a multiple of 128.
 */
#ifndef CPU_CLOCK_H
#define CPU_CLOCK_H

#include "lib/types.h"

struct clock {
	u64 tsc_hz;
	u64 tsc_boot; /* counter at boot: time zero */
	u64 mult;     /* ns = (tsc - tsc_boot) * mult >> CLOCK_SHIFT, in 128 bits */
	u64 sec_mult; /* seconds = (tsc - tsc_boot) * sec_mult >> 64, in 128 bits */
};

#define CLOCK_SHIFT 48

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
