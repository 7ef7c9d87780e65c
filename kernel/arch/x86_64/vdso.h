/*
 * The vDSO: a shared library of one page that exec maps into every program (AT_SYSINFO_EHDR), with the
 * calls that need not enter the kernel. The page ends with data that they read. What differs from CPU to
 * CPU and from task to task the CPU itself answers: LSL gives the limit of a segment, and two
 * descriptors of each CPU's table have its number and the running task's process for a limit.
 *
 * Rejected: Linux's page of data of its own, with a sequence count. It is there because the rate and
 * the origin of its clock change; here they are fixed before the first program. What is written later
 * is one word, the seconds for time(), as Linux has them: of the last tick.
 */
#ifndef ARCH_VDSO_H
#define ARCH_VDSO_H

#include "lib/types.h"

/* The last bytes of the page: the clock of cpu/clock.h. */
struct vvar {
	u64 tsc_boot;
	u64 sec_mult;
	u64 nsec_per_sec, usec_per_sec; /* in memory, so that one instruction multiplies by them */
	u64 seconds; /* since boot at the last tick of any CPU; grows, by one store */
};
#define VVAR_OFFSET 4056 /* vdso.ld too */

/* The highest limit of a segment: numbers from here on do not fit, and the vDSO asks the kernel. */
#define NUMBER_UNKNOWN 0xfffff

/* vdso.S: the page's content but for the data, and where it ends. */
extern const u8 arch_vdso_start[], arch_vdso_end[];

#endif
