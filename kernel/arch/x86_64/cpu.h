/* Control registers, model-specific registers, CPUID, and the machine-level pieces of a CPU:
 * private to arch. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "cpu/percpu.h"

/* Where a trap or system call from user mode begins to push: end of the running task's kernel
 * stack. */
DECLARE_PER_CPU(u64, entry_stack_top);

/* Sets that, for system calls and (in the TSS) for traps. Interrupts off. */
void cpu_set_entry_stack(u64 top);

/* The same, and what the program that will run hears from the vDSO as its process. Interrupts off. */
void cpu_set_entry(u64 top, u64 process_descriptor);

/* Names of the double fault, NMI and machine check stacks in the TSS; 0 means none. */
enum ist { IST_NONE, IST_DOUBLE_FAULT, IST_NMI, IST_MACHINE_CHECK, NR_IST };

/* Fills the interrupt descriptor table, which all CPUs share. Once. */
void idt_init(void);
void idt_load(void);

/* Replaces STAC and CLAC by no-ops on a CPU without SMAP. Once, while the image is still writable.
 */
void patch_smap_sites(void);

/* Sets the stack and per-CPU area of the CPU that runs first, then reads the start information.
 * From pvh.S. */
void arch_boot(phys_addr_t start_info) __noreturn;

/* Busy wait by the clock: after arch_init_clock(). */
void delay_ns(u64 ns);

static inline void cpuid_count(u32 leaf, u32 part, u32 *a, u32 *b, u32 *c, u32 *d)
{
	__asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(part));
}

static inline void cpuid(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
	cpuid_count(leaf, 0, a, b, c, d);
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static inline u64 read_cr2(void)
{
	u64 v;

	__asm__ volatile("movq %%cr2, %0" : "=r"(v));
	return v;
}

static inline u64 read_cr3(void)
{
	u64 v;

	__asm__ volatile("movq %%cr3, %0" : "=r"(v)::"memory");
	return v;
}

static inline void write_cr3(u64 v)
{
	__asm__ volatile("movq %0, %%cr3" ::"r"(v) : "memory");
}
static inline void write_cr0(u64 v)
{
	__asm__ volatile("movq %0, %%cr0" ::"r"(v) : "memory");
}
static inline u64 read_cr4(void)
{
	u64 v;

	__asm__ volatile("movq %%cr4, %0" : "=r"(v));
	return v;
}
static inline void write_cr4(u64 v)
{
	__asm__ volatile("movq %0, %%cr4" ::"r"(v) : "memory");
}

#endif
