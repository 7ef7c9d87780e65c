/*
 * The end of the kernel: one CPU says why and where, stops the others, gives the layers above a
 * last word, ends the machine. The first CPU that panics does all this; another that comes
 * meanwhile waits to be stopped; a panic inside the panic goes straight to the end.
 */
#include "cpu/panic.h"
#include "cpu/backtrace.h"
#include "cpu/current.h"
#include "cpu/irqflags.h"
#include "cpu/symbols.h"
#include "lib/printf.h"

#define REASON_MAX 200

struct panic_hooks panic_hooks;

static u32 panic_cpu;  /* cpu + 1 of the first that panicked, or 0 */
static bool reporting; /* panic_begin() ran, the panic() that belongs to it has yet to; panic_cpu */

bool panic_in_progress(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_ACQUIRE) != 0;
}

bool panic_is_here(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_ACQUIRE) == cpu_id() + 1;
}

static void __noreturn end_machine(void)
{
	/* The driver looks for this line. */
	if (panic_hooks.trace_in_memory)
		printk("palimpsest: stopped, the end of the trace is in memory");
	else if (panic_hooks.exit_machine)
		panic_hooks.exit_machine(PANIC_EXIT_VALUE);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* Returns on the first CPU only. */
static void claim_panic(void)
{
	u32 self = cpu_id() + 1, owner = 0;

	irq_disable();
	if (__atomic_compare_exchange_n(&panic_cpu, &owner, self, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST))
		return;
	if (owner == self) {
		if (reporting)
			return;
		printk("panic inside the panic");
		end_machine();
	}
	for (;;)
		cpu_relax();
}

void panic_begin(void)
{
	claim_panic();
	if (panic_hooks.stop_others)
		panic_hooks.stop_others();
	reporting = true;
}

static void __noreturn panic_with(u64 rip, u64 rbp, const char *format, va_list args)
{
	char reason[REASON_MAX];

	if (!reporting)
		panic_begin();
	else
		claim_panic();
	reporting = false;
	vsnprintf(reason, sizeof(reason), format, args);
	printk("kernel panic: %s", reason);
	printk("cpu %u, task %d (%s)", cpu_id(), current->pid, current->comm);
	printk("backtrace:");
	backtrace_print(rip, rbp);
	printk("Kernel Offset: 0x%lx", kernel_offset());
	if (panic_hooks.last_words)
		panic_hooks.last_words();
	if (panic_hooks.monitor)
		panic_hooks.monitor();
	end_machine();
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	panic_with((u64)__builtin_return_address(0), *(const u64 *)__builtin_frame_address(0),
		   format, args);
}

void panic_at(u64 rip, u64 rbp, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	panic_with(rip, rbp, format, args);
}
