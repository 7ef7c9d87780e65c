/* struct rusage, for wait4 and getrusage. */
#ifndef SYSCALL_RUSAGE_H
#define SYSCALL_RUSAGE_H

#include "proc/task.h"

/* Writes a struct rusage with this processor time and these faults to user memory. 0 or -EFAULT. */
int __must_check put_rusage(u64 to, struct cpu_time time, struct fault_counts faults);

#endif
