/* Stands in for kernel/cpu/percpu.h: the same section and offsets, without %gs. See machine.h. */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include "lib/types.h"
#include "machine.h"
#include "trace/trace_abi.h"

#define MAX_CPUS TRACE_MAX_CPUS

#define DEFINE_PER_CPU(type, name)  __attribute__((section("percpu"))) typeof(type) name
#define DECLARE_PER_CPU(type, name) extern __attribute__((section("percpu"))) typeof(type) name

extern u64 percpu_offset[MAX_CPUS];

#define per_cpu(name, cpu) (*(typeof(name) *)((uintptr_t) & (name) + percpu_offset[cpu]))
#define this_cpu(name)     per_cpu(name, machine.cpu)

#define this_cpu_read(name)     (machine_interrupt_point(), this_cpu(name))
#define this_cpu_write(name, v) (machine_interrupt_point(), this_cpu(name) = (v))
#define this_cpu_add(name, v)   (machine_interrupt_point(), this_cpu(name) += (v))

DECLARE_PER_CPU(u32, cpu_number);

static inline u32 cpu_id(void)
{
	return machine.cpu;
}

extern u64 cpu_online_mask;
extern u32 nr_cpus;

#define for_each_cpu(cpu) for (u32 cpu = 0; cpu < nr_cpus; cpu++)

#endif
