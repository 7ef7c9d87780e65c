/*
 * The vDSO: a shared library of one page that exec maps into every program (AT_SYSINFO_EHDR), with the
 * calls that need not enter the kernel. The page ends with data that they read. What differs from CPU to
 * CPU and from task to task the CPU itself answers: LSL gives the limit of a segment, and two
 * descriptors of each CPU's table have its number and the running task's process for a limit.
 *
 * Rejected: Linux's page of data of its own. It is there because it is written at each tick; here the
 * clock's rate and origin are fixed before the first program, so there is nothing to write later, and
 * no sequence count to read.
 */
#ifndef ARCH_VDSO_H
#define ARCH_VDSO_H

#include "lib/types.h"

/* The clock of cpu/clock.h; the last bytes of the page. */
struct vvar {
	u64 tsc_boot;
	u64 mult;
};

/* The highest limit of a segment: numbers from here on do not fit, and the vDSO asks the kernel. */
#define NUMBER_UNKNOWN 0xfffff

/* vdso.S: the page's content but for the data, and where it ends. */
extern const u8 arch_vdso_start[], arch_vdso_end[];

#endif
