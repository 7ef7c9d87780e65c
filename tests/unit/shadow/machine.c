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

#include "cpu/backtrace.h"
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

/* The last that printk() and panic() said. */
static char log_text[16384];

static void log_line(const char *format, va_list args)
{
	size_t used = strlen(log_text);

	if (used > sizeof(log_text) / 2)
		used = 0;
	vsnprintf(log_text + used, sizeof(log_text) - 1 - used, format, args);
	fprintf(stderr, "%s\n", log_text + used);
	strcat(log_text, "\n");
}

const char *machine_log(void)
{
	return log_text;
}

void printk(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void backtrace_save(struct backtrace *saved, const void *frame)
{
	(void)frame;
	*saved = (struct backtrace){.pcs = {machine.backtrace}};
}

void backtrace_describe(char text[LOCATION_MAX], u64 address)
{
	snprintf(text, LOCATION_MAX, "%lx", address);
}

void backtrace_print_saved(const struct backtrace *saved)
{
	printk("  at backtrace %u", saved->pcs[0]);
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
		log_text[0] = '\0';
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

static void __noreturn end_by_panic(const char *format, va_list args)
{
	log_line(format, args);
	if (expected_panic && strstr(log_text, expected_panic))
		_exit(PANICKED_AS_EXPECTED);
	if (expected_panic)
		_exit(PANICKED_OTHERWISE);
	fail();
	abort();
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	end_by_panic(format, args);
}

void panic_at(u64 rip, u64 rbp, const char *format, ...)
{
	va_list args;

	(void)rip;
	(void)rbp;
	va_start(args, format);
	end_by_panic(format, args);
}

void panic_begin(void) {}

bool panic_in_progress(void)
{
	return false;
}

bool panic_is_here(void)
{
	return false;
}
