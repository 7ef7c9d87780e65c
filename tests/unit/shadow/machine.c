#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/panic.h"
#include "cpu/percpu.h"

#define PERCPU_MAX 65536

struct machine machine;
char machine_panic_message[256];

u64 percpu_offset[MAX_CPUS];
u64 cpu_online_mask;
u32 nr_cpus;
DEFINE_PER_CPU(u32, cpu_number);

/* The ends of the section that DEFINE_PER_CPU collects; the linker makes these names. */
extern char __start_percpu[], __stop_percpu[];

static char areas[MAX_CPUS][PERCPU_MAX] __aligned(64);

void machine_reset(u32 cpus)
{
	if (__stop_percpu - __start_percpu > PERCPU_MAX)
		abort();
	memset(areas, 0, sizeof(areas));
	nr_cpus = cpus;
	cpu_online_mask = BIT(cpus) - 1;
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		percpu_offset[cpu] = (u64)areas[cpu] - (u64)__start_percpu;
		per_cpu(cpu_number, cpu) = cpu;
	}
	machine = (struct machine){.irqs_on = true, .tsc = 1000, .tsc_step = 1};
}

void machine_interrupt_point(void)
{
	if (!machine.irqs_on || !machine.interrupt)
		return;
	machine.irqs_on = false;
	machine.irq_depth++;
	machine.interrupt();
	machine.irq_depth--;
	machine.irqs_on = true;
}

void printk(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Fails the test, unless it is in expect_assert_failure(). */
void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(machine_panic_message, sizeof(machine_panic_message), format, args);
	va_end(args);
	mock_assert(0, machine_panic_message, __FILE__, __LINE__);
	abort();
}
