/*
 * Allocating frames: per-CPU lists in front of the buddy allocator, watermarks around it.
 *
 *   free > low         allocations succeed at once
 *   min < free <= low  they succeed, and wake kswapd
 *   free <= min        the reserve: reclaim and dying tasks get frames, GFP_ATOMIC the upper half;
 *                      others reclaim directly, and when that makes no progress, a task is killed
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include "cpu/percpu.h"
#include "mm/page.h"

#define MAX_ORDER 10

/* How an allocation may behave. */
#define GFP_KERNEL 0u     /* may sleep, reclaim and have a task killed */
#define GFP_ATOMIC BIT(0) /* must not sleep: fails instead */
#define GFP_ZERO   BIT(1) /* frames are cleared */
#define GFP_NOOOM \
	BIT(2) /* may reclaim, but fails rather than kill: for what has another way out \
			   */

#define GFP_HUGE BIT(3) /* neither: only what is free above the low watermark */

struct watermarks {
	u32 min, low, high; /* frames */
};
extern struct watermarks watermarks;

/* Frees every usable frame that the boot allocator did not take into the buddy allocator and sets
 * the watermarks. */
void page_alloc_init(void);

/* Gives frames to the allocator that were kept from it at boot, and sets the watermarks anew. They are
 * no longer used. Before tracing begins: the baseline tells of them. */
void page_alloc_add(pfn_t start, pfn_t end);

/* 2^order frames, refcount 1, mapcount -1, flags 0, of that kind; NULL when there is none and the
 * caller may not wait, or the current task is dying and even the reserve is empty. May sleep unless
 * GFP_ATOMIC. Not from interrupt handlers. */
struct page *alloc_pages(u32 gfp, u32 order, enum page_kind kind);
static inline struct page *alloc_page(u32 gfp, enum page_kind kind)
{
	return alloc_pages(gfp, 0, kind);
}

/* Takes what is free of [start, start + nr) and in no CPU's list: allocated frames of kind PAGE_KERNEL, of orders as
 * they lay, added to `blocks` by page->lru. Whatever the watermarks. */
void page_alloc_capture(pfn_t start, u32 nr, struct list_head *blocks);

/* Gives frames back; refcount must have become 0 or be the caller's only one. Detects double frees
 * (panics). */
void free_pages(struct page *page, u32 order);
static inline void free_page(struct page *page)
{
	free_pages(page, 0);
}

/* The same for a single frame that is known to hold nothing but zeroes. */
void free_page_zeroed(struct page *page);

/* What an idle CPU does for those who will allocate: refills its list, clears a frame for the pool
 * of zeroed ones. One step; returns whether there was anything to do. Idle task only. */
bool page_alloc_idle_work(void);

/* Gives back the free frames that this CPU keeps to itself. Idle task, before its CPU is taken off. */
void page_alloc_leave_cpu(void);

/* Free frames, per-CPU lists and zeroed ones included. Racy. */
u32 nr_free_frames(void);

/* Where they are. Exact when quiesced. */
struct free_frames {
	u32 buddy, zeroed, pcp[MAX_CPUS];
};
void debug_free_frames(struct free_frames *free);

/* Whether 2^order frames could be had without going below `mark`. Racy: the answer may be old. */
bool watermark_ok(u32 mark, u32 order);

/* Emits a state_free record per free block and free per-CPU frame. All CPUs quiesced. Returns the
 * records emitted. */
u64 page_alloc_baseline(void);

/* Returns all per-CPU frames of this CPU, or the pool of zeroed frames, to the buddy lists. */
void pcp_drain_local(void);
void zero_pool_drain(void);

/* Verifies the free lists; prints each fault and returns their number. All CPUs quiesced. */
u32 page_alloc_check(void);

#endif
