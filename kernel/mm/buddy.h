/*
 * The buddy allocator: free blocks of 2^order frames, aligned to their size. Private to
 * page_alloc.c and pcp.c, which stand in front of it. Every function takes the buddy lock
 * (RANK_BUDDY) and emits the events of what it does under it.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "mm/page_alloc.h"

void buddy_init(void);

/* Whether a frame's content can be moved to another frame, or: for which of the two its block of 2 MiB is. */
enum mobility { MOVABLE, UNMOVABLE };
static inline enum mobility kind_mobility(enum page_kind kind)
{
	return kind == PAGE_ANON || kind == PAGE_SHMEM || kind == PAGE_FILE ? MOVABLE : UNMOVABLE;
}
/* Of the block that a frame lies in. Racy without the buddy lock. */
enum mobility buddy_mobility(const struct page *page);

/* Lists of free frames have those of unmovable blocks at their tail, others at their head. The list's lock is
 * held. */
static inline void mobility_list_add(struct page *page, struct list_head *list)
{
	if (buddy_mobility(page) == UNMOVABLE)
		list_add_tail(&page->lru, list);
	else
		list_add(&page->lru, list);
}
/* The first one to take for an allocation of that mobility, which may be of the other; NULL: it is empty. */
static inline struct page *mobility_list_end(struct list_head *list, enum mobility mobility)
{
	if (list_empty(list))
		return NULL;
	return mobility == MOVABLE ? list_first_entry(list, struct page, lru)
				   : list_last_entry(list, struct page, lru);
}

/* Gives it RAM at boot. */
void buddy_add_range(pfn_t start, pfn_t end);

/* Takes a block and emits mm_page_alloc; NULL when none of that or a higher order is free.
 * `reserve` is for the event. */
struct page *buddy_alloc(u32 order, enum page_kind kind, bool reserve);

/* Takes the free blocks that lie in [start, start + nr) and adds them to a list; mm_page_alloc for each, of kind
 * PAGE_KERNEL. */
void buddy_capture(pfn_t start, u32 nr, struct list_head *blocks);

/* Emits mm_page_free and takes the block back. Its struct page is in the free state already. */
void buddy_free(struct page *page, u32 order, enum page_kind kind);

/* Moves up to `nr` single frames to a CPU's list, marked PG_PCP; returns how many. */
u32 buddy_take(struct list_head *frames, u32 nr, enum mobility mobility);

/* Takes a frame on its way to the pool of zeroed frames, marked PG_PCP; NULL when there is none. */
struct page *buddy_take_to_zero(void);

/* Takes `nr` frames back from the tail of the list of `cpu`, which has that many. */
void buddy_give(struct list_head *frames, u32 nr, u32 cpu);

/* Frames on the buddy lists, and whether a block of at least that order is free. Racy. */
u32 buddy_nr_free(void);
bool buddy_has_block(u32 order);

/* Free blocks of each order. */
void buddy_count_blocks(u32 counts[MAX_ORDER + 1]);

/* All CPUs quiesced. */
u64 buddy_baseline(void);
/* Prints each fault, returns their number, adds the frames it saw to *frames. */
u32 buddy_check(u32 *frames);

#endif
