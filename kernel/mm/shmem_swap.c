/*
 * Pages of files whose only other place is swap, on their way there and back.
 *
 *   out   reclaim has the page locked and isolated, and unmapped it (shmem_unmap_all()). Behind the TLB flush
 *         shmem_leave() takes it out of its file: a clean one is dropped, a dirty one enters the swap
 *         cache and leaves its slot in the tree. From there on it is written and evicted as an
 *         anonymous page is
 *   back  who wants the place of the file has the slot read into the swap cache, and the page moves
 *         back into the tree; the slot is free then
 *
 * So a page is in its file or in the swap cache, and changes over under the locks of both: the mapping's,
 * then swap's. It leaves its file only when the tree and the isolation are all that refer to it: who
 * reads, writes or maps it takes a reference from the tree, under the mapping's lock.
 */
#include "mm/address_space_internal.h"
#include "mm/i_mmap.h"
#include "mm/lru.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/shmem.h"
#include "mm/swap.h"

#include "arch/x86_64/page_ops.h"
#include "arch/x86_64/tlb.h"
#include "cpu/wait.h"
#include "lib/errno.h"

/* ---- out ---- */

static bool unmap_one(struct rmap_mapping *mapping, void *cpu_mask)
{
	struct mm *mm = mapping->vma->mm;
	pte_t old;

	/* mlock sets the flag before it looks at the entries, under the lock that is held here. */
	if (READ_ONCE(mapping->vma->flags) & VM_LOCKED)
		return false;
	old = pte_remove(mm, mapping->va, mapping->entry, PTE_WHY_SWAPOUT);
	page_operations(mapping->page)->unmap(mm, mapping->va, old);
	*(u64 *)cpu_mask |= READ_ONCE(mm->cpu_mask);
	page_put(mapping->page); /* the mapping's; the caller has another */
	return true;
}

bool shmem_unmap_all(struct page *page, u64 *cpu_mask)
{
	ASSERT(page_test(page, PG_LOCKED));
	if (page_mapcount(page))
		i_mmap_walk(page, unmap_one, cpu_mask);
	return page_mapcount(page) == 0;
}

/* mapping->lock is held. */
static enum reclaim_verdict leave_locked(struct address_space *mapping, struct page *page,
					 struct radix_pool *pool)
{
	u64 index = page->index;
	u32 slot;

	if (page_mapcount(page) || atomic_read(&page->refcount) != 2)
		return RECLAIM_KEEP_BUSY;
	if (!page_test(page, PG_DIRTY)) {
		radix_remove(&mapping->pages, index, pool);
		mapping_clear_page(page, 0);
		if (mapping->ops->uncharge)
			mapping->ops->uncharge(mapping, 1);
		return RECLAIM_DROPPED;
	}
	slot = swap_cache_add_shmem(page);
	if (!slot)
		return RECLAIM_KEEP_NO_SWAP;
	radix_replace(&mapping->pages, index, slot_word(slot));
	page_becomes_data(page);
	mapping->nr_slots++;
	mapping_clear_page(page, slot);
	return RECLAIM_FREED;
}

enum reclaim_verdict shmem_leave(struct page *page)
{
	struct address_space *mapping = page->mapping;
	struct radix_pool pool = {};
	enum reclaim_verdict verdict;

	ASSERT(page_test(page, PG_LOCKED));
	if (page_test(page, PG_SWAPCACHE))
		return RECLAIM_FREED;
	if (!mapping) /* the file was cut: whoever still holds it frees it */
		return RECLAIM_DROPPED;
	spin_lock(&mapping->lock);
	verdict = leave_locked(mapping, page, &pool);
	spin_unlock(&mapping->lock);
	mapping_empty_pool(&pool);
	if (verdict == RECLAIM_FREED || verdict == RECLAIM_DROPPED)
		page_put(page); /* the tree's */
	return verdict;
}

/* Faults wait, instead of mapping the page; NULL: no page any more. */
static void set_migrating(struct address_space *mapping, struct page *page)
{
	spin_lock(&mapping->lock);
	mapping->migrating = page;
	spin_unlock(&mapping->lock);
}

/* Nothing maps the old page any more. mapping->lock is held. */
static bool migrate_locked(struct address_space *mapping, struct page *old, struct page *new,
			   void (*copy_flags)(struct page *new, const struct page *old))
{
	u64 index = old->index;

	if (atomic_read(&old->refcount) != 2)
		return false;
	copy_page(page_virt(new), page_virt(old));
	copy_flags(new, old);
	new->private = old->private;
	radix_replace(&mapping->pages, index, (u64) new);
	mapping_clear_page(old, 0);
	page_get(new);
	mapping_set_page(mapping, index, new, 0);
	lru_add(new, old->from_list, LRU_WHY_MIGRATE);
	return true;
}

bool shmem_migrate(struct page *old, struct page *new,
		   void (*copy_flags)(struct page *new, const struct page *old))
{
	struct address_space *mapping = old->mapping;
	bool moved;
	u64 cpus = 0;

	ASSERT(page_test(old, PG_LOCKED) && page_test(old, PG_ISOLATED));
	if (!mapping)
		return false;
	set_migrating(mapping, old);
	moved = shmem_unmap_all(old, &cpus);
	if (cpus) {
		TRACE(tlb_flush, .cpus = cpus, .mm_id = 0, .reason = TLB_MIGRATE);
		tlb_shootdown_all(cpus);
	}
	spin_lock(&mapping->lock);
	moved = moved && migrate_locked(mapping, old, new, copy_flags);
	mapping->migrating = NULL;
	spin_unlock(&mapping->lock);
	if (moved)
		page_put(old); /* the tree's */
	return moved;
}

/* ---- back ---- */

/* Puts a locked page of the swap cache, not being written (the slot must not go to another page
 * meanwhile), in the place of its slot. False: the slot is not there any more. */
static bool take_back(struct address_space *mapping, u64 index, struct page *page, u32 slot)
{
	bool taken = false;

	spin_lock(&mapping->lock);
	if (page_test(page, PG_SWAPCACHE) && page->slot == slot &&
	    radix_get(&mapping->pages, index) == slot_word(slot)) {
		radix_replace(&mapping->pages, index, (u64)page);
		mapping->nr_slots--;
		mapping_set_page(mapping, index, page, slot);
		swap_cache_give_back(page); /* its reference is the tree's now */
		taken = true;
	}
	spin_unlock(&mapping->lock);
	return taken;
}

struct page *mapping_swap_in(struct address_space *mapping, u64 index, u32 slot, bool *waited,
			     int *error)
{
	struct page *page = swap_in(slot, waited, error);
	bool taken;

	if (!page)
		return NULL;
	if (page_test(page, PG_ERROR)) {
		page_put(page);
		*error = -EIO;
		return NULL;
	}
	page_lock(page);
	page_wait_clear(page, PG_WRITEBACK);
	taken = take_back(mapping, index, page, slot);
	page_unlock(page);
	if (taken)
		return page;
	page_put(page);
	*error = -EAGAIN;
	return NULL;
}

/* ---- swapoff ---- */

/* Entries of trees looked at in one go, under spinlocks. */
#define UNUSE_SCAN 1024

/* Places of one mapping that have slots, and where to look for more. */
struct places {
	u32 mapping_id, nr;
	u64 next;
	struct {
		u64 index;
		u32 slot;
	} at[IO_MAX_PAGES];
};

/* Gathers from places->next on; false: there is nothing left. mappings_lock is held. */
static bool gather_places(struct address_space *mapping, struct places *places)
{
	u32 left = UNUSE_SCAN;
	u64 word = 0;

	spin_lock(&mapping->lock);
	while (mapping->nr_slots && left-- && places->nr < IO_MAX_PAGES &&
	       (word = radix_next(&mapping->pages, &places->next))) {
		if (is_slot(word)) {
			places->at[places->nr].index = places->next;
			places->at[places->nr++].slot = word_slot(word);
		}
		places->next++;
	}
	spin_unlock(&mapping->lock);
	return word || places->nr;
}

/* Some places of the mapping that the walk is at, perhaps none; then it goes on. False: at the end of all. */
static bool find_places(struct places *places)
{
	bool more = false;

	places->nr = 0;
	spin_lock(&mappings_lock);
	while (mapping_walk && !more) {
		if (mapping_walk->id != places->mapping_id) {
			places->mapping_id = mapping_walk->id;
			places->next = 0;
		}
		more = gather_places(mapping_walk, places);
		if (!more)
			mapping_walk_next();
	}
	spin_unlock(&mappings_lock);
	return more;
}

/* Brings one place back; the mapping may be gone. 0, -ENOMEM, -EIO. */
static int unuse_place(u32 mapping_id, u64 index, u32 slot)
{
	bool waited;
	int error = 0;
	struct page *page = swap_in(slot, &waited, &error);

	if (!page)
		return error == -EAGAIN ? 0 : error;
	page_lock(page);
	page_wait_clear(page, PG_WRITEBACK);
	spin_lock(&mappings_lock);
	if (page_test(page, PG_ERROR))
		error = -EIO;
	else if (mapping_walk && mapping_walk->id == mapping_id)
		take_back(mapping_walk, index, page, slot);
	spin_unlock(&mappings_lock);
	page_unlock(page);
	page_put(page);
	return error;
}

int mappings_unuse_swap(void)
{
	struct places places = {};
	int error = 0;

	spin_lock(&mappings_lock);
	mapping_walk_begin();
	spin_unlock(&mappings_lock);
	while (find_places(&places)) {
		for (u32 i = 0; i < places.nr && !error; i++)
			error = current_has_signal()
					? -EINTR
					: unuse_place(places.mapping_id, places.at[i].index,
						      places.at[i].slot);
		if (error)
			return error;
		cond_resched();
	}
	return 0;
}

void mapping_read_ahead(struct address_space *mapping, u64 index, u64 end)
{
	u32 slots[IO_MAX_PAGES], nr;
	bool more = true;
	u64 word;

	while (more) {
		nr = 0;
		spin_lock(&mapping->lock);
		while (nr < IO_MAX_PAGES && (word = radix_next(&mapping->pages, &index)) &&
		       index < end) {
			if (is_slot(word))
				slots[nr++] = word_slot(word);
			index++;
		}
		spin_unlock(&mapping->lock);
		more = nr == IO_MAX_PAGES && swap_read_ahead(slots, nr) && !current_is_dying();
		if (nr && nr < IO_MAX_PAGES)
			swap_read_ahead(slots, nr);
		cond_resched();
	}
}
