/* Starting a kernel thread, declared where mm and dev see it; proc/ implements it. */
#ifndef CPU_KTHREAD_H
#define CPU_KTHREAD_H

#include "lib/types.h"

/* Starts fn(arg) as a kernel thread of that name on the least loaded CPU; it must never return.
 * Returns 0 or -ENOMEM. May sleep. */
int __must_check kthread_run(void (*fn)(void *arg), void *arg, const char *name);

/* Lets the calling kernel thread come before all programs without a real-time priority. Takes RANK_TASKS. */
void kthread_set_fifo_low(void);

#endif
