/* Stands in for kernel/cpu/irqflags.h: see machine.h. */
#ifndef CPU_IRQFLAGS_H
#define CPU_IRQFLAGS_H

#include "lib/types.h"
#include "machine.h"

static inline void irq_disable(void)
{
	machine.irqs_on = false;
}
static inline void irq_enable(void)
{
	machine.irqs_on = true;
	machine_interrupt_point();
}
static inline bool irqs_enabled(void)
{
	return machine.irqs_on;
}

static inline u64 irq_save(void)
{
	bool on;

	machine_interrupt_point();
	on = machine.irqs_on;
	machine.irqs_on = false;
	return on;
}

static inline void irq_restore(u64 flags)
{
	if (flags)
		irq_enable();
}

static inline void cpu_relax(void)
{
	if (machine.relax)
		machine.relax();
}

#endif
