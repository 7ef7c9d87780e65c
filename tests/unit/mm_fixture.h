/*
 * RAM for the page allocator and what stands around it: an array of 16 MiB with holes where a real
 * machine has them, and a reclaim, an OOM killer and a current task that the test plays.
 */
#ifndef MM_FIXTURE_H
#define MM_FIXTURE_H

#include "unit.h"

#include "machine.h"
#include "mm/page_alloc.h"

#define RAM_FRAMES 4096u

/* What the allocator may ask of the layers above it. */
struct pressure {
	u32 kswapd_wakeups;
	u32 reclaims, kills;
	u32 (*reclaim)(void); /* direct_reclaim(); NULL: frees nothing */
	void (*kill)(void);   /* out_of_memory(); NULL: fails the test */
};

extern struct pressure pressure;

/* PF_* of the task that allocates. */
void fixture_task_flags(u32 flags);

/* Before each test: the allocator set up once, all else reset. After: nothing allocated, no fault.
 */
int mm_setup(void **state);
int mm_teardown(void **state);

#endif
