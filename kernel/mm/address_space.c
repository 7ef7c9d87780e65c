/*
 * The page cache: which pages and slots a file has.
 *
 * Nodes of the tree come from a slab cache. An insertion that lacks some lets go of the lock, gets
 * them, and begins again: so memory is never asked for under the lock, where reclaim could not be
 * waited for.
 */
#include "mm/address_space_internal.h"

#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/i_mmap.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/swap.h"

static struct kmem_cache *node_cache;
static atomic_t nr_pages_total;

/* For the baseline: every mapping. */
DEFINE_SPINLOCK(mappings_lock, RANK_MAPPING_LIST);
static LIST_HEAD(all_mappings);
struct address_space *mapping_walk;

void address_space_init(void)
{
	node_cache = kmem_cache_create("radix_node", sizeof(struct radix_node));
	BUG_ON(!node_cache);
}

void mapping_init(struct address_space *mapping, const struct address_space_ops *ops)
{
	*mapping = (struct address_space){.ops = ops, .seals = F_SEAL_SEAL, .id = rmap_new_id()};
	spin_lock_init(&mapping->lock, RANK_MAPPING);
	spin_lock_init(&mapping->i_mmap_lock, RANK_I_MMAP);
	spin_lock(&mappings_lock);
	list_add_tail(&mapping->node, &all_mappings);
	TRACE(mapping_create, .mapping_id = mapping->id);
	spin_unlock(&mappings_lock);
}

static void walk_to(struct list_head *node)
{
	ASSERT(spin_is_held(&mappings_lock));
	mapping_walk = node == &all_mappings ? NULL : list_entry(node, struct address_space, node);
}

void mapping_walk_begin(void)
{
	walk_to(all_mappings.next);
}

void mapping_walk_next(void)
{
	walk_to(mapping_walk->node.next);
}

void mapping_destroy(struct address_space *mapping)
{
	mapping_remove_range(mapping, 0, MAPPING_MAX_INDEX);
	BUG_ON(!interval_empty(&mapping->i_mmap));
	BUG_ON(!radix_empty(&mapping->pages) || mapping->nr_pages || mapping->nr_slots);
	spin_lock(&mappings_lock);
	if (mapping == mapping_walk)
		mapping_walk_next();
	list_del(&mapping->node);
	TRACE(mapping_free, .mapping_id = mapping->id);
	spin_unlock(&mappings_lock);
}

/* ---- nodes ---- */

static int fill_pool(struct radix_pool *pool, u32 nr)
{
	while (pool->nr < nr) {
		struct radix_node *node = kmem_cache_alloc(node_cache, GFP_KERNEL);

		if (!node)
			return -ENOMEM;
		radix_pool_add(pool, node);
	}
	return 0;
}

void mapping_empty_pool(struct radix_pool *pool)
{
	struct radix_node *node;

	while ((node = radix_pool_take(pool)))
		kmem_cache_free(node_cache, node);
}

/* ---- adding ---- */

void mapping_set_page(struct address_space *mapping, u64 index, struct page *page, u32 slot)
{
	ASSERT(spin_is_held(&mapping->lock));
	page->mapping = mapping;
	page->index = index;
	mapping->nr_pages++;
	atomic_inc(&nr_pages_total);
	TRACE(mm_filemap_add_to_page_cache, .pgoff = index, .pfn = page_pfn(page),
	      .mapping_id = mapping->id, .slot = slot);
}

/* Puts the page where nothing is. 0, -EEXIST, -ENOMEM; with MAPPING_WITHIN -EINVAL: one that passes is found
 * by who cuts the file, because the lock is taken for that after the size was set. */
static int insert_page(struct address_space *mapping, u64 index, struct page *page, u32 flags)
{
	struct radix_pool pool = {};
	u32 missing;
	int error;

	do {
		missing = 0;
		error = -EEXIST;
		spin_lock(&mapping->lock);
		if (flags & MAPPING_WITHIN && !mapping_reaches(mapping, index)) {
			error = -EINVAL;
		} else if (!radix_get(&mapping->pages, index)) {
			error = 0;
			missing = radix_insert(&mapping->pages, index, (u64)page, &pool);
			if (!missing)
				mapping_set_page(mapping, index, page, 0);
		}
		spin_unlock(&mapping->lock);
		if (missing)
			error = fill_pool(&pool, missing);
	} while (missing && !error);
	mapping_empty_pool(&pool);
	return error;
}

static int add_page(struct address_space *mapping, u64 index, struct page *page, u32 flags)
{
	int error = mapping->ops->charge ? mapping->ops->charge(mapping) : 0;

	ASSERT(page->kind == PAGE_SHMEM && !page->mapping && index < MAPPING_MAX_INDEX);
	if (error)
		return error;
	page_get(page);
	error = insert_page(mapping, index, page, flags);
	if (!error)
		reclaim_list_new(page);
	else if (mapping->ops->uncharge)
		mapping->ops->uncharge(mapping, 1);
	if (error)
		page_put(page);
	return error;
}

int mapping_add_page(struct address_space *mapping, u64 index, struct page *page)
{
	return add_page(mapping, index, page, 0);
}

/* ---- finding ---- */

/* The page at an index, with a reference, or NULL and *word says what else is there. */
static struct page *find(struct address_space *mapping, u64 index, u64 *word)
{
	struct page *page = NULL;

	spin_lock(&mapping->lock);
	*word = radix_get(&mapping->pages, index);
	if (*word && !is_slot(*word)) {
		page = word_page(*word);
		page_get(page);
	}
	spin_unlock(&mapping->lock);
	return page;
}

struct page *mapping_find_page(struct address_space *mapping, u64 index)
{
	u64 word;

	return find(mapping, index, &word);
}

/* A page with what a hole reads as, in the hole. *error is -EEXIST when it is none any more. */
static struct page *fill_hole(struct address_space *mapping, u64 index, u32 flags, int *error)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_SHMEM);

	*error = -ENOMEM;
	if (!page)
		return NULL;
	if (flags & MAPPING_FALLOCATE)
		page->private = PAGE_FALLOCATED;
	*error = mapping->ops->read_page ? mapping->ops->read_page(mapping, index, page) : 0;
	if (!*error)
		*error = add_page(mapping, index, page, flags);
	if (!*error)
		return page;
	page_put(page);
	return NULL;
}

struct page *mapping_next_page_locked(struct address_space *mapping, u64 *index, u64 end)
{
	u64 at = *index, word;

	ASSERT(spin_is_held(&mapping->lock));
	while ((word = radix_next(&mapping->pages, &at)) && at < end) {
		if (!is_slot(word)) {
			*index = at;
			return word_page(word);
		}
		at++;
	}
	return NULL;
}

struct page *mapping_get_page(struct address_space *mapping, u64 index, u32 flags, int *error)
{
	bool waited;

	return mapping_get_page_waited(mapping, index, flags, &waited, error);
}

struct page *mapping_get_page_waited(struct address_space *mapping, u64 index, u32 flags,
				     bool *waited, int *error)
{
	for (;;) {
		u64 word;
		struct page *page = find(mapping, index, &word);

		*error = 0;
		if (page)
			return page;
		if (is_slot(word))
			page = mapping_swap_in(mapping, index, word_slot(word), waited, error);
		else if (flags & MAPPING_CREATE || mapping->ops->read_page)
			page = fill_hole(mapping, index, flags, error);
		if (page || (*error != -EEXIST && *error != -EAGAIN))
			return page;
	}
}

void mapping_set_dirty(struct page *page)
{
	if (!page_test(page, PG_DIRTY))
		page_set(page, PG_DIRTY);
}

/* Of the tree: whether it is a hole to SEEK_HOLE. */
static bool is_data(u64 word)
{
	return is_slot(word) || (word && !page_is_fallocated(word_page(word)));
}

u64 mapping_next_data(struct address_space *mapping, u64 index, u64 end)
{
	u64 at = index, word;

	spin_lock(&mapping->lock);
	while ((word = radix_next(&mapping->pages, &at)) && at < end && !is_data(word))
		at++;
	spin_unlock(&mapping->lock);
	return word ? min(at, end) : end;
}

u64 mapping_next_hole(struct address_space *mapping, u64 index, u64 end)
{
	spin_lock(&mapping->lock);
	while (index < end && is_data(radix_get(&mapping->pages, index)))
		index++;
	spin_unlock(&mapping->lock);
	return index;
}

u32 mapping_total_pages(void)
{
	return atomic_read(&nr_pages_total);
}

/* ---- removing ---- */

void mapping_clear_page(struct page *page, u32 slot)
{
	struct address_space *mapping = page->mapping;

	ASSERT(spin_is_held(&mapping->lock) && page_test(page, PG_LOCKED) && !page_mapcount(page));
	TRACE(mm_filemap_delete_from_page_cache, .pgoff = page->index, .pfn = page_pfn(page),
	      .mapping_id = mapping->id, .slot = slot);
	page->mapping = NULL;
	mapping->nr_pages--;
	atomic_add_return(&nr_pages_total, -1);
}

static void uncharge(struct address_space *mapping)
{
	if (mapping->ops->uncharge)
		mapping->ops->uncharge(mapping, 1);
}

/* Takes a page that nothing maps out of the tree, whose reference is the caller's then. Page and mapping are locked. */
static void take_out(struct address_space *mapping, struct page *page, struct radix_pool *pool)
{
	if (READ_ONCE(mapping->unevictable))
		munlock_page(page);
	radix_remove(&mapping->pages, page->index, pool);
	mapping_clear_page(page, 0);
	uncharge(mapping);
}

/* Removes a page that the caller has a reference on; it may have gone meanwhile. A page that was just
 * mapped again has to be unmapped once more. */
static void remove_page(struct address_space *mapping, struct page *page)
{
	struct radix_pool pool = {};
	bool removed = false, mapped;

	page_lock(page);
	do {
		spin_lock(&mapping->lock);
		mapped = page->mapping == mapping && page_mapcount(page);
		if (page->mapping == mapping && !mapped) {
			take_out(mapping, page, &pool);
			removed = true;
		}
		spin_unlock(&mapping->lock);
		if (mapped) {
			mapping_unmap_range(mapping, page->index, page->index, UNMAP_CACHE);
			cond_resched();
		}
	} while (mapped);
	page_unlock(page);
	mapping_empty_pool(&pool);
	if (removed)
		page_put(page);
}

/* Takes a slot out of the tree. The lock is held. */
static void remove_slot(struct address_space *mapping, u64 index, struct radix_pool *pool)
{
	u32 slot = word_slot(radix_remove(&mapping->pages, index, pool));

	TRACE(mapping_slot_drop, .pgoff = index, .slot = slot, .mapping_id = mapping->id);
	mapping->nr_slots--;
	uncharge(mapping);
	swap_slot_put(slot, SLOT_WHY_TRUNCATE);
}

/* Empties the first place at *index or behind it, up to `last`, that is no hole. False: there is none.
 * A page that became a slot meanwhile is met again. */
static bool remove_next(struct address_space *mapping, u64 *index, u64 last)
{
	struct radix_pool pool = {};
	struct page *page = NULL;
	bool found;
	u64 word;

	spin_lock(&mapping->lock);
	word = radix_next(&mapping->pages, index);
	found = word && *index <= last;
	if (found && is_slot(word)) {
		remove_slot(mapping, *index, &pool);
	} else if (found) {
		page = word_page(word);
		page_get(page);
	}
	spin_unlock(&mapping->lock);
	mapping_empty_pool(&pool);
	if (page) {
		remove_page(mapping, page);
		page_put(page);
	}
	return found;
}

void mapping_remove_range(struct address_space *mapping, u64 first, u64 last)
{
	while (remove_next(mapping, &first, last))
		cond_resched();
}

/* The next page of [*index, end) that is fallocated, with a reference, or NULL. */
static struct page *next_fallocated(struct address_space *mapping, u64 *index, u64 end)
{
	struct page *page;

	spin_lock(&mapping->lock);
	while ((page = mapping_next_page_locked(mapping, index, end)) && !page_is_fallocated(page))
		++*index;
	if (page)
		page_get(page);
	spin_unlock(&mapping->lock);
	return page;
}

void mapping_remove_fallocated(struct address_space *mapping, u64 first, u64 end)
{
	struct page *page;

	for (; (page = next_fallocated(mapping, &first, end)); first++) {
		struct radix_pool pool = {};
		bool removed = false;

		page_lock(page);
		spin_lock(&mapping->lock);
		if (page->mapping == mapping && page_is_fallocated(page)) {
			take_out(mapping, page, &pool);
			removed = true;
		}
		spin_unlock(&mapping->lock);
		page_unlock(page);
		mapping_empty_pool(&pool);
		if (removed)
			page_put(page);
		page_put(page);
		cond_resched();
	}
}

/* ---- looking at all ---- */

struct page *debug_mapping_page(const struct address_space *mapping, u64 index)
{
	u64 word = radix_get(&mapping->pages, index);

	return is_slot(word) ? NULL : word_page(word);
}

u32 debug_mapping_for_each(void (*visit)(struct address_space *mapping, u64 index,
					 struct page *page, u32 slot, void *arg),
			   void *arg)
{
	struct address_space *mapping;
	u32 wrong = 0;

	list_for_each_entry (mapping, &all_mappings, node) {
		u32 pages = 0, slots = 0;
		u64 word, index = 0;

		for (; (word = radix_next(&mapping->pages, &index)); index++) {
			if (is_slot(word))
				slots++;
			else
				pages++;
			visit(mapping, index, is_slot(word) ? NULL : word_page(word),
			      is_slot(word) ? word_slot(word) : 0, arg);
		}
		if (pages == mapping->nr_pages && slots == mapping->nr_slots)
			continue;
		printk("mm_check: mapping %u counts %u pages, %u slots; it has %u and %u",
		       mapping->id, mapping->nr_pages, mapping->nr_slots, pages, slots);
		wrong++;
	}
	return wrong;
}

static u64 emit_i_mmap(const struct address_space *mapping)
{
	struct interval_node *node;
	u64 records = 0;

	for (node = interval_first(&mapping->i_mmap, 0, ~0ul); node;
	     node = interval_next(node, 0, ~0ul)) {
		const struct vma *vma = container_of(node, struct vma, i_mmap_node);

		TRACE(state_i_mmap, .pgoff = vma->pgoff, .vma_id = vma->id,
		      .mapping_id = mapping->id);
		records++;
	}
	return records;
}

u64 mapping_baseline(void)
{
	struct address_space *mapping;
	u64 records = 0;

	list_for_each_entry (mapping, &all_mappings, node) {
		u64 word, index = 0;

		TRACE(state_mapping, .mapping_id = mapping->id);
		records += 1 + emit_i_mmap(mapping);
		while ((word = radix_next(&mapping->pages, &index))) {
			TRACE(state_cache, .pgoff = index, .mapping_id = mapping->id,
			      .value = is_slot(word) ? word_slot(word) : page_pfn(word_page(word)),
			      .kind = is_slot(word) ? PTE_SWAP : PTE_PAGE);
			records++;
			index++;
		}
	}
	return records;
}
