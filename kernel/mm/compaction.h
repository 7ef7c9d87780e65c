/*
 * Compaction: makes a free block of 2 MiB by moving the pages out of one to other frames. Only for huge pages
 * (huge_memory.h): nothing else needs neighbouring frames.
 */
#ifndef MM_COMPACTION_H
#define MM_COMPACTION_H

#include "mm/page.h"

enum compact_effort {
	COMPACT_ONLY,        /* gives up when less than a block is free above the low watermark */
	COMPACT_AND_RECLAIM, /* reclaims until so much is */
};

void compaction_init(void);

/* A zeroed huge page of kind PAGE_ANON for a task that found none free, or NULL. mmap_lock may be held, no page
 * lock or spinlock. Sleeps. */
struct page *compact_alloc_huge(enum compact_effort effort);

#endif
