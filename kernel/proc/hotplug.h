/* Taking CPUs off and bringing them back while the machine runs. */
#ifndef PROC_HOTPLUG_H
#define PROC_HOTPLUG_H

#include "lib/types.h"

/* Takes a CPU off: its tasks go elsewhere, and it halts. 0, also when it was off before; -EBUSY for CPU 0, which has the clock and
 * the devices. Sleeps. */
int cpu_down(u32 cpu);

/* Brings a CPU back that was taken off. 0, also when it was there. Sleeps. */
int cpu_up(u32 cpu);

/* Whether the calling CPU is to stop, or has to stay so: its idle task, which has nothing to run, calls hotplug_leave() then. */
bool hotplug_wants_me(void);

/* The calling CPU gives back what it holds and halts until it is wanted again. The idle task, interrupts on. */
void hotplug_leave(void);

#endif
