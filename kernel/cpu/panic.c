/*
 * The end of the kernel: one CPU says why and where, stops the others, gives the layers above a
 * last word, ends the machine. The first CPU that panics does all this; another that comes
 * meanwhile waits to be stopped; a panic inside the panic goes straight to the end.
 */
#include "cpu/panic.h"
#include "cpu/current.h"
#include "cpu/irqflags.h"
#include "cpu/symbols.h"
#include "lib/printf.h"

#define MAX_FRAMES  32
#define KERNEL_HALF 0xffff800000000000ul
#define REASON_MAX  200

struct panic_hooks panic_hooks;

static u32 panic_cpu; /* cpu + 1 of the first that panicked, or 0 */

/* What a function's prologue leaves with frame pointers. */
struct stack_frame {
	const struct stack_frame *caller;
	u64 return_address;
};

bool panic_in_progress(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_ACQUIRE) != 0;
}

bool panic_is_here(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_ACQUIRE) == cpu_id() + 1;
}

static void print_location(u64 address)
{
	u64 offset;
	const char *name = symbol_find(address, &offset);

	if (name)
		printk("  %016lx %s+0x%lx", address, name, offset);
	else
		printk("  %016lx", address);
}

/* A frame that a bug has destroyed may fault here: that is a panic inside the panic. */
static void print_backtrace(u64 rip, u64 rbp)
{
	const struct stack_frame *frame = (const struct stack_frame *)rbp;

	printk("backtrace:");
	print_location(rip);
	for (u32 i = 0; i < MAX_FRAMES; i++) {
		if ((u64)frame < KERNEL_HALF || (u64)frame % sizeof(u64) != 0 ||
		    frame->return_address < KERNEL_HALF)
			break;
		print_location(frame->return_address);
		frame = frame->caller;
	}
}

static void __noreturn end_machine(void)
{
	if (panic_hooks.exit_machine)
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
		printk("panic inside the panic");
		end_machine();
	}
	for (;;)
		cpu_relax();
}

static void __noreturn panic_with(u64 rip, u64 rbp, const char *format, va_list args)
{
	char reason[REASON_MAX];

	claim_panic();
	if (panic_hooks.stop_others)
		panic_hooks.stop_others();
	vsnprintf(reason, sizeof(reason), format, args);
	printk("kernel panic: %s", reason);
	printk("cpu %u, task %d (%s)", cpu_id(), current->pid, current->comm);
	print_backtrace(rip, rbp);
	if (panic_hooks.last_words)
		panic_hooks.last_words();
	if (panic_hooks.monitor)
		panic_hooks.monitor();
	end_machine();
}

void panic(const char *format, ...)
{
	const struct stack_frame *self = __builtin_frame_address(0);
	va_list args;

	va_start(args, format);
	panic_with(self->return_address, (u64)self->caller, format, args);
}

void panic_at(u64 rip, u64 rbp, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	panic_with(rip, rbp, format, args);
}
