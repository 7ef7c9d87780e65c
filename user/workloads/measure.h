/*
 * What a workload measures of itself: time, and the faults that the kernel counts for it.
 */
#ifndef USER_WORKLOADS_MEASURE_H
#define USER_WORKLOADS_MEASURE_H

#include <stdint.h>

/* CLOCK_MONOTONIC, in nanoseconds. */
uint64_t measure_now_ns(void);

/* Faults of this process so far for which the kernel had to wait for a disk. */
uint64_t measure_majflt(void);

/* Prints NAME.majflt and NAME.minflt: the faults of this process and of the children that it has
 * waited for. */
void measure_print_faults(const char *name);

#endif
