/* Printing and dying, for every layer. */
#ifndef CPU_PANIC_H
#define CPU_PANIC_H

#include "lib/types.h"

/* One line on the console, its end added; cut at PRINTK_MAX - 3 bytes. Any context. */
void printk(const char *format, ...) __printf(1, 2);
#define PRINTK_MAX 256

/* Where printk's text goes; before it is set, nowhere. The sink may be called in any context,
 * interrupts off. Set once. */
void console_register(void (*sink)(const char *text, size_t size));

/* Who gets what is typed at the console; before it is set, nobody. Called with interrupts off, by one
 * CPU. Set once. */
void console_set_input(void (*handler)(char c));
/* Passes on a character that was typed. */
void console_input(char c);

/* Bytes of a program, as they are, whole; interrupts are off meanwhile. Any context. */
void console_write(const char *text, size_t size);

/* Prints the reason and a symbolised backtrace, stops the other CPUs, drains the trace as far as it
 * can, enters the monitor if it was asked for, ends QEMU. */
void panic(const char *format, ...) __printf(1, 2) __noreturn;

/* The same for a trap: the backtrace begins where it happened. */
void panic_at(u64 rip, u64 rbp, const char *format, ...) __printf(3, 4) __noreturn;

/* For a report of several lines that ends in a panic: stops the other CPUs, and from then on
 * printk() takes no lock, whatever is held. The caller then prints, and calls panic(). */
void panic_begin(void);

/* Set before anything else is done: whoever sees it takes no lock that another CPU may have kept
 * for ever. */
bool panic_in_progress(void);
/* Whether this CPU is the one that panicked: it alone goes on. */
bool panic_is_here(void);

/* What panic() needs of the layers above, in the order of the calls; each may be NULL. Set once at
 * boot. */
struct panic_hooks {
	void (*stop_others)(void);
	void (*last_words)(void); /* drains the trace; a panic in it or later: the end, at once */
	void (*monitor)(void); /* a conversation about what is left, when the command line asks */
	void (*exit_machine)(u32 value) __noreturn;
	/* The rings hold events that the host has not got: the machine stops instead of ending, so
	 * that the host can read them. */
	bool trace_in_memory;
};
extern struct panic_hooks panic_hooks;

/* What exit_machine gets: QEMU's exit status is (value << 1 | 1). */
#define PANIC_EXIT_VALUE 1

/* A condition that only a bug makes true; stays on in every build. */
#define BUG_ON(cond)                                                   \
	do {                                                           \
		if (unlikely(cond))                                    \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

/* A claim checked in debug builds only. */
#ifdef CONFIG_DEBUG
#define ASSERT(cond) BUG_ON(!(cond))
#else
#define ASSERT(cond) ((void)sizeof(cond))
#endif

#endif
