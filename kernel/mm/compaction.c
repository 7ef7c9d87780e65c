/*
 * Compaction: one block of 512 frames is emptied, and becomes a huge page.
 *
 *   choose    the block with the fewest pages to move, all of them movable as far as can be seen without locks
 *   capture   what is free in it is taken, so that nobody allocates there meanwhile
 *   move      each page gets another frame; its old one is kept with a reference
 *   release   all frames are freed, and merge to the block
 *
 * A page moves while nobody can change it. An anonymous one: the page lock keeps entries from becoming writable
 * (reuse in fault.c), and the one entry that may be writable is empty and flushed while the content is copied, under its lock, as
 * is every other while it changes over. A fault meanwhile waits for that lock, and finds the new frame. So there are no entries that say
 * "being moved", as Linux has them, and nobody ever waits for a move except by spinning for one copy. The new page is locked, too:
 * whoever has it mapped alone before the others could write to it.
 * One of a file: all its mappings go, then it changes over under the mapping's lock; faults wait so long, and find the new frame
 * in the file.
 *
 * Not moved: pages on the unevictable list, being written, in the swap cache for a slot that entries name, given up by
 * madvise(FREE), and those that somebody has a reference on.
 *
 * Linux lets two scanners run towards each other through all of memory and stops when a block has come together; with one size of
 * block wanted, choosing the cheapest moves fewer pages.
 */
#include "mm/compaction.h"

#include "cpu/current.h"
#include "cpu/rwsem.h"
#include "cpu/wait.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/vmstat.h"

/* Blocks tried before a compaction gives up. */
#define MAX_BLOCKS 4
/* Direct reclaims on behalf of one block: each frees some 32 frames. */
#define MAX_RECLAIMS 24
/* After the n-th failure in a row 2^n - 1 attempts are not made; as Linux. */
#define MAX_DEFER_SHIFT 6u

/* One at a time: two would empty halves of the same block. Guards what follows. */
static struct rwsem compact_lock;
static u32 defer_shift, considered;

/* A block being emptied. */
struct block {
	pfn_t start;
	u64 ours[HUGE_PAGE_NR / 64]; /* bit i: frame start + i is captured or emptied */
	struct list_head held;       /* its first frames, by page->lru, each with a reference */
	u32 nr_ours, nr_migrated, nr_failed;
};

void compaction_init(void)
{
	rwsem_init(&compact_lock, RANK_COMPACT);
}

/* ---- choosing ---- */

static bool looks_movable(const struct page *page)
{
	const u32 no = PG_LOCKED | PG_WRITEBACK | PG_LAZYFREE;

	return (page->kind == PAGE_ANON || page->kind == PAGE_SHMEM) && !page->order &&
	       (READ_ONCE(page->flags) & (PG_LRU | no)) == PG_LRU &&
	       page->list != LRU_UNEVICTABLE && (page->kind == PAGE_SHMEM || page_mapcount(page));
}

#define NEVER UINT32_MAX

/* How many pages would have to move, if that is fewer than `best`; else NEVER. Racy. */
static u32 cost_of(pfn_t start, u32 best)
{
	u32 cost = 0;

	for (u32 i = 0; i < HUGE_PAGE_NR;) {
		const struct page *page = pfn_page(start + i);
		u32 order = READ_ONCE(page->order);

		if (page_test(page, PG_BUDDY) && order < HUGE_PAGE_ORDER) {
			i += 1u << order;
			continue;
		}
		if (!looks_movable(page) || ++cost >= best)
			return NEVER;
		i++;
	}
	return cost;
}

static bool was_tried(pfn_t start, const pfn_t *tried, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (tried[i] == start)
			return true;
	return false;
}

/* The cheapest block but for those that were tried; false: there is none. */
static bool choose(pfn_t *start, const pfn_t *tried, u32 nr_tried)
{
	u32 best = NEVER;

	for (pfn_t pfn = 0; pfn + HUGE_PAGE_NR <= max_pfn; pfn += HUGE_PAGE_NR) {
		u32 cost = was_tried(pfn, tried, nr_tried) ? NEVER : cost_of(pfn, best);

		if (cost < best) {
			best = cost;
			*start = pfn;
		}
	}
	return best != NEVER;
}

/* ---- moving a page ---- */

/* The old page is locked, the new one nobody else's. */
static void copy_flags(struct page *new, const struct page *old)
{
	u32 flags = READ_ONCE(old->flags) & (PG_REFERENCED | PG_DIRTY | PG_UPTODATE);

	if (flags)
		page_set(new, flags);
}

struct anon_move {
	struct page *new;
	u32 nr_flushed; /* mappings that no CPU can write through */
	bool flushed; /* all were such at one time, and so are those that a fork made of them since */
	bool begun;
};

/* fork takes write permission away, and flushes only when it has gone through all: until then a CPU may still write to
 * a page that has several mappings. */
static bool flush_mapping(struct rmap_mapping *mapping, void *arg)
{
	struct anon_move *move = arg;

	if (pte_read(mapping->entry) & PTE_WRITE)
		return false;
	mm_flush_tlb(mapping->vma->mm, mapping->va, mapping->va + PAGE_SIZE, TLB_MIGRATE);
	move->nr_flushed++;
	return true;
}

static bool move_mapping(struct rmap_mapping *mapping, void *arg)
{
	struct page *old = mapping->page;
	struct anon_move *move = arg;

	/* Who has a reference besides may be writing through it. */
	if (!move->begun && ((u32)atomic_read(&old->refcount) != page_mapcount(old) + 1 ||
			     (page_mapcount(old) > 1 && !move->flushed)))
		return false;
	pte_migrate(mapping->vma->mm, mapping->va, mapping->entry, move->new,
		    move->begun ? NULL : old);
	page_get(move->new);
	rmap_migrate(move->new, old, mapping->vma, mapping->va);
	if (!move->begun)
		lru_add(move->new, old->from_list, LRU_WHY_MIGRATE);
	move->begun = true;
	page_put(old); /* the mapping's; it is isolated still */
	return true;
}

/* Whether all mappings moved. If only some did, each page has content and mappings of its own: none of them may
 * be written to without being copied first, or being the last. */
static bool move_anon(struct page *old, struct page *new)
{
	struct anon_move move = {.new = new};

	if (page_test(old, PG_SWAPCACHE) && !swap_cache_release(old))
		return false;
	copy_flags(new, old);
	if (page_mapcount(old) > 1) {
		rmap_walk(old, flush_mapping, &move);
		move.flushed = move.nr_flushed == page_mapcount(old);
	}
	rmap_walk(old, move_mapping, &move);
	return page_mapcount(old) == 0;
}

/* Both are locked, the old one is isolated. */
static bool move_content(struct page *old, struct page *new)
{
	if (page_test(old, PG_WRITEBACK | PG_LAZYFREE | PG_ERROR) || old->order)
		return false;
	return old->kind == PAGE_ANON ? page_mapcount(old) && move_anon(old, new)
				      : shmem_migrate(old, new, copy_flags);
}

/* Moves the page's content to another frame. True: the old frame is the caller's, with the one reference that is
 * left. */
static bool migrate(struct page *old)
{
	struct page *new = NULL;
	bool moved = false;

	if (!lru_isolate_page(old))
		return false;
	if (page_trylock(old)) {
		new = alloc_page(GFP_HUGE, old->kind);
		if (new) {
			BUG_ON(!page_trylock(new));
			moved = move_content(old, new);
			page_unlock(new);
			page_put(new);
		}
		page_unlock(old);
	}
	if (moved)
		lru_leave(old, LRU_WHY_MIGRATE);
	else
		lru_putback(old, old->from_list, LRU_WHY_PUTBACK);
	return moved;
}

/* ---- emptying a block ---- */

static void own(struct block *block, struct page *page)
{
	u32 first = page_pfn(page) - block->start;

	list_add(&page->lru, &block->held);
	for (u32 i = first; i < first + (1u << page->order); i++) {
		block->ours[i / 64] |= BIT(i % 64);
		block->nr_ours++;
	}
}

static void capture(struct block *block)
{
	struct page *page, *next;
	LIST_HEAD(captured);

	page_alloc_capture(block->start, HUGE_PAGE_NR, &captured);
	list_for_each_entry_safe (page, next, &captured, lru)
		own(block, page);
}

static void release(struct block *block)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, &block->held, lru) {
		list_init(&page->lru);
		page_put(page);
	}
	pcp_drain_local();
}

/* Whether all frames of the block came free, at least for a moment. */
static bool empty_block(pfn_t start)
{
	struct block block = {.start = start};

	list_init(&block.held);
	capture(&block);
	for (u32 i = 0; i < HUGE_PAGE_NR && !block.nr_failed && !current_is_dying(); i++) {
		struct page *page = pfn_page(start + i);

		if (block.ours[i / 64] & BIT(i % 64))
			continue;
		if (migrate(page)) {
			block.nr_migrated++;
			own(&block, page);
		} else if (page->kind != PAGE_FREE) {
			block.nr_failed++;
		}
	}
	capture(&block); /* what others freed meanwhile */
	vmstat_add(VMSTAT_PGMIGRATE_SUCCESS, block.nr_migrated);
	vmstat_add(VMSTAT_PGMIGRATE_FAIL, block.nr_failed);
	TRACE(mm_migrate_pages, .pfn = start, .succeeded = block.nr_migrated,
	      .failed = block.nr_failed, .pid = current->pid);
	release(&block);
	return block.nr_ours == HUGE_PAGE_NR;
}

static void compact(void)
{
	pfn_t tried[MAX_BLOCKS], start;

	pcp_drain_local();
	zero_pool_drain();
	for (u32 i = 0; i < MAX_BLOCKS && choose(&start, tried, i); i++) {
		if (empty_block(start))
			return;
		tried[i] = start;
	}
}

/* ---- allocating ---- */

static struct page *take(void)
{
	return alloc_pages(GFP_HUGE | GFP_ZERO, HUGE_PAGE_ORDER, PAGE_ANON);
}

/* Frames for what moves, and for the block itself, above the low watermark. */
static bool enough_is_free(void)
{
	return watermark_ok(watermarks.low + HUGE_PAGE_NR, 0);
}

/* Does not let go of the CPU: in the trace, no baseline lies between begin and end. Moving a page is some microseconds. */
static struct page *compact_and_take(void)
{
	enum compact_result result;
	struct page *page;

	vmstat_inc(VMSTAT_COMPACT_STALL);
	TRACE(mm_compaction_begin, .pid = current->pid);
	compact();
	page = take();
	result = page ? COMPACT_SUCCESS : COMPACT_COMPLETE;
	vmstat_inc(page ? VMSTAT_COMPACT_SUCCESS : VMSTAT_COMPACT_FAIL);
	TRACE(mm_compaction_end, .pid = current->pid, .status = result);
	return page;
}

/* Whether attempts failed so lately, and so often, that this one is left out. */
static bool is_deferred(void)
{
	return defer_shift && ++considered < 1u << defer_shift;
}

static void note_result(bool success)
{
	considered = 0;
	defer_shift = success ? 0 : min(defer_shift + 1, MAX_DEFER_SHIFT);
}

struct page *compact_alloc_huge(enum compact_effort effort)
{
	struct page *page = NULL;

	for (u32 i = 0; effort == COMPACT_AND_RECLAIM && i < MAX_RECLAIMS && !enough_is_free(); i++)
		if (current_is_dying() || !direct_reclaim(HUGE_PAGE_ORDER))
			break;
	if (!enough_is_free())
		return NULL;
	down_write(&compact_lock);
	cond_resched();
	page = take();
	if (!page && !is_deferred()) {
		page = compact_and_take();
		note_result(page);
	}
	up_write(&compact_lock);
	return page;
}
