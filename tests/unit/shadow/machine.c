#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cpu/panic.h"
#include "cpu/percpu.h"

#define PERCPU_MAX 65536

struct machine machine;

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

/* What panic() must say; NULL where it must not be called. */
static const char *expected_panic;

enum { PANICKED_AS_EXPECTED = 40, PANICKED_OTHERWISE, DID_NOT_PANIC };

bool machine_begin_panic(const char *text)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		expected_panic = text;
		return true;
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), PANICKED_AS_EXPECTED);
	return false;
}

void machine_end_panic(void)
{
	_exit(DID_NOT_PANIC);
}

void panic(const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (expected_panic && strstr(message, expected_panic))
		_exit(PANICKED_AS_EXPECTED);
	fprintf(stderr, "panic: %s\n", message);
	if (expected_panic)
		_exit(PANICKED_OTHERWISE);
	fail();
	abort();
}

bool panic_in_progress(void)
{
	return false;
}

bool panic_is_here(void)
{
	return false;
}
