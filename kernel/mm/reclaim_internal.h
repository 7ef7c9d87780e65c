/* Between those who reclaim (reclaim.c) and what they do to a batch of pages (reclaim_pass.c). Included by these two only. */
#ifndef MM_RECLAIM_INTERNAL_H
#define MM_RECLAIM_INTERNAL_H

#include "mm/reclaim.h"

/* Frames that reclaim, whoever did it, has made free since boot; wraps. What counts as progress:
 * writes that were begun may fail. */
extern atomic_t nr_reclaimed;

/* Looks at one batch of pages. Returns those freed or sent to swap; *scanned grows by the frames looked at. Sleeps. */
u32 reclaim_pass(enum reclaim_kind kind, u32 priority, u32 *scanned);

/* As the command line says (policy=); panics on a name that it does not know. */
void reclaim_choose_policy(void);

#endif
