/*
 * Per-CPU variables. The linker collects them in one section; every CPU has a copy of it, and %gs
 * holds the distance from the section to the CPU's copy, so `%gs:variable` is this CPU's. The
 * section itself is a template: read-only, never anybody's copy. CPU 0 has its copy before the
 * first variable is used.
 *
 * The kernel is never preempted between two of its own instructions except where it calls
 * schedule(), so "this CPU" holds from one sleep to the next. An interrupt may come in between:
 * data that its handler also touches needs interrupts off.
 */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include "lib/types.h"
#include "trace/trace_abi.h"

#define MAX_CPUS TRACE_MAX_CPUS

#define DEFINE_PER_CPU(type, name) __attribute__((section(".data..percpu"))) typeof(type) name
#define DECLARE_PER_CPU(type, name) \
	extern __attribute__((section(".data..percpu"))) typeof(type) name

/* Distance from the section to the copy of each CPU; written once, before that CPU starts. */
extern u64 percpu_offset[MAX_CPUS];

/* Reads or writes this CPU's copy; one instruction, so interrupts cannot split it. */
#define this_cpu_read(name)     (*(typeof(name) __seg_gs *)(uintptr_t) & (name))
#define this_cpu_write(name, v) (*(typeof(name) __seg_gs *)(uintptr_t) & (name) = (v))
#define this_cpu_add(name, v)   (*(typeof(name) __seg_gs *)(uintptr_t) & (name) += (v))

/* The copy of one CPU as an lvalue. */
#define per_cpu(name, cpu) (*(typeof(name) *)((uintptr_t) & (name) + percpu_offset[cpu]))
#define this_cpu(name)     per_cpu(name, cpu_id())

/* Bytes of a copy: whole pages. */
size_t percpu_size(void);

/* Makes `area` (page-aligned, in the direct map) the copy of `cpu` and gives it a boot task as
 * `current`. Once per CPU. */
void percpu_init_cpu(u32 cpu, void *area);

DECLARE_PER_CPU(u32, cpu_number);

/* Number of the CPU that runs this; from 0. */
static inline u32 cpu_id(void)
{
	return this_cpu_read(cpu_number);
}

/* Bit mask of the CPUs that answer interrupts and take part in quiescing; set at boot by each CPU. Hotplug changes it while
 * all CPUs are quiesced. */
extern u64 cpu_online_mask;
/* CPUs that firmware reports and the kernel will start; fixed before they are started. */
extern u32 nr_cpus;

/* Bit mask of those. */
static inline u64 cpu_possible_mask(void)
{
	return ~0ul >> (64 - nr_cpus);
}

#define for_each_cpu(cpu) for (u32 cpu = 0; cpu < nr_cpus; cpu++)

#endif
