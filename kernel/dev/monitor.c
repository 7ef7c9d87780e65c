/*
 * The monitor: reads lines from the console, prints the state that the trace tells of, in a form
 * that a program can compare.
 *
 *   lru        "lru LIST SIZE", then the list's frames from head to tail, eight a line
 *   rmap PFN   "rmap PFN mm MM va ADDRESS anon_vma ID" for each mapping
 *   rmap all   the same for every anonymous page
 *   check      mm_check()
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
#include "cpu/quiesce.h"
#include "cpu/symbols.h"
#include "cpu/wait.h"
#include "dev/serial.h"
#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/check.h"
#include "mm/lru.h"
#include "mm/rmap.h"
#include "mm/zero_page.h"
#include "proc/session.h"
#include "trace/names.h"

#define ESCAPE    0x1d /* Ctrl-] */
#define LINE_SIZE 64
#define PROMPT    "(palimpsest) "

static DEFINE_WAIT_QUEUE(monitor_wait);
static bool wanted;

/* A character came while the machine runs: only the escape means anything. */
static void on_input(char c)
{
	if (c != ESCAPE)
		return;
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

/* ---- commands ---- */

/* Frame numbers on their way to the console, eight a line. */
struct frame_line {
	char text[96];
	u32 length, frames;
};

static void end_line(struct frame_line *line)
{
	if (line->frames)
		printk(" %s", line->text);
	line->length = line->frames = 0;
}

static void print_frame(struct page *page, void *arg)
{
	struct frame_line *line = arg;

	line->length += snprintf(line->text + line->length, sizeof(line->text) - line->length,
				 " %u", page_pfn(page));
	if (++line->frames == 8)
		end_line(line);
}

static void command_lru(void)
{
	struct frame_line line = {.length = 0};

	for (u32 list = 0; list < NR_LRU_LISTS; list++) {
		printk("lru %s %u", trace_value_name("lru_list", list), lru_size(list));
		lru_for_each(list, print_frame, &line);
		end_line(&line);
	}
}

static bool print_mapping(struct rmap_mapping *mapping, void *arg)
{
	(void)arg;
	printk("rmap %u mm %u va %lx anon_vma %u", page_pfn(mapping->page), mapping->vma->mm->id,
	       mapping->va, mapping->page->anon_vma->id);
	return true;
}

static bool is_anonymous(const struct page *page)
{
	return !page_test(page, PG_RESERVED | PG_BUDDY | PG_PCP) && page->kind == PAGE_ANON &&
	       atomic_read(&page->refcount) > 0;
}

static void command_rmap(const char *argument)
{
	u64 pfn = 0;

	if (!strcmp(argument, "all")) {
		for (pfn = 0; pfn < max_pfn; pfn++)
			if (is_anonymous(pfn_page(pfn)))
				rmap->walk(pfn_page(pfn), print_mapping, NULL);
		return;
	}
	for (const char *c = argument; *c; c++) {
		if (*c < '0' || *c > '9' || pfn > max_pfn)
			pfn = max_pfn;
		else
			pfn = pfn * 10 + (*c - '0');
	}
	if (!*argument || pfn >= max_pfn)
		printk("rmap: give a frame number below %u, or `all`", max_pfn);
	else if (!is_anonymous(pfn_page(pfn)))
		printk("rmap: frame %lu holds no anonymous page", pfn);
	else
		rmap->walk(pfn_page(pfn), print_mapping, NULL);
}

static void print_help(void)
{
	printk("lru          the lists, head to tail");
	printk("rmap PFN     who maps a frame; rmap all: every mapping");
	printk("check        compare everything with everything");
	printk("continue     let the machine run");
	printk("help         this");
}

/* Runs one line; false when it ends the monitor. */
static bool run_command(const char *line)
{
	if (!strcmp(line, "continue") || !strcmp(line, "c"))
		return false;
	if (!strcmp(line, "lru"))
		command_lru();
	else if (!strncmp(line, "rmap ", 5))
		command_rmap(line + 5);
	else if (!strcmp(line, "check"))
		mm_check();
	else if (*line)
		print_help();
	return true;
}

static void converse(void)
{
	char line[LINE_SIZE];

	printk("Kernel Offset: 0x%lx", kernel_offset());
	do {
		console_write(PROMPT, sizeof(PROMPT) - 1);
		get_line(line, sizeof(line));
	} while (run_command(line));
}

/* ---- ways in ---- */

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
		converse_quiesced();
	}
}

/* Where a spinlock is held or interrupts are off, nobody can wait for the others to park: then only
 * this CPU stands, and what is printed may be changing. */
void upcall_breakpoint(struct trap_frame *frame)
{
	char at[LOCATION_MAX];

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
