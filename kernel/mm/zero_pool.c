/*
 * The pool of zeroed frames: what an anonymous fault or a new page table needs is cleared
 * beforehand, by CPUs that have nothing else to do (page_alloc_idle_work()), and page tables that
 * are freed come back empty as they are.
 *
 * The frames are free memory: they count for the watermarks, any CPU may take them, and when memory
 * is short the pool is emptied into the buddy lists before anything is reclaimed. In the trace the
 * pool is one more list of free frames, as those of the CPUs are.
 *
 * One pool, not one a CPU: an idle CPU clears for the busy ones. Its lock is held for a few
 * instructions; the clearing happens before.
 */
#include "mm/zero_pool.h"

#include "cpu/kasan.h"
#include "mm/buddy.h"

static struct {
	spinlock_t lock; /* RANK_ZERO_POOL; guards everything here */
	struct list_head frames;
	u32 nr;
	u32 limit; /* fixed at boot */
} pool;

void zero_pool_init(u32 nr_frames)
{
	spin_lock_init(&pool.lock, RANK_ZERO_POOL);
	list_init(&pool.frames);
	/* A burst of faults, not a working set: 1/64 of RAM, at most 2 MiB. */
	pool.limit = min(nr_frames / 64, 512u);
}

static void insert(struct page *page)
{
	mobility_list_add(page, &pool.frames);
	pool.nr++;
}

struct page *zero_pool_alloc(enum page_kind kind, bool reserve)
{
	struct page *page = NULL;

	if (!READ_ONCE(pool.nr))
		return NULL;
	spin_lock(&pool.lock);
	page = mobility_list_end(&pool.frames, kind_mobility(kind));
	if (page && buddy_mobility(page) != kind_mobility(kind))
		page = NULL;
	if (page) {
		list_del(&page->lru);
		pool.nr--;
		page_clear_untraced(page, PG_PCP);
		TRACE(mm_page_alloc, .pfn = page_pfn(page), .order = 0, .kind = kind,
		      .pcp = ZERO_POOL_PCP, .reserve = reserve);
	}
	spin_unlock(&pool.lock);
	return page;
}

bool zero_pool_has_room(void)
{
	return READ_ONCE(pool.nr) < pool.limit;
}

void zero_pool_free(struct page *page, enum page_kind kind)
{
	spin_lock(&pool.lock);
	page_set_untraced(page, PG_PCP);
	insert(page);
	TRACE(mm_page_free, .pfn = page_pfn(page), .order = 0, .kind = kind, .pcp = ZERO_POOL_PCP);
	spin_unlock(&pool.lock);
}

void zero_pool_add(struct page *page)
{
	spin_lock(&pool.lock);
	insert(page);
	spin_unlock(&pool.lock);
}

u32 zero_pool_take(struct list_head *frames, u32 max)
{
	u32 nr;

	spin_lock(&pool.lock);
	nr = min(pool.nr, max);
	for (u32 i = 0; i < nr; i++) {
		struct page *page = list_first_entry(&pool.frames, struct page, lru);

		list_del(&page->lru);
		list_add_tail(&page->lru, frames);
	}
	pool.nr -= nr;
	spin_unlock(&pool.lock);
	return nr;
}

u32 zero_pool_nr(void)
{
	return READ_ONCE(pool.nr);
}

u64 zero_pool_baseline(void)
{
	struct page *page;
	u64 records = 0;

	list_for_each_entry (page, &pool.frames, lru) {
		TRACE(state_free, .pfn = page_pfn(page), .pcp_cpu = ZERO_POOL_CPU, .order = 0);
		records++;
	}
	return records;
}

static bool is_zeroed(const struct page *page)
{
	const u64 *words = page_virt(page);
	bool zeroed = true;

	kasan_unpoison(words, PAGE_SIZE);
	for (size_t i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (words[i])
			zeroed = false;
	kasan_poison(words, PAGE_SIZE, KASAN_FREE_PAGE);
	return zeroed;
}

u32 zero_pool_check(u32 *frames)
{
	struct page *page;
	u32 seen = 0, faults = 0;

	list_for_each_entry (page, &pool.frames, lru) {
		seen++;
		if (page_test(page, PG_PCP) && page->kind == PAGE_FREE &&
		    !atomic_read(&page->refcount) && is_zeroed(page))
			continue;
		printk("zero_pool: pfn %u has flags %x, kind %u, %d references%s", page_pfn(page),
		       page->flags, page->kind, atomic_read(&page->refcount),
		       is_zeroed(page) ? "" : ", and is not zero");
		faults++;
	}
	if (seen != pool.nr) {
		printk("zero_pool: %u frames, counted %u", seen, pool.nr);
		faults++;
	}
	*frames += seen;
	return faults;
}
