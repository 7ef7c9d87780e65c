/* Stands in for kernel/cpu/local.h: an interrupt may come before and after, never in between. See
 * machine.h. */
#ifndef CPU_LOCAL_H
#define CPU_LOCAL_H

#include "cpu/percpu.h"

#define this_cpu_try_cmpxchg(name, old, new)    \
	({                                      \
		u64 expected_ = *(old);         \
                                                \
		machine_interrupt_point();      \
		*(old) = this_cpu(name);        \
		if (*(old) == expected_)        \
			this_cpu(name) = (new); \
		machine_interrupt_point();      \
		*(old) == expected_;            \
	})

static inline void local_inc(u64 *counter)
{
	machine_interrupt_point();
	++*counter;
}

static inline bool local_sub_and_test(u64 *counter, u64 n)
{
	bool zero;

	machine_interrupt_point();
	*counter -= n;
	zero = *counter == 0;
	machine_interrupt_point();
	return zero;
}

#endif
