/*
 * Walking all mappings of a page: by anon_vma and chain, the one strategy there is for anonymous ones,
 * or by its file (i_mmap.c); and the walks that reclaim needs.
 *
 * A page of 512 frames is mapped by entries of level 2, any other by entries of level 1.
 *
 * Lock order: anon_vma (held through the walk, so that VMAs and their page tables stay), PTE. A
 * mapping that a fault adds behind the walker is not missed: who adds one to a page in use holds
 * the page lock, as the callers of rmap_unmap_all() do, or (fork) adds it for a child while the
 * parent's is counted, and a page with mappings left is not evicted.
 */
#include "lib/cmdline.h"
#include "mm/i_mmap.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/swap.h"

bool rmap_visit(struct page *page, struct vma *vma, u64 va,
		bool (*visit)(struct rmap_mapping *mapping, void *arg), void *arg)
{
	struct rmap_mapping mapping = {.page = page, .vma = vma, .va = va};
	spinlock_t *ptl;
	bool go_on = true;
	pte_t pte;

	/* A split takes the lock of the anon_vma, which is held here. */
	mapping.huge = page_is_huge(page);
	mapping.entry =
		mapping.huge ? pmd_find(vma->mm, mapping.va) : pte_find(vma->mm, mapping.va);
	if (!mapping.entry)
		return true;
	ptl = pte_lockptr(mapping.entry);
	spin_lock(ptl);
	pte = pte_read(mapping.entry);
	if (pte_maps(pte) && pte_pfn(pte) == page_pfn(page) && pte_is_leaf(pte, 2) == mapping.huge)
		go_on = visit(&mapping, arg);
	spin_unlock(ptl);
	return go_on;
}

static void walk_chain(struct page *page, bool (*visit)(struct rmap_mapping *mapping, void *arg),
		       void *arg)
{
	struct anon_vma *anon_vma = page->anon_vma;
	struct interval_node *node;

	if (!anon_vma) /* read from swap, never mapped since */
		return;
	spin_lock(&anon_vma->root->lock);
	for (node = interval_first(&anon_vma->links, page->index, page->index); node;
	     node = interval_next(node, page->index, page->index)) {
		struct vma *vma = container_of(node, struct anon_vma_chain, interval)->vma;

		if (!rmap_visit(page, vma,
				vma->start + ((page->index - vma->anon_index) << PAGE_SHIFT), visit,
				arg))
			break;
	}
	spin_unlock(&anon_vma->root->lock);
}

const struct rmap_strategy rmap_anon_chain = {.name = "anon_chain", .walk = walk_chain};

const struct rmap_strategy *rmap = &rmap_anon_chain;

void rmap_choose(void)
{
	char name[16];

	if (cmdline_text("rmap", name, sizeof(name)) && strcmp(name, rmap->name))
		panic("rmap=%s: no such way to find mappings", name);
}

void rmap_walk(struct page *page, bool (*visit)(struct rmap_mapping *mapping, void *arg), void *arg)
{
	if (page_operations(page)->is_file)
		i_mmap_walk(page, visit, arg);
	else
		rmap->walk(page, visit, arg);
}

static u64 cpus_of(const struct mm *mm)
{
	return READ_ONCE(mm->cpu_mask);
}

/* A page of a file is locked by the caller. */
static bool is_unevictable_file(const struct page *page)
{
	return page_operations(page)->is_file && page->mapping &&
	       READ_ONCE(page->mapping->unevictable);
}

static bool harvest_one(struct rmap_mapping *mapping, void *arg)
{
	struct rmap_harvest *harvest = arg;

	harvest->mappings++;
	harvest->locked |= (READ_ONCE(mapping->vma->flags) & VM_LOCKED) != 0;
	if (!(pte_clear_bits(mapping->entry, PTE_ACCESSED) & PTE_ACCESSED))
		return true;
	TRACE(pte_young, .va = mapping->va, .mm_id = mapping->vma->mm->id,
	      .pfn = page_pfn(mapping->page));
	harvest->referenced++;
	harvest->cpu_mask |= cpus_of(mapping->vma->mm);
	return true;
}

void rmap_harvest(struct page *page, struct rmap_harvest *harvest)
{
	harvest->mappings = harvest->referenced = 0;
	harvest->locked = is_unevictable_file(page);
	rmap_walk(page, harvest_one, harvest);
}

static bool find_locked(struct rmap_mapping *mapping, void *found)
{
	*(bool *)found = READ_ONCE(mapping->vma->flags) & VM_LOCKED;
	return !*(bool *)found;
}

bool rmap_is_locked(struct page *page)
{
	bool found = is_unevictable_file(page);

	if (!found)
		rmap_walk(page, find_locked, &found);
	return found;
}

static bool unmap_one(struct rmap_mapping *mapping, void *cpu_mask)
{
	struct page *page = mapping->page;
	struct mm *mm = mapping->vma->mm;
	pte_t old;

	/* mlock sets the flag before it looks at the entries, under the lock that is held here. */
	if (READ_ONCE(mapping->vma->flags) & VM_LOCKED)
		return false;
	if (swap_slot_get(page->slot, SLOT_WHY_UNMAP))
		return false;
	old = pte_replace(mm, mapping->va, mapping->entry, pte_make_swap(page->slot),
			  PTE_WHY_SWAPOUT);
	if (old & PTE_DIRTY)
		page_set(page, PG_DIRTY);
	rmap_remove(page, mm, mapping->va);
	atomic_add_return(&mm->nr_resident, -1);
	atomic_inc(&mm->nr_swapped);
	*(u64 *)cpu_mask |= cpus_of(mm);
	page_put(page); /* the mapping's; the caller has another */
	return true;
}

bool rmap_unmap_all(struct page *page, u64 *cpu_mask)
{
	ASSERT(page_test(page, PG_LOCKED) && page_test(page, PG_SWAPCACHE));
	rmap_walk(page, unmap_one, cpu_mask);
	return page_mapcount(page) == 0;
}

/* A CPU that still has the translation cannot write through it: it must set the dirty bit first, and
 * finds the entry gone. */
static bool unmap_clean(struct rmap_mapping *mapping, void *cpu_mask)
{
	struct page *page = mapping->page;
	struct mm *mm = mapping->vma->mm;

	if ((READ_ONCE(mapping->vma->flags) & VM_LOCKED) || page_test(page, PG_DIRTY) ||
	    !pte_remove_clean(mm, mapping->va, mapping->entry, PTE_WHY_LAZYFREE))
		return false;
	rmap_remove(page, mm, mapping->va);
	atomic_add_return(&mm->nr_resident, -1);
	*(u64 *)cpu_mask |= cpus_of(mm);
	page_put(page); /* the mapping's; the caller has another */
	return true;
}

bool rmap_unmap_lazyfree(struct page *page, u64 *cpu_mask)
{
	ASSERT(page_test(page, PG_LOCKED) && !page_test(page, PG_SWAPCACHE));
	rmap->walk(page, unmap_clean, cpu_mask);
	return page_mapcount(page) == 0;
}
