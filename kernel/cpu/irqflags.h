/* Interrupts of this CPU on and off, and what a busy wait executes. */
#ifndef CPU_IRQFLAGS_H
#define CPU_IRQFLAGS_H

#include "lib/types.h"

#define RFLAGS_IF BIT(9)

static inline u64 irq_flags(void)
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
	return flags;
}

static inline void irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}
static inline void irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}
static inline bool irqs_enabled(void)
{
	return irq_flags() & RFLAGS_IF;
}

/* Turns interrupts off; returns what irq_restore() needs to bring the former state back. Nests. */
static inline u64 irq_save(void)
{
	u64 flags = irq_flags();

	irq_disable();
	return flags;
}

static inline void irq_restore(u64 flags)
{
	if (flags & RFLAGS_IF)
		irq_enable();
}

/* One round of a busy wait. */
static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

#endif
