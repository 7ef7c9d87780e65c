/* The pool of zeroed frames. Private to page_alloc.c. */
#ifndef MM_ZERO_POOL_H
#define MM_ZERO_POOL_H

#include "mm/page_alloc.h"

/* What stands for the pool where the trace names the CPU of a list, and where it says how a frame
 * was handed out. */
#define ZERO_POOL_CPU 0xfffe
#define ZERO_POOL_PCP 2

/* Sizes the pool for that many frames of RAM. */
void zero_pool_init(u32 nr_frames);

/* A zeroed frame; NULL when the pool is empty. Emits mm_page_alloc. */
struct page *zero_pool_alloc(enum page_kind kind, bool reserve);

/* Whether the pool takes more frames. Racy. */
bool zero_pool_has_room(void);

/* Puts in a frame that is zeroed and in the free state: freed just now (emits mm_page_free), or taken
 * by buddy_take_to_zero(). */
void zero_pool_free(struct page *page, enum page_kind kind);
void zero_pool_add(struct page *page);

/* Moves up to `max` frames to a list, which is then to be given to buddy_give(). Returns how many. */
u32 zero_pool_take(struct list_head *frames, u32 max);

/* Frames in the pool. Racy. */
u32 zero_pool_nr(void);

/* All CPUs quiesced. */
u64 zero_pool_baseline(void);
/* Prints each fault, returns their number, adds the frames it saw to *frames. */
u32 zero_pool_check(u32 *frames);

#endif
