/* The kernel's own counters: counted at other places than the events that the host compares them
 * with. */
#ifndef MM_VMSTAT_H
#define MM_VMSTAT_H

#include "cpu/percpu.h"
#include "trace/trace_abi.h"

#define NR_VMSTAT (VMSTAT_PGMIGRATE_FAIL + 1)

DECLARE_PER_CPU(u64[NR_VMSTAT], vmstat);

static inline void vmstat_add(enum vmstat_item item, u64 n)
{
	this_cpu_add(vmstat[item], n);
}
static inline void vmstat_inc(enum vmstat_item item)
{
	vmstat_add(item, 1);
}

/* Sum over all CPUs; exact when they are quiesced. */
u64 vmstat_read(enum vmstat_item item);
const char *vmstat_name(enum vmstat_item item);

/* Emits one vmstat event per counter; quiesced. */
void vmstat_emit(void);

#endif
