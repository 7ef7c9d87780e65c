/*
 * Memory management on the host: 16 MiB of "RAM", the real boot, buddy, per-CPU and slab allocators
 * on it, and a replay of their events, which is what the trace promises: the free lists can be
 * rebuilt from the events alone.
 *
 * What mm calls above and beside these is replaced: nobody sleeps, reclaim does what the test says.
 */
#ifndef MM_FIXTURE_H
#define MM_FIXTURE_H

#include "unit.h"

#include "machine.h"
#include "mm/page_alloc.h"

#define FIXTURE_FRAMES 4096u

/* What the kernel asked for, and what direct_reclaim() does; it returns frames freed. */
struct fixture {
	u32 kswapd_wakeups, reclaims, kills;
	u32 (*reclaim)(void);
	void (*kill)(void);
	u64 nr_events[TRACE_ID_LIMIT];
};
extern struct fixture fixture;

/* cmocka set-up of one test: a machine of two CPUs after page_alloc_init() and slab_init(), tracing
 * on. */
int fixture_setup(void **state);

/* Runs the baseline: the replayed state must be what it tells; and the allocator's own check must
 * be clean. */
void fixture_verify(void);

#endif
