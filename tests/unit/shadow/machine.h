/*
 * The machine that kernel sources see when they are compiled for the host: CPUs whose interrupts,
 * clock and per-CPU areas are ordinary variables. The headers in shadow/cpu are found before the
 * kernel's own and replace its instructions by calls to this.
 *
 * One host thread plays all CPUs: machine.cpu says which. An "interrupt" is a function that the
 * test sets; it is called at every point where an interrupt could come between two instructions
 * that matter, when interrupts are on, and decides itself whether anything happens.
 */
#ifndef SHADOW_MACHINE_H
#define SHADOW_MACHINE_H

#include "lib/types.h"

struct machine {
	u32 cpu; /* whose code runs */
	bool irqs_on;
	u32 irq_depth;           /* handlers running */
	void (*interrupt)(void); /* a handler, called with interrupts off; may be NULL */
	void (*relax)(void);     /* called in every round of a busy wait; may be NULL */
	u32 backtrace;           /* what a saved backtrace holds, and prints */
	u64 tsc;                 /* also the clock: one tick is one nanosecond */
	u64 tsc_step;            /* what reading it adds */
};

extern struct machine machine;

/* Zeroes all per-CPU areas and starts over with `cpus` CPUs, interrupts on, no handlers. */
void machine_reset(u32 cpus);

/* An interrupt may come here. */
void machine_interrupt_point(void);

/*
 * Asserts that a statement panics, with `text` somewhere in the message or in what printk() told
 * from the statement on. A process of its own runs
 * it, so nothing is left of what the kernel was in the middle of.
 */
#define assert_panics(text, statement)           \
	do {                                     \
		if (machine_begin_panic(text)) { \
			statement;               \
			machine_end_panic();     \
		}                                \
	} while (0)

/* What printk() has told lately. */
const char *machine_log(void);

/* Parts of assert_panics(): true in the child, which panic() or machine_end_panic() ends. */
bool machine_begin_panic(const char *text);
void machine_end_panic(void) __noreturn;

#endif
