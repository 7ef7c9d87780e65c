/*
 * Quiesce: every other CPU parked where it holds no spinlock and has no unfinished event. Baseline,
 * barrier, monitor and the end of the session use it.
 *
 * A CPU parks in quiesce_point(), which schedule(), cond_resched(), the idle loop and the return to
 * user mode call. The caller of quiesce_begin() must itself hold no spinlock; it sleeps for nobody,
 * it spins until all others are parked. One at a time: a second caller parks first and gets its
 * turn afterwards. The same CPU may nest.
 *
 * Between begin and end interrupts are off on all CPUs and nothing moves. The caller must neither
 * sleep nor ask for a TLB shootdown, and polls its devices.
 */
#ifndef CPU_QUIESCE_H
#define CPU_QUIESCE_H

#include "lib/types.h"

extern u32 quiesce_wanted; /* cpu + 1 of who asks, or 0 */

/* Interrupts are on. Returns when every other online CPU is parked, with interrupts off. */
void quiesce_begin(void);
/* Lets them go; interrupts are on again. */
void quiesce_end(void);
/* Stays until nobody asks any more; no spinlock held, interrupts on. Call quiesce_point() instead.
 */
void quiesce_park(void);
/* Whether this CPU is between quiesce_begin() and quiesce_end(). */
bool quiesce_is_mine(void);

/* The frame of quiesce_park() on a CPU that is parked, or NULL. All CPUs quiesced. */
const void *debug_parked_frame(u32 cpu);

/* How other CPUs are made to reach a quiesce point soon; arch sets it (an interrupt to all others).
 */
extern void (*quiesce_kick)(void);

static inline void quiesce_point(void)
{
	if (unlikely(READ_ONCE(quiesce_wanted)))
		quiesce_park();
}

#endif
