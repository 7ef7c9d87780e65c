/*
 * Allocating and freeing frames: watermarks, what to do below them, and the life of a frame's
 * struct page.
 *
 * An allocation tries, in this order:
 *
 *   above low     takes, and is done
 *   above min     wakes kswapd, takes
 *   the reserve   takes if it is entitled: reclaim itself and dying tasks all of it,
 *                 GFP_ATOMIC the upper half
 *   reclaims      and takes above min, again and again while that makes progress
 *   kills         unless GFP_NOOOM, and starts over
 *
 * An order above 0 never kills: a dead task's frames are rarely neighbours, so after some tries it
 * fails.
 *
 * Frames that other CPUs keep on their lists do not count for a watermark here: this CPU cannot
 * have them. They are at most a thousandth of RAM for each CPU (pcp.c), less than lies between the
 * watermarks.
 */
#include "mm/page_alloc.h"

#include "arch/x86_64/page_ops.h"
#include "cpu/wait.h"
#include "mm/buddy.h"
#include "mm/kasan_objects.h"
#include "mm/memblock.h"
#include "mm/oom.h"
#include "mm/pcp.h"
#include "mm/reclaim.h"
#include "mm/vmstat.h"
#include "mm/zero_pool.h"

/* Reclaims without any progress before a task is killed: each has already looked at every page
 * once. */
#define MAX_FRUITLESS 3
/* Reclaims on behalf of an order above 0, fruitful or not, before it fails. */
#define MAX_HIGH_ORDER_TRIES 8

/* Zeroed frames given back at a time: they are on no list meanwhile, and under the buddy lock for
 * some ten microseconds. */
#define DRAIN_BATCH 32

struct watermarks watermarks;

/* ---- poison ---- */

#ifdef CONFIG_DEBUG
#define POISON 0xaaaaaaaaaaaaaaaaul

static void verify_zeroed(const struct page *page)
{
	const u64 *words = page_virt(page);

	kasan_unpoison(words, PAGE_SIZE);
	for (size_t i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (unlikely(words[i]))
			panic("pfn %u should be zero: offset %zu holds %lx", page_pfn(page),
			      i * sizeof(u64), words[i]);
}

static void poison_frames(const struct page *page, u32 order)
{
	/* Of slabs and large objects, parts are red zones. */
	kasan_unpoison(page_virt(page), PAGE_SIZE << order);
	memset(page_virt(page), (u8)POISON, PAGE_SIZE << order);
	kasan_free_frames(page, order);
}

static void verify_poison(const struct page *page, u32 order)
{
	const u64 *words = page_virt(page);

	kasan_unpoison(words, PAGE_SIZE << order);
	for (size_t i = 0; i < (PAGE_SIZE << order) / sizeof(u64); i++)
		if (unlikely(words[i] != POISON))
			panic("pfn %u was written after it was freed: offset %zu holds %lx",
			      page_pfn(page), i * sizeof(u64), words[i]);
}
#else
static void verify_zeroed(const struct page *page)
{
	(void)page;
}

static void poison_frames(const struct page *page, u32 order)
{
	(void)page;
	(void)order;
}

static void verify_poison(const struct page *page, u32 order)
{
	(void)page;
	(void)order;
}
#endif

/* ---- boot ---- */

static u32 sqrt_u32(u64 n)
{
	u32 root = 0;

	for (u32 bit = 1u << 31; bit; bit >>= 1)
		if ((u64)(root | bit) * (root | bit) <= n)
			root |= bit;
	return root;
}

static void set_watermarks(void)
{
	/* Linux's rule: min is sqrt(16 * RAM) in KiB, because what is allocated while reclaim works
	 * grows more slowly than RAM: 1 MiB of 64 MiB, 4 MiB of 1 GiB. At least 128 frames, which
	 * page tables, slabs and stacks of a few tasks need to get out of a shortage. kswapd gets
	 * half of min as a head start, and works until there is twice min. */
	u64 ram_kib = (u64)nr_managed_frames * PAGE_SIZE / KIB;

	watermarks.min = max(sqrt_u32(16 * ram_kib) / (u32)(PAGE_SIZE / KIB), 128u);
	watermarks.low = watermarks.min + watermarks.min / 2;
	watermarks.high = watermarks.min * 2;
}

static void add_free_range(pfn_t start, pfn_t end)
{
	for (pfn_t pfn = start; pfn < end; pfn++) {
		struct page *page = pfn_page(pfn);

		page->flags = 0;
		page->kind = PAGE_FREE;
		atomic_set(&page->refcount, 0);
		poison_frames(page, 0);
	}
	buddy_add_range(start, end);
	nr_managed_frames += end - start;
}

void page_alloc_add(pfn_t start, pfn_t end)
{
	add_free_range(start, end);
	set_watermarks();
}

void page_alloc_init(void)
{
	page_init();
	max_pfn = memblock_max_pfn();
	mem_map = memblock_alloc((size_t)max_pfn * sizeof(struct page));
	for (pfn_t pfn = 0; pfn < max_pfn; pfn++) {
		struct page *page = pfn_page(pfn);

		page->flags = PG_RESERVED;
		page->kind = PAGE_KERNEL;
		atomic_set(&page->refcount, 1);
		atomic_set(&page->mapcount, -1);
		list_init(&page->lru);
	}
	buddy_init();
	kasan_init();
	memblock_for_each_free(add_free_range);
	pcp_init(nr_managed_frames);
	zero_pool_init(nr_managed_frames);
	set_watermarks();
}

/* ---- counting ---- */

u32 nr_free_frames(void)
{
	u32 sum = buddy_nr_free() + zero_pool_nr();

	for_each_cpu (cpu)
		sum += pcp_nr(cpu);
	return sum;
}

void debug_free_frames(struct free_frames *free)
{
	free->buddy = buddy_nr_free();
	free->zeroed = zero_pool_nr();
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		free->pcp[cpu] = pcp_nr(cpu);
}

bool watermark_ok(u32 mark, u32 order)
{
	/* A single frame may come from this CPU's list, or be a zeroed one. */
	u32 available = buddy_nr_free() + (order ? 0 : pcp_nr(cpu_id()) + zero_pool_nr());

	return available >= mark + (1u << order) && (!order || buddy_has_block(order));
}

/* ---- allocating ---- */

void zero_pool_drain(void)
{
	u32 nr;

	do {
		LIST_HEAD(frames);
		struct page *page;

		nr = zero_pool_take(&frames, DRAIN_BATCH);
		list_for_each_entry (page, &frames, lru)
			poison_frames(page, 0);
		if (nr)
			buddy_give(&frames, nr, ZERO_POOL_CPU);
	} while (nr == DRAIN_BATCH);
}

static struct page *take_single(enum page_kind kind, bool reserve)
{
	struct page *page = pcp_alloc(kind, reserve);

	if (likely(page) || !zero_pool_nr())
		return page;
	zero_pool_drain();
	return pcp_alloc(kind, reserve);
}

/* 2^order frames if that leaves `mark` free; NULL otherwise. */
static struct page *take(u32 order, enum page_kind kind, u32 mark)
{
	bool reserve;

	if (!watermark_ok(mark, order))
		return NULL;
	reserve = mark < watermarks.min && !watermark_ok(watermarks.min, order);
	return order ? buddy_alloc(order, kind, reserve) : take_single(kind, reserve);
}

/* The boot CPU's first context counts as idle: there is nobody to reclaim yet. */
static bool may_use_reserve(void)
{
	return (current->flags & (PF_MEMALLOC | PF_IDLE)) || current_is_dying();
}

/* Reclaims until frames can be had above min. Sleeps. */
static struct page *alloc_by_reclaim(u32 gfp, u32 order, enum page_kind kind)
{
	u32 fruitless = 0;

	for (u32 tries = 1;; tries++) {
		struct page *page;

		oom_wait_reaped();
		fruitless = direct_reclaim(order) ? 0 : fruitless + 1;
		if (order)
			pcp_drain_local(); /* single frames there may be what a block lacks */
		page = take(order, kind, watermarks.min);
		if (page)
			return page;
		if (may_use_reserve()) /* killed meanwhile */
			return take(order, kind, 0);
		if (order && tries == MAX_HIGH_ORDER_TRIES)
			return NULL;
		if (fruitless == MAX_FRUITLESS || (fruitless && reclaim_is_hopeless())) {
			if (order || (gfp & GFP_NOOOM) || (current->flags & PF_NOOOM))
				return NULL;
			out_of_memory(order);
			fruitless = 0;
		}
		cond_resched();
	}
}

/* Below the low watermark. */
static struct page *alloc_slow(u32 gfp, u32 order, enum page_kind kind)
{
	struct page *page;

	zero_pool_drain();
	wakeup_kswapd(order);
	page = take(order, kind, watermarks.min);
	if (page)
		return page;
	if (may_use_reserve())
		return take(order, kind, 0);
	if (gfp & GFP_ATOMIC)
		return take(order, kind, watermarks.min / 2);
	return alloc_by_reclaim(gfp, order, kind);
}

static inline void prepare_frame(struct page *frame, u32 order, enum page_kind kind)
{
	BUG_ON(frame->kind != PAGE_FREE || frame->flags || atomic_read(&frame->refcount));
	frame->kind = kind;
	frame->order = order;
	atomic_set(&frame->mapcount, -1);
	list_init(&frame->lru);
	frame->list = 0;
	frame->from_list = 0;
	frame->anon_vma = NULL;
	frame->index = 0;
	frame->slot = 0;
	frame->private = 0;
	frame->lru_pos = 0;
}

static void prepare_allocated(struct page *page, u32 order, enum page_kind kind)
{
	kasan_alloc_frames(page, order);
	prepare_frame(page, order, kind);
	for (u32 i = 1; unlikely(i < 1u << order); i++)
		prepare_frame(page + i, ORDER_TAIL, kind);
	/* Last: until now page_get_unless_free() refused the frame. */
	__atomic_store_n(&page->refcount.v, 1, __ATOMIC_RELEASE);
}

/* A frame that is zeroed already; NULL when there is none, or memory is short. */
static struct page *alloc_zeroed(enum page_kind kind)
{
	struct page *page = watermark_ok(watermarks.low, 0) ? zero_pool_alloc(kind, false) : NULL;

	if (!page)
		return NULL;
	vmstat_inc(VMSTAT_PGALLOC);
	verify_zeroed(page);
	prepare_allocated(page, 0, kind);
	return page;
}

static void clear_pages(struct page *page, u32 order)
{
	for (u32 i = 0; i < 1u << order; i++)
		clear_page(page_virt(page + i));
}

struct page *alloc_pages(u32 gfp, u32 order, enum page_kind kind)
{
	struct page *page;

	ASSERT(order <= MAX_ORDER);
	if (!(gfp & GFP_ATOMIC))
		might_sleep();
	if ((gfp & GFP_ZERO) && !order) {
		page = alloc_zeroed(kind);
		if (page)
			return page;
	}
	page = take(order, kind, watermarks.low);
	if (unlikely(!page) && !(gfp & GFP_HUGE))
		page = alloc_slow(gfp, order, kind);
	if (unlikely(!page))
		return NULL;
	vmstat_add(VMSTAT_PGALLOC, 1u << order);
	verify_poison(page, order);
	prepare_allocated(page, order, kind);
	if (gfp & GFP_ZERO)
		clear_pages(page, order);
	return page;
}

void page_alloc_capture(pfn_t start, u32 nr, struct list_head *blocks)
{
	struct page *page, *next;
	LIST_HEAD(taken);

	buddy_capture(start, nr, &taken);
	list_for_each_entry_safe (page, next, &taken, lru) {
		u32 order = page->order;

		list_del(&page->lru);
		vmstat_add(VMSTAT_PGALLOC, 1u << order);
		verify_poison(page, order);
		prepare_allocated(page, order, PAGE_KERNEL);
		list_add(&page->lru, blocks);
	}
}

/* ---- freeing ---- */

/* Panics unless the block is one that was allocated, and that nobody uses. */
static void check_free(const struct page *page, u32 order)
{
	const u32 in_use = PG_LOCKED | PG_WRITEBACK | PG_SWAPCACHE | PG_LRU | PG_ISOLATED |
			   PG_RESERVED | PG_SLAB;
	s32 refs = atomic_read(&page->refcount);

	if (page->kind == PAGE_FREE || page_test(page, PG_BUDDY | PG_PCP))
		panic("double free of pfn %u, order %u", page_pfn(page), order);
	if (page->order != order)
		panic("pfn %u freed with order %u, but allocated with %u", page_pfn(page), order,
		      page->order);
	if (page_test(page, in_use) || refs > 1 || page_mapcount(page))
		panic("pfn %u freed in use: flags %x, %d references, %u mappings", page_pfn(page),
		      page->flags, refs, page_mapcount(page));
}

/* Brings the frames into the free state. */
static void end_life(struct page *page, u32 order)
{
	check_free(page, order);
	for (u32 i = 0; i < 1u << order; i++) {
		page[i].kind = PAGE_FREE;
		page[i].flags = 0; /* what is left of them ends with the life of the page */
	}
	atomic_set(&page->refcount, 0);
	vmstat_add(VMSTAT_PGFREE, 1u << order);
}

void free_pages(struct page *page, u32 order)
{
	enum page_kind kind = page->kind;

	end_life(page, order);
	poison_frames(page, order);
	if (order)
		buddy_free(page, order, kind);
	else
		pcp_free(page, kind);
}

void free_page_zeroed(struct page *page)
{
	enum page_kind kind = page->kind;

	if (!zero_pool_has_room() || !watermark_ok(watermarks.high, 0)) {
		free_page(page);
		return;
	}
	verify_zeroed(page);
	end_life(page, 0);
	kasan_free_frames(page, 0);
	zero_pool_free(page, kind);
}

/* ---- idle ---- */

void page_alloc_leave_cpu(void)
{
	pcp_drain_local();
}

bool page_alloc_idle_work(void)
{
	struct page *page;

	/* Far from any shortage only: what is moved about near one is soon moved back. */
	if (!watermark_ok(2 * watermarks.high, 0))
		return false;
	if (pcp_refill_idle())
		return true;
	page = zero_pool_has_room() ? buddy_take_to_zero() : NULL;
	if (!page)
		return false;
	verify_poison(page, 0);
	clear_page(page_virt(page));
	kasan_poison(page_virt(page), PAGE_SIZE, KASAN_FREE_PAGE);
	zero_pool_add(page);
	return true;
}

/* ---- baseline and check ---- */

u64 page_alloc_baseline(void)
{
	return buddy_baseline() + pcp_baseline() + zero_pool_baseline();
}

u32 page_alloc_check(void)
{
	u32 listed = 0, marked = 0, faults;

	faults = buddy_check(&listed) + pcp_check(&listed) + zero_pool_check(&listed);
	for (pfn_t pfn = 0; pfn < max_pfn; pfn++)
		marked += pfn_page(pfn)->kind == PAGE_FREE;
	if (listed != marked) {
		printk("page_alloc: %u frames are marked free, %u are on free lists", marked,
		       listed);
		faults++;
	}
	return faults;
}
