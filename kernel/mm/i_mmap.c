/*
 * The tree of VMAs of each file, and the walks over it.
 *
 * A walk holds the tree's lock throughout, so VMAs and their page tables stay; PTE locks are taken
 * below it. What is unmapped for a file that is cut is gathered, flushed and dropped without letting go of
 * the lock: it is dropped in batches, and a VMA that is linked meanwhile finds the file's new size.
 */
#include "mm/i_mmap.h"

#include "cpu/quiesce.h"
#include "lib/errno.h"
#include "mm/lru.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/swap.h"

static struct vma *node_vma(struct interval_node *node)
{
	return container_of(node, struct vma, i_mmap_node);
}

/* One that may write to the file, or could be made to as far as Linux 6.1 looks. */
static bool is_writer(const struct vma *vma)
{
	return vma->flags & VM_SHARED;
}

static void insert(struct vma *vma)
{
	vma->i_mmap_node.start = vma->pgoff;
	vma->i_mmap_node.last = vma->pgoff + vma_pages(vma) - 1;
	interval_insert(&vma->mapping->i_mmap, &vma->i_mmap_node);
}

void i_mmap_link(struct vma *vma)
{
	if (!vma->mapping)
		return;
	ASSERT(spin_is_held(&vma->mapping->i_mmap_lock));
	insert(vma);
	vma->mapping->nr_writable += is_writer(vma);
	TRACE(i_mmap_link, .pgoff = vma->pgoff, .vma_id = vma->id, .mapping_id = vma->mapping->id);
}

void i_mmap_unlink(struct vma *vma)
{
	if (!vma->mapping)
		return;
	ASSERT(spin_is_held(&vma->mapping->i_mmap_lock));
	interval_remove(&vma->mapping->i_mmap, &vma->i_mmap_node);
	vma->mapping->nr_writable -= is_writer(vma);
	TRACE(i_mmap_unlink, .vma_id = vma->id, .mapping_id = vma->mapping->id);
}

void i_mmap_begin_resize(struct vma *vma)
{
	if (!vma->mapping)
		return;
	ASSERT(spin_is_held(&vma->mapping->i_mmap_lock));
	interval_remove(&vma->mapping->i_mmap, &vma->i_mmap_node);
}

void i_mmap_end_resize(struct vma *vma)
{
	if (vma->mapping)
		insert(vma);
}

int mapping_map_writable(struct address_space *mapping)
{
	int error = 0;

	spin_lock(&mapping->i_mmap_lock);
	if (mapping->deny_writable)
		error = -EPERM;
	else
		mapping->nr_writable++;
	spin_unlock(&mapping->i_mmap_lock);
	return error;
}

void mapping_unmap_writable(struct address_space *mapping)
{
	spin_lock(&mapping->i_mmap_lock);
	mapping->nr_writable--;
	spin_unlock(&mapping->i_mmap_lock);
}

int mapping_deny_writable(struct address_space *mapping)
{
	int error = 0;

	spin_lock(&mapping->i_mmap_lock);
	if (mapping->nr_writable)
		error = -EBUSY;
	else
		mapping->deny_writable = true;
	spin_unlock(&mapping->i_mmap_lock);
	return error;
}

/* ---- unmapping a part of the file ---- */

#define UNMAP_BATCH 64

/* Entries of [at, end) of a VMA on their way to be empty. */
struct unmap {
	struct vma *vma;
	enum unmap_what what;
	u64 at, end;
	u32 nr_pages;
	struct page *pages[UNMAP_BATCH];
};

static bool is_wanted(const struct unmap *unmap, pte_t pte)
{
	if (!pte)
		return false;
	return unmap->what == UNMAP_ALL || pte_operations(pte)->is_file;
}

/* Empties the entries of one table, from `at` on, until the batch is full. */
static void unmap_table(struct unmap *unmap)
{
	struct mm *mm = unmap->vma->mm;
	u64 end = min(ALIGN_DOWN(unmap->at, level_size(2)) + level_size(2), unmap->end);
	pte_t *entry = pte_find(mm, unmap->at);
	spinlock_t *ptl;

	if (!entry) {
		unmap->at = end;
		return;
	}
	ptl = pte_lockptr(entry);
	spin_lock(ptl);
	for (; unmap->at < end && unmap->nr_pages < UNMAP_BATCH; unmap->at += PAGE_SIZE, entry++) {
		pte_t old = pte_read(entry);
		struct page *page;

		if (!is_wanted(unmap, old))
			continue;
		old = pte_remove(mm, unmap->at, entry, PTE_WHY_TRUNCATE);
		page = pte_operations(old)->unmap(mm, unmap->at, old);
		if (!page)
			continue;
		if (unmap->vma->flags & VM_LOCKED)
			munlock_page(page);
		unmap->pages[unmap->nr_pages++] = page;
	}
	spin_unlock(ptl);
}

static void unmap_vma(struct unmap *unmap)
{
	while (unmap->at < unmap->end) {
		u64 from = unmap->at;

		unmap_table(unmap);
		if (!unmap->nr_pages)
			continue;
		mm_flush_tlb(unmap->vma->mm, from, unmap->at, TLB_UNMAP);
		for (u32 i = 0; i < unmap->nr_pages; i++) {
			swap_cache_drop_unused(unmap->pages[i]);
			page_put(unmap->pages[i]);
		}
		unmap->nr_pages = 0;
	}
}

void mapping_unmap_range(struct address_space *mapping, u64 first, u64 last, enum unmap_what what)
{
	struct unmap unmap = {.what = what};
	struct interval_node *node;

	spin_lock(&mapping->i_mmap_lock);
	for (node = interval_first(&mapping->i_mmap, first, last); node;
	     node = interval_next(node, first, last)) {
		struct vma *vma = unmap.vma = node_vma(node);
		u64 begin = max(first, node->start), behind = min(last, node->last) + 1;

		unmap.at = vma->start + ((begin - vma->pgoff) << PAGE_SHIFT);
		unmap.end = vma->start + ((behind - vma->pgoff) << PAGE_SHIFT);
		unmap_vma(&unmap);
	}
	spin_unlock(&mapping->i_mmap_lock);
}

/* ---- the mappings of one page ---- */

void i_mmap_walk(struct page *page, bool (*visit)(struct rmap_mapping *mapping, void *arg),
		 void *arg)
{
	struct address_space *mapping = page->mapping;
	struct interval_node *node;
	bool go_on = true;

	ASSERT(page_test(page, PG_LOCKED) || READ_ONCE(quiesce_wanted) || panic_in_progress());
	if (!mapping)
		return;
	spin_lock(&mapping->i_mmap_lock);
	for (node = interval_first(&mapping->i_mmap, page->index, page->index); node && go_on;
	     node = interval_next(node, page->index, page->index)) {
		struct vma *vma = node_vma(node);

		go_on = rmap_visit(page, vma,
				   vma->start + ((page->index - vma->pgoff) << PAGE_SHIFT), visit,
				   arg);
	}
	spin_unlock(&mapping->i_mmap_lock);
}
