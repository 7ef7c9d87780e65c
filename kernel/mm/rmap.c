/*
 * Reverse mapping: anon_vmas, their chains, and the count of a page's mappings.
 *
 * An anon_vma lives as long as a link, a page or (a root) a member of its family refers to it. That
 * a page holds a reference from its first mapping until it is freed is what lets reclaim follow
 * page->anon_vma with nothing but a reference on the page. Linux gets by without it by freeing
 * anon_vmas only after a grace period; here a counter is simpler than RCU.
 */
#include "mm/rmap.h"

#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/page_operations.h"
#include "mm/slab.h"

static struct kmem_cache *anon_vma_cache, *chain_cache;
static u32 last_id; /* atomic */

/* For the baseline: every anon_vma. */
static DEFINE_SPINLOCK(all_lock, RANK_ANON_LIST);
static LIST_HEAD(all);

/* Who gives a VMA its first anon_vma. */
static DEFINE_SPINLOCK(attach_lock, RANK_ATTACH);

void rmap_init(void)
{
	anon_vma_cache = kmem_cache_create("anon_vma", sizeof(struct anon_vma));
	chain_cache = kmem_cache_create("anon_vma_chain", sizeof(struct anon_vma_chain));
	BUG_ON(!anon_vma_cache || !chain_cache);
}

u32 rmap_new_id(void)
{
	return __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
}

static spinlock_t *family_lock(struct anon_vma *anon_vma)
{
	return &anon_vma->root->lock;
}

/* A new anon_vma with one reference, the caller's; `root` NULL makes it a root of its own. */
static struct anon_vma *anon_vma_alloc(struct anon_vma *root)
{
	struct anon_vma *anon_vma = kmem_cache_alloc(anon_vma_cache, GFP_KERNEL | GFP_ZERO);

	if (!anon_vma)
		return NULL;
	anon_vma->id = rmap_new_id();
	anon_vma->root = root ? root : anon_vma;
	atomic_set(&anon_vma->refs, 1);
	if (root)
		atomic_inc(&root->refs);
	spin_lock_init(&anon_vma->lock, RANK_ANON_VMA);
	spin_lock(&all_lock);
	list_add_tail(&anon_vma->node, &all);
	TRACE(anon_vma_create, .anon_vma_id = anon_vma->id, .root_id = anon_vma->root->id);
	spin_unlock(&all_lock);
	return anon_vma;
}

static void anon_vma_put(struct anon_vma *anon_vma)
{
	struct anon_vma *root = anon_vma->root;

	if (atomic_dec_return(&anon_vma->refs))
		return;
	spin_lock(&all_lock);
	list_del(&anon_vma->node);
	TRACE(anon_vma_free, .anon_vma_id = anon_vma->id);
	spin_unlock(&all_lock);
	kmem_cache_free(anon_vma_cache, anon_vma);
	if (root != anon_vma)
		anon_vma_put(root);
}

static void set_interval(struct anon_vma_chain *link, const struct vma *vma)
{
	link->interval.start = vma->anon_index;
	link->interval.last = vma->anon_index + vma_pages(vma) - 1;
}

/* Ties vma and anon_vma with a link that the caller allocated. The family's lock is held. */
static void link_locked(struct anon_vma_chain *link, struct vma *vma, struct anon_vma *anon_vma)
{
	ASSERT(spin_is_held(family_lock(anon_vma)));
	link->vma = vma;
	link->anon_vma = anon_vma;
	set_interval(link, vma);
	atomic_inc(&anon_vma->refs);
	list_add_tail(&link->node, &vma->chain);
	interval_insert(&anon_vma->links, &link->interval);
	TRACE(avc_link, .vma_id = vma->id, .anon_vma_id = anon_vma->id);
}

/* Sets vma->anon_vma; the family's lock is held. Last: another thread that sees it without the lock
 * maps pages, and its events come after those of the link. */
static void attach_locked(struct vma *vma, struct anon_vma *anon_vma)
{
	TRACE(anon_vma_attach, .vma_id = vma->id, .anon_vma_id = anon_vma->id);
	__atomic_store_n(&vma->anon_vma, anon_vma, __ATOMIC_RELEASE);
}

/* A neighbour's anon_vma that the VMA can share, so that the two can merge later; NULL if there is
 * none. Rights may differ: mprotect can make them equal. Only one that was never inherited: sharing
 * a family's would tie strangers to it. */
static struct anon_vma *neighbours_anon_vma(struct vma *vma)
{
	struct vma *sides[] = {vma_prev(vma), vma_next(vma)};

	for (u32 i = 0; i < ARRAY_SIZE(sides); i++) {
		struct vma *side = sides[i];

		if (!side || !side->anon_vma || side->mapping || vma->mapping ||
		    ((side->flags ^ vma->flags) & ~(VM_READ | VM_WRITE | VM_EXEC)) ||
		    anon_vma_is_inherited(side))
			continue;
		if (side->end == vma->start ? vma_index(side, side->end) == vma->anon_index
					    : vma->end == side->start &&
						      vma_index(vma, vma->end) == side->anon_index)
			return side->anon_vma;
	}
	return NULL;
}

int anon_vma_prepare(struct vma *vma)
{
	struct anon_vma *anon_vma, *made = NULL;
	struct anon_vma_chain *link;

	if (likely(__atomic_load_n(&vma->anon_vma, __ATOMIC_ACQUIRE)))
		return 0;
	link = kmem_cache_alloc(chain_cache, GFP_KERNEL);
	if (!link)
		return -ENOMEM;
	anon_vma = neighbours_anon_vma(vma);
	if (!anon_vma)
		anon_vma = made = anon_vma_alloc(NULL);
	if (!anon_vma) {
		kmem_cache_free(chain_cache, link);
		return -ENOMEM;
	}
	/* Threads that fault in one VMA hold mmap_lock for reading only: a second one may have been
	 * faster. They agree on the family's lock only if they chose the same anon_vma. */
	spin_lock(&attach_lock);
	spin_lock(family_lock(anon_vma));
	if (!vma->anon_vma) {
		link_locked(link, vma, anon_vma);
		attach_locked(vma, anon_vma);
		link = NULL;
	}
	spin_unlock(family_lock(anon_vma));
	spin_unlock(&attach_lock);
	if (link)
		kmem_cache_free(chain_cache, link);
	if (made)
		anon_vma_put(made); /* the link holds it now, or nobody */
	return 0;
}

void anon_vma_unreserve(struct list_head *spare)
{
	struct anon_vma_chain *link, *next;

	list_for_each_entry_safe (link, next, spare, node)
		kmem_cache_free(chain_cache, link);
}

int anon_vma_reserve(struct list_head *spare, struct vma *vma)
{
	struct anon_vma_chain *old, *link;

	list_for_each_entry (old, &vma->chain, node) {
		link = kmem_cache_alloc(chain_cache, GFP_KERNEL);
		if (!link) {
			anon_vma_unreserve(spare);
			return -ENOMEM;
		}
		list_add(&link->node, spare);
	}
	return 0;
}

static struct anon_vma_chain *take_spare(struct list_head *spare)
{
	struct anon_vma_chain *link = list_first_entry(spare, struct anon_vma_chain, node);

	list_del(&link->node);
	return link;
}

void anon_vma_clone(struct vma *to, struct vma *from, struct list_head *spare)
{
	struct anon_vma_chain *old;

	if (!from->anon_vma)
		return;
	/* All links of a VMA lead into one family: they were inherited along one line. */
	spin_lock(family_lock(from->anon_vma));
	list_for_each_entry_reverse (old, &from->chain, node)
		link_locked(take_spare(spare), to, old->anon_vma);
	if (to->mm == from->mm)
		attach_locked(to, from->anon_vma);
	spin_unlock(family_lock(from->anon_vma));
}

int anon_vma_fork(struct vma *child, struct vma *parent)
{
	LIST_HEAD(spare);
	struct anon_vma_chain *link;
	struct anon_vma *anon_vma;

	if (!parent->anon_vma)
		return 0;
	if (anon_vma_reserve(&spare, parent))
		return -ENOMEM;
	link = kmem_cache_alloc(chain_cache, GFP_KERNEL);
	anon_vma = link ? anon_vma_alloc(parent->anon_vma->root) : NULL;
	if (!anon_vma) {
		if (link)
			kmem_cache_free(chain_cache, link);
		anon_vma_unreserve(&spare);
		return -ENOMEM;
	}
	anon_vma_clone(child, parent, &spare);
	spin_lock(family_lock(anon_vma));
	link_locked(link, child, anon_vma);
	attach_locked(child, anon_vma);
	spin_unlock(family_lock(anon_vma));
	anon_vma_put(anon_vma); /* the link holds it now */
	return 0;
}

void anon_vma_unlink(struct vma *vma)
{
	struct anon_vma_chain *link, *next;

	list_for_each_entry_safe (link, next, &vma->chain, node) {
		struct anon_vma *anon_vma = link->anon_vma;

		spin_lock(family_lock(anon_vma));
		interval_remove(&anon_vma->links, &link->interval);
		list_del(&link->node);
		TRACE(avc_unlink, .vma_id = vma->id, .anon_vma_id = anon_vma->id);
		spin_unlock(family_lock(anon_vma));
		kmem_cache_free(chain_cache, link);
		anon_vma_put(anon_vma);
	}
	vma->anon_vma = NULL;
}

void anon_vma_detach(struct vma *vma)
{
	bool attached = vma->anon_vma;

	anon_vma_unlink(vma);
	if (attached)
		TRACE(anon_vma_attach, .vma_id = vma->id, .anon_vma_id = 0);
}

bool anon_vma_is_inherited(const struct vma *vma)
{
	return vma->anon_vma && vma->chain.next->next != &vma->chain;
}

bool anon_vma_mergeable(const struct vma *a, const struct vma *b)
{
	if (a->anon_vma && b->anon_vma)
		return a->anon_vma == b->anon_vma;
	return !anon_vma_is_inherited(a) && !anon_vma_is_inherited(b);
}

void anon_vma_begin_resize(struct vma *vma)
{
	struct anon_vma_chain *link;

	if (!vma->anon_vma)
		return;
	spin_lock(family_lock(vma->anon_vma));
	list_for_each_entry (link, &vma->chain, node)
		interval_remove(&link->anon_vma->links, &link->interval);
}

void anon_vma_end_resize(struct vma *vma)
{
	struct anon_vma_chain *link;

	if (!vma->anon_vma)
		return;
	list_for_each_entry (link, &vma->chain, node) {
		set_interval(link, vma);
		interval_insert(&link->anon_vma->links, &link->interval);
	}
	spin_unlock(family_lock(vma->anon_vma));
}

static inline void count_mapping(struct page *page, struct vma *vma, u64 va)
{
	s32 mapcount = atomic_inc_return(&page->mapcount) + 1;

	BUG_ON(page->index != vma_index(vma, va));
	ASSERT(page->kind == PAGE_ANON);
	TRACE(rmap_add, .va = va, .pfn = page_pfn(page), .mm_id = vma->mm->id,
	      .mapping_id = page->anon_vma->id, .mapcount = mapcount);
}

void rmap_add_new(struct page *page, struct vma *vma, u64 va)
{
	ASSERT(!page->anon_vma);
	atomic_inc(&vma->anon_vma->refs);
	page->anon_vma = vma->anon_vma;
	page->index = vma_index(vma, va);
	count_mapping(page, vma, va);
}

void rmap_add(struct page *page, struct vma *vma, u64 va)
{
	if (!page->anon_vma) {
		/* First mapping of a page read from swap: other tasks of the family may hold
		 * entries of its slot, and only the root's tree leads to all of them. */
		struct anon_vma *root = vma->anon_vma->root;

		atomic_inc(&root->refs);
		page->anon_vma = root;
		page->index = vma_index(vma, va);
	}
	count_mapping(page, vma, va);
}

void rmap_migrate(struct page *to, struct page *from, struct vma *vma, u64 va)
{
	if (!to->anon_vma) {
		atomic_inc(&from->anon_vma->refs);
		to->anon_vma = from->anon_vma;
		to->index = from->index;
	}
	count_mapping(to, vma, va);
	rmap_remove(from, vma->mm, va);
}

void rmap_add_file(struct page *page, struct vma *vma, u64 va)
{
	s32 mapcount = atomic_inc_return(&page->mapcount) + 1;

	BUG_ON(page->mapping != vma->mapping || page->index != vma_pgoff(vma, va));
	TRACE(rmap_add, .va = va, .pfn = page_pfn(page), .mm_id = vma->mm->id,
	      .mapping_id = page->mapping->id, .mapcount = mapcount);
}

void rmap_remove(struct page *page, struct mm *mm, u64 va)
{
	bool is_anon = page->kind == PAGE_ANON;
	/* Read first: without mappings a page of a file may leave it. One of an anon_vma stays there. */
	u32 mapping_id = likely(is_anon) ? 0 : rmap_mapping_id(page);
	s32 mapcount = atomic_dec_return(&page->mapcount) + 1;

	BUG_ON(mapcount < 0);
	TRACE(rmap_remove, .va = va, .pfn = page_pfn(page), .mm_id = mm->id,
	      .mapping_id = is_anon ? page->anon_vma->id : mapping_id, .mapcount = mapcount);
}

u32 rmap_mapping_id(const struct page *page)
{
	if (page_operations(page)->is_file)
		return page->mapping ? page->mapping->id : 0;
	return page->kind == PAGE_ANON && page->anon_vma ? page->anon_vma->id : 0;
}

void rmap_split(struct page *page)
{
	atomic_add_return(&page->anon_vma->refs, HUGE_PAGE_NR - 1);
	for (u32 i = 1; i < HUGE_PAGE_NR; i++) {
		page[i].anon_vma = page->anon_vma;
		page[i].index = page->index + i;
	}
}

void rmap_page_freed(struct page *page)
{
	if (!page->anon_vma) /* never mapped */
		return;
	anon_vma_put(page->anon_vma);
	page->anon_vma = NULL;
}

u64 rmap_baseline(void)
{
	struct anon_vma *anon_vma;
	u64 records = 0;

	list_for_each_entry (anon_vma, &all, node) {
		struct interval_node *node;

		TRACE(state_anon_vma, .anon_vma_id = anon_vma->id, .root_id = anon_vma->root->id);
		records++;
		for (node = interval_first(&anon_vma->links, 0, ~0ul); node;
		     node = interval_next(node, 0, ~0ul)) {
			struct anon_vma_chain *link =
				container_of(node, struct anon_vma_chain, interval);

			TRACE(state_avc, .vma_id = link->vma->id, .anon_vma_id = anon_vma->id);
			records++;
		}
	}
	return records;
}
