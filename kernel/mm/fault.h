/* Page faults. */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "lib/types.h"
#include "trace/trace_abi.h"

/* Allocates the zero page. */
void fault_init(void);

/* Solves a fault of the current task at `address`. `error_code` is the CPU's, `ip` 0 for a kernel
 * copy. Takes mmap_lock; may sleep. Traced and counted. The result tells the caller which signal to
 * send, if any. */
enum fault_result handle_fault(u64 address, u64 error_code, u64 ip);

struct mm;

/* Faults in every page of [start, end) that can be (MAP_POPULATE); stops silently where it cannot.
 * mmap_lock not held. */
void fault_populate(struct mm *mm, u64 start, u64 end);

#endif
