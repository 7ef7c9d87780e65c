/* Per-CPU lists of free single frames, in front of the buddy lists. Private to page_alloc.c. */
#ifndef MM_PCP_H
#define MM_PCP_H

#include "mm/page_alloc.h"

/* Sizes the lists for that many frames of RAM. */
void pcp_init(u32 nr_frames);

/* A frame of this CPU's list, refilled if it is empty; NULL without memory. Emits mm_page_alloc. */
struct page *pcp_alloc(enum page_kind kind, bool reserve);

/* Puts a frame, in the free state already, on this CPU's list. Emits mm_page_free. */
void pcp_free(struct page *page, enum page_kind kind);

/* Refills this CPU's list before it is empty; returns whether there was anything to do. */
bool pcp_refill_idle(void);

/* Frames on the list of a CPU. Racy for another CPU's. */
u32 pcp_nr(u32 cpu);

/* All CPUs quiesced. */
u64 pcp_baseline(void);
u32 pcp_check(u32 *frames);

#endif
