/*
 * The LRU lists: insertion, isolation, putting back.
 *
 * A position is a number that says where in its list a page is, for the trace: the head takes the
 * next higher one, the tail takes the next lower one, so that the host can order a list
 * without replaying every operation on it. Nothing is batched in front of the lists: a page that is
 * mapped is listed, and the trace has no grey zone. The price is one lock acquisition a fault;
 * per-CPU batches as in Linux were rejected for it.
 */
#include "mm/lru.h"

#include "mm/vmstat.h"

static struct {
	spinlock_t lock;
	struct list_head lists[NR_LRU_LISTS];
	u32 size[NR_LRU_LISTS];     /* frames */
	s64 head_pos[NR_LRU_LISTS]; /* position of the last page put at the head */
	s64 tail_pos[NR_LRU_LISTS]; /* and at the tail */
} lru;

void lru_init(void)
{
	spin_lock_init(&lru.lock, RANK_LRU);
	for (u32 i = 0; i < NR_LRU_LISTS; i++)
		list_init(&lru.lists[i]);
}

static u32 list_flag(enum lru_list list)
{
	return list == LRU_ISOLATED ? PG_ISOLATED : PG_LRU;
}

static void insert_locked(struct page *page, enum lru_list list, enum lru_why why)
{
	ASSERT(spin_is_held(&lru.lock));
	BUG_ON(page_test(page, PG_LRU | PG_ISOLATED));
	list_add(&page->lru, &lru.lists[list]);
	lru.size[list] += page_nr_frames(page);
	page->list = list;
	page->lru_pos = ++lru.head_pos[list];
	page_set_untraced(page, list_flag(list));
	TRACE(lru_insert, .pos = page->lru_pos, .pfn = page_pfn(page), .list = list, .why = why);
}

static void remove_locked(struct page *page, enum lru_why why)
{
	enum lru_list list = page->list;

	ASSERT(spin_is_held(&lru.lock));
	BUG_ON(!page_test(page, list_flag(list)));
	list_del(&page->lru);
	lru.size[list] -= page_nr_frames(page);
	page_clear_untraced(page, list_flag(list));
	TRACE(lru_remove, .pfn = page_pfn(page), .list = list, .why = why);
}

void lru_add(struct page *page, enum lru_list list, enum lru_why why)
{
	spin_lock(&lru.lock);
	insert_locked(page, list, why);
	spin_unlock(&lru.lock);
}

static void isolate_locked(struct page *page)
{
	page->from_list = page->list;
	remove_locked(page, LRU_WHY_ISOLATE);
	insert_locked(page, LRU_ISOLATED, LRU_WHY_ISOLATE);
}

/* Whether the page may be evicted although no slot is free. Racy. */
static bool needs_no_slot(const struct page *page)
{
	return page_test(page, PG_SWAPCACHE | PG_LAZYFREE) ||
	       (page->kind == PAGE_SHMEM && !page_test(page, PG_DIRTY));
}

bool lru_has_evictable_without_slot(void)
{
	bool found = false;

	spin_lock(&lru.lock);
	for (u32 list = 0; list < NR_LRU_LISTS && !found; list++) {
		struct page *page;

		if (list == LRU_UNEVICTABLE || list == LRU_ISOLATED)
			continue;
		list_for_each_entry (page, &lru.lists[list], lru)
			if (needs_no_slot(page)) {
				found = true;
				break;
			}
	}
	spin_unlock(&lru.lock);
	return found;
}

u32 lru_isolate(enum lru_list list, struct page **batch, u32 max, bool cached)
{
	struct list_head *head = &lru.lists[list];
	struct page *page, *previous;
	u32 n = 0, frames = 0;

	spin_lock(&lru.lock);
	for (page = list_last_entry(head, struct page, lru); frames < max && &page->lru != head;
	     page = previous) {
		previous = list_entry(page->lru.prev, struct page, lru);
		if (cached && !needs_no_slot(page))
			continue;
		/* Its last reference is just being dropped; lru_del_freed() waits for our lock. */
		if (!page_get_unless_free(page))
			continue;
		isolate_locked(page);
		frames += page_nr_frames(page);
		batch[n++] = page;
	}
	spin_unlock(&lru.lock);
	return n;
}

bool lru_isolate_page(struct page *page)
{
	bool isolated = false;

	spin_lock(&lru.lock);
	if (page_test(page, PG_LRU) && page->list != LRU_UNEVICTABLE &&
	    page_get_unless_free(page)) {
		isolate_locked(page);
		isolated = true;
	}
	spin_unlock(&lru.lock);
	return isolated;
}

bool lru_cull(struct page *page)
{
	bool moved = false;

	spin_lock(&lru.lock);
	if (page_test(page, PG_LRU) && page->list != LRU_UNEVICTABLE) {
		remove_locked(page, LRU_WHY_MLOCK);
		insert_locked(page, LRU_UNEVICTABLE, LRU_WHY_MLOCK);
		moved = true;
	}
	spin_unlock(&lru.lock);
	return moved;
}

bool lru_rescue(struct page *page)
{
	bool moved = false;

	spin_lock(&lru.lock);
	if (page_test(page, PG_LRU) && page->list == LRU_UNEVICTABLE) {
		remove_locked(page, LRU_WHY_MUNLOCK);
		insert_locked(page, LRU_INACTIVE_ANON, LRU_WHY_MUNLOCK);
		moved = true;
	}
	spin_unlock(&lru.lock);
	return moved;
}

void lru_set_referenced(struct page *page)
{
	spin_lock(&lru.lock);
	page_set(page, PG_REFERENCED);
	spin_unlock(&lru.lock);
}

void lru_clear_referenced(struct page *page)
{
	if (!page_test(page, PG_REFERENCED))
		return;
	spin_lock(&lru.lock);
	page_clear(page, PG_REFERENCED);
	spin_unlock(&lru.lock);
}

void lru_activate(struct page *page)
{
	spin_lock(&lru.lock);
	if (page_test(page, PG_LRU) && page->list == LRU_INACTIVE_ANON) {
		vmstat_inc(VMSTAT_PGACTIVATE);
		page_clear(page, PG_REFERENCED);
		remove_locked(page, LRU_WHY_ACCESSED);
		insert_locked(page, LRU_ACTIVE_ANON, LRU_WHY_ACCESSED);
	}
	spin_unlock(&lru.lock);
}

void lru_putback(struct page *page, enum lru_list list, enum lru_why why)
{
	ASSERT(page_test(page, PG_ISOLATED));
	spin_lock(&lru.lock);
	remove_locked(page, why);
	insert_locked(page, list, why);
	spin_unlock(&lru.lock);
	page_put(page);
}

void lru_leave(struct page *page, enum lru_why why)
{
	ASSERT(page_test(page, PG_ISOLATED));
	spin_lock(&lru.lock);
	remove_locked(page, why);
	spin_unlock(&lru.lock);
}

void lru_release(struct page *page)
{
	lru_leave(page, LRU_WHY_RECLAIM);
	page_put(page);
}

void lru_split(struct page *page, enum lru_end end)
{
	enum lru_list list;
	s64 first, last;

	spin_lock(&lru.lock);
	ASSERT(page_test(page, PG_LRU | PG_ISOLATED));
	list = page_test(page, PG_ISOLATED) ? page->from_list : page->list;
	lru.size[page->list] -= HUGE_PAGE_NR - 1;
	lru.size[list] += HUGE_PAGE_NR - 1;
	WRITE_ONCE(page->order, 0);
	first = end == LRU_HEAD ? lru.head_pos[list] + 1 : lru.tail_pos[list] - 1;
	for (u32 i = 1; i < HUGE_PAGE_NR; i++) {
		page[i].list = list;
		page[i].lru_pos = end == LRU_HEAD ? ++lru.head_pos[list] : --lru.tail_pos[list];
		if (end == LRU_HEAD)
			list_add(&page[i].lru, &lru.lists[list]);
		else
			list_add_tail(&page[i].lru, &lru.lists[list]);
		page_set_untraced(&page[i], PG_LRU);
	}
	last = page[HUGE_PAGE_NR - 1].lru_pos;
	TRACE(page_split, .pos = first, .pos_last = last, .pfn = page_pfn(page), .list = list);
	spin_unlock(&lru.lock);
}

void lru_del_freed(struct page *page)
{
	spin_lock(&lru.lock);
	if (page_test(page, PG_LRU))
		remove_locked(page, LRU_WHY_FREE);
	spin_unlock(&lru.lock);
}

u32 lru_size(enum lru_list list)
{
	return READ_ONCE(lru.size[list]);
}

void lru_for_each(enum lru_list list, void (*visit)(struct page *page, void *arg), void *arg)
{
	struct page *page;

	list_for_each_entry (page, &lru.lists[list], lru)
		visit(page, arg);
}

static void emit_state(struct page *page, void *records)
{
	TRACE(state_lru, .pos = page->lru_pos, .pfn = page_pfn(page), .list = page->list);
	++*(u64 *)records;
}

u64 lru_baseline(void)
{
	u64 records = 0;

	for (u32 list = 0; list < NR_LRU_LISTS; list++)
		lru_for_each(list, emit_state, &records);
	return records;
}
