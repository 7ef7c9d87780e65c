/* The serial port COM1: the console, and the monitor's keyboard. */
#ifndef DEV_SERIAL_H
#define DEV_SERIAL_H

#include "lib/types.h"

/* Programs the port and makes it the sink of printk(). First of all devices: needs nothing. */
void serial_init(void);

/* Writes bytes as they are. Any context; waits until the port has taken
 * them. */
void serial_write(const char *text, size_t size);

/* Has `handler` called for every character that arrives, in the interrupt; NULL switches that off.
 */
void serial_set_input(void (*handler)(char c));

/* Begins to interrupt for input, on CPU 0: after arch_init_interrupts(). Returns 0 or -errno. */
int __must_check serial_start_input(void);

/* The next character, or -1 when none is there: for whoever owns the machine (monitor, panic) with
 * the others stopped. */
int serial_poll_char(void);

#endif
