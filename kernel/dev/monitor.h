/*
 * The kernel monitor on the serial console. Ctrl-] stops the machine where it is consistent, tells
 * the trace so (trace_barrier), and answers commands until `continue`; int3 in the kernel and a
 * panic enter it too.
 */
#ifndef DEV_MONITOR_H
#define DEV_MONITOR_H

/* Listens to the console. Returns 0 or -ENOMEM. */
int monitor_init(void);

#endif
