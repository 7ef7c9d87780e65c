/* The kinds of pages, one after the other. */
#include "mm/page_operations.h"

#include "mm/address_space.h"
#include "mm/anon_page.h"
#include "mm/lru.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/swap.h"

/* ---- anon ---- */

static int frame_get(pte_t pte)
{
	page_get(pte_page(pte));
	return 0;
}

static void map_anon(struct vma *vma, u64 va, pte_t pte)
{
	anon_map(vma, va, pte_page(pte));
}

static struct page *unmap_anon(struct mm *mm, u64 va, pte_t old)
{
	anon_unmap(mm, va, old, pte_page(old));
	return pte_page(old);
}

static void anon_moved(struct mm *mm, u64 va, pte_t old)
{
	rmap_remove(pte_page(old), mm, va);
	atomic_add_return(&mm->nr_resident, -1);
}

static void anon_dirty(pte_t old)
{
	page_set(pte_page(old), PG_DIRTY);
}

static enum reclaim_verdict anon_swap_out(struct page *page, u64 *cpu_mask)
{
	if (page_test(page, PG_LAZYFREE)) {
		if (rmap_unmap_lazyfree(page, cpu_mask))
			return RECLAIM_LAZYFREED;
		/* Written to: wanted again. */
		page_clear(page, PG_LAZYFREE);
		return RECLAIM_ACTIVATE;
	}
	if (!page_test(page, PG_SWAPCACHE) && swap_cache_add_new(page))
		return RECLAIM_KEEP_NO_SWAP;
	if (!rmap_unmap_all(page, cpu_mask))
		return RECLAIM_KEEP_BUSY;
	return RECLAIM_FREED;
}

static void anon_destroy(struct page *page)
{
	/* Nobody can isolate it any more (page_get_unless_free), so PG_LRU only changes by us. */
	if (page_test(page, PG_LRU))
		lru_del_freed(page);
	rmap_page_freed(page);
}

const struct page_operations anon_page = {
	.name = "anon",
	.get = frame_get,
	.map = map_anon,
	.unmap = unmap_anon,
	.moved = anon_moved,
	.dirty = anon_dirty,
	.swap_out = anon_swap_out,
	.destroy = anon_destroy,
};

/* ---- shmem ---- */

static void shmem_map(struct vma *vma, u64 va, pte_t pte)
{
	rmap_add_file(pte_page(pte), vma, va);
	atomic_inc(&vma->mm->nr_resident);
	atomic_inc(&vma->mm->nr_file);
}

/* The dirty bit goes with the mapping; the frame stays the file's. */
static void shmem_uncount(struct mm *mm, u64 va, pte_t old)
{
	rmap_remove(pte_page(old), mm, va);
	atomic_add_return(&mm->nr_resident, -1);
	atomic_add_return(&mm->nr_file, -1);
}

static void shmem_dirty(pte_t old)
{
	mapping_set_dirty(pte_page(old));
}

static struct page *shmem_unmap(struct mm *mm, u64 va, pte_t old)
{
	if (old & PTE_DIRTY)
		shmem_dirty(old);
	shmem_uncount(mm, va, old);
	return pte_page(old);
}

static enum reclaim_verdict shmem_swap_out(struct page *page, u64 *cpu_mask)
{
	/* To unmap what cannot go would be in vain. */
	if (!page_test(page, PG_SWAPCACHE) && page_test(page, PG_DIRTY) && !swap_nr_free())
		return RECLAIM_KEEP_NO_SWAP;
	if (page->mapping && READ_ONCE(page->mapping->unevictable))
		return RECLAIM_UNEVICTABLE;
	return shmem_unmap_all(page, cpu_mask) ? RECLAIM_FREED : RECLAIM_KEEP_BUSY;
}

static void shmem_destroy(struct page *page)
{
	ASSERT(!page->mapping);
	if (page_test(page, PG_LRU))
		lru_del_freed(page);
}

const struct page_operations shmem_page = {
	.name = "shmem",
	.is_file = true,
	.get = frame_get,
	.map = shmem_map,
	.unmap = shmem_unmap,
	.moved = shmem_uncount,
	.dirty = shmem_dirty,
	.swap_out = shmem_swap_out,
	.leave = shmem_leave,
	.destroy = shmem_destroy,
};

/* ---- zero ---- */

static int zero_get(pte_t pte)
{
	(void)pte;
	return 0;
}

static void zero_forget(pte_t pte)
{
	(void)pte;
}

static void zero_map(struct vma *vma, u64 va, pte_t pte)
{
	(void)vma, (void)va, (void)pte;
}

static struct page *zero_unmap(struct mm *mm, u64 va, pte_t old)
{
	(void)mm, (void)va, (void)old;
	return NULL;
}

static void zero_moved(struct mm *mm, u64 va, pte_t old)
{
	(void)mm, (void)va, (void)old;
}

static void zero_destroy(struct page *page)
{
	panic("the page of zeroes or of the vDSO, pfn %u, lost its last reference", page_pfn(page));
}

const struct page_operations zero_page_operations = {
	.name = "zero",
	.get = zero_get,
	.map = zero_map,
	.unmap = zero_unmap,
	.moved = zero_moved,
	.dirty = zero_forget,
	.destroy = zero_destroy,
};

/* ---- swapped ---- */

static int swapped_get(pte_t pte)
{
	return swap_slot_get(pte_slot(pte), SLOT_WHY_FORK);
}

static void swapped_map(struct vma *vma, u64 va, pte_t pte)
{
	(void)va, (void)pte;
	atomic_inc(&vma->mm->nr_swapped);
}

/* A slot needs no TLB flush before it is given back. */
static struct page *swapped_unmap(struct mm *mm, u64 va, pte_t old)
{
	(void)va;
	atomic_add_return(&mm->nr_swapped, -1);
	swap_slot_put(pte_slot(old), SLOT_WHY_ZAP);
	return NULL;
}

static void swapped_moved(struct mm *mm, u64 va, pte_t old)
{
	(void)va, (void)old;
	atomic_add_return(&mm->nr_swapped, -1);
}

static struct page *swapped_in(pte_t pte, bool *waited, int *error)
{
	return swap_in(pte_slot(pte), waited, error);
}

const struct page_operations swapped_page = {
	.name = "swapped",
	.get = swapped_get,
	.map = swapped_map,
	.unmap = swapped_unmap,
	.moved = swapped_moved,
	.swap_in = swapped_in,
};

/* ---- kernel ---- */

static void kernel_destroy(struct page *page)
{
	ASSERT(!page_test(page, PG_LRU));
	(void)page;
}

const struct page_operations kernel_page = {.name = "kernel", .destroy = kernel_destroy};

const struct page_operations *const page_operations_by_kind[PAGE_KINDS] = {
	[PAGE_KERNEL] = &kernel_page,
	[PAGE_PGTABLE] = &kernel_page,
	[PAGE_SLAB] = &kernel_page,
	[PAGE_ANON] = &anon_page,
	[PAGE_FILE] = &kernel_page,
	[PAGE_STACK] = &kernel_page,
	[PAGE_ZERO] = &zero_page_operations,
	[PAGE_TRACE] = &kernel_page,
	[PAGE_IO] = &kernel_page,
	[PAGE_SHMEM] = &shmem_page,
	[PAGE_SPECIAL] = &zero_page_operations,
	[PAGE_SPECIAL + 1 ... PAGE_KINDS - 1] = &kernel_page,
};
