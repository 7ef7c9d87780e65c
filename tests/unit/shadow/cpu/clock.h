/* Stands in for kernel/cpu/clock.h: a counter that the test sets, one tick a nanosecond. See
 * machine.h. */
#ifndef CPU_CLOCK_H
#define CPU_CLOCK_H

#include "lib/types.h"
#include "machine.h"

static inline u64 rdtsc(void)
{
	u64 now;

	machine_interrupt_point();
	now = machine.tsc;
	machine.tsc += machine.tsc_step;
	machine_interrupt_point();
	return now;
}

static inline u64 tsc_to_ns(u64 tsc)
{
	return tsc;
}
static inline u64 tsc_to_ns_16(u64 tsc)
{
	return tsc << 16;
}
static inline u64 clock_ns(void)
{
	return rdtsc();
}

#endif
