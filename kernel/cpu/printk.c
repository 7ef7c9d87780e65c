/*
 * One line at a time from any CPU to the console. RANK_PRINTK keeps lines whole; the sink takes its
 * own lock inside. After a panic no lock is taken: its owner may be a CPU that stopped, and only
 * one CPU still prints.
 *
 * Rejected: a ring that keeps old lines. The console is a file on the host, which keeps them.
 */
#include "cpu/panic.h"
#include "cpu/spinlock.h"
#include "lib/printf.h"

static DEFINE_SPINLOCK(printk_lock, RANK_PRINTK);
static void (*console_sink)(const char *text, size_t size);
static void (*input_handler)(char c);

void console_register(void (*sink)(const char *text, size_t size))
{
	console_sink = sink;
}

void console_set_input(void (*handler)(char c))
{
	WRITE_ONCE(input_handler, handler);
}

void console_input(char c)
{
	void (*handler)(char c) = READ_ONCE(input_handler);

	if (handler)
		handler(c);
}

/* Passes bytes on, whole. */
static void write_out(const char *text, size_t size)
{
	if (panic_in_progress()) {
		console_sink(text, size);
		return;
	}
	u64 flags = spin_lock_irqsave(&printk_lock);
	console_sink(text, size);
	spin_unlock_irqrestore(&printk_lock, flags);
}

void console_write(const char *text, size_t size)
{
	if (console_sink)
		write_out(text, size);
}

void printk(const char *format, ...)
{
	char line[PRINTK_MAX];
	va_list args;
	size_t size;

	if (!console_sink)
		return;
	va_start(args, format);
	size = vsnprintf(line, sizeof(line) - 2, format, args);
	va_end(args);
	size = min(size, sizeof(line) - 3);
	line[size++] = '\r';
	line[size++] = '\n';
	write_out(line, size);
}
