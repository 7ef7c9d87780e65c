/*
 * The monitor: reads lines from the console and has monitor_commands.c answer them.
 *
 * Entered by Ctrl-], it runs in a thread of its own; entered by int3 in the kernel (break=init on
 * the command line executes one before the first program), where that happened: with all CPUs
 * parked and a trace_barrier. After a panic, with panic=monitor on the command line, where
 * that happened, and `continue` ends the machine.
 */
#include "dev/monitor.h"

#include "arch/x86_64/upcall.h"
#include "cpu/backtrace.h"
#include "cpu/irqflags.h"
#include "cpu/kthread.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "cpu/symbols.h"
#include "cpu/wait.h"
#include "dev/monitor_commands.h"
#include "dev/serial.h"
#include "lib/cmdline.h"
#include "proc/session.h"

#define ESCAPE    0x1d /* Ctrl-] */
#define LINE_SIZE 64
#define PROMPT    "(palimpsest) "

static DEFINE_WAIT_QUEUE(monitor_wait);
static bool wanted;
struct monitor_stop monitor_stop;

/* A character came while the machine runs: the escape is ours, all others are for programs. */
static void on_input(char c)
{
	if (c != ESCAPE) {
		console_input(c);
		return;
	}
	WRITE_ONCE(wanted, true);
	wake_up(&monitor_wait);
}

/* The next character; the machine stands still with interrupts off, so the port is asked. */
static char get_char(void)
{
	int c;

	while ((c = serial_poll_char()) < 0)
		cpu_relax();
	return c;
}

/* Reads a line, echoing it; without the line end. */
static void get_line(char *line, u32 size)
{
	u32 length = 0;

	for (;;) {
		char c = get_char();

		if (c == '\r' || c == '\n')
			break;
		if ((c == '\b' || c == 0x7f) && length)
			length--;
		else if (c >= ' ' && length < size - 1)
			line[length++] = c;
	}
	line[length] = '\0';
	printk("%s", line);
}

static void converse(void)
{
	char line[LINE_SIZE];

	printk("Kernel Offset: 0x%lx", kernel_offset());
	do {
		console_write(PROMPT, sizeof(PROMPT) - 1);
		get_line(line, sizeof(line));
	} while (monitor_run_command(line));
}

/* ---- ways in ---- */

/* The caller is where this CPU stands. */
static __noinline void stop_here(void)
{
	const u64 *frame = __builtin_frame_address(0);

	monitor_stop = (struct monitor_stop){.rip = frame[1], .rbp = frame[0]};
}

/* With the machine at a standstill that the trace knows of. */
static void converse_quiesced(void)
{
	quiesce_begin();
	printk("[monitor] barrier %lu", session_barrier_quiesced());
	converse();
	/* Before the line that tells the host it may ask again. */
	WRITE_ONCE(wanted, false);
	printk("[monitor] continue");
	quiesce_end();
}

static void monitor_thread(void *arg)
{
	(void)arg;
	for (;;) {
		wait_event(&monitor_wait, READ_ONCE(wanted));
		stop_here();
		converse_quiesced();
	}
}

/* Where a spinlock is held or interrupts are off, nobody can wait for the others to park: then only
 * this CPU stands, and what is printed may be changing. */
void upcall_breakpoint(struct trap_frame *frame)
{
	char at[LOCATION_MAX];

	monitor_stop = (struct monitor_stop){.rip = frame->rip, .rbp = frame->rbp};
	backtrace_describe(at, frame->rip);
	printk("[monitor] breakpoint at %lx %s", frame->rip, at);
	if (!spinlocks_held() && (frame->rflags & RFLAGS_IF)) {
		irq_enable();
		converse_quiesced();
		irq_disable();
		return;
	}
	printk("[monitor] no barrier: a spinlock is held, or interrupts are off");
	converse();
	printk("[monitor] continue");
}

/* The last CPU that runs; the trace is over. */
static void converse_after_panic(void)
{
	stop_here();
	printk("[monitor] panic");
	converse();
}

int monitor_init(void)
{
	if (cmdline_is("panic", "monitor"))
		panic_hooks.monitor = converse_after_panic;
	serial_set_input(on_input);
	if (serial_start_input())
		printk("monitor: no interrupt for the console: Ctrl-] will not work");
	return kthread_run(monitor_thread, NULL, "monitor");
}
