/* The kernel's own counters: per CPU, so that counting is one instruction and never contended. */
#include "mm/vmstat.h"

#include "cpu/panic.h"
#include "trace/trace.h"

DEFINE_PER_CPU(u64[NR_VMSTAT], vmstat);

u64 vmstat_read(enum vmstat_item item)
{
	u64 sum = 0;

	for_each_cpu (cpu)
		sum += per_cpu(vmstat, cpu)[item];
	return sum;
}

const char *vmstat_name(enum vmstat_item item)
{
	/* enums.def has every enumeration; the comparison of names is folded at compile time. */
#define VALUE(enum_, constant, number, text, doc)                         \
	if (!__builtin_strcmp(#enum_, "vmstat_item") && item == (number)) \
		return text;
#include "trace/enums.def"
	panic("vmstat_name(%d): no such counter", item);
}

void vmstat_emit(void)
{
	for (u32 item = 0; item < NR_VMSTAT; item++)
		TRACE(vmstat, .value = vmstat_read(item), .item = item);
}
