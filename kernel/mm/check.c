/*
 * mm_check(): counts for every frame and slot what page tables, lists and the swap cache say of it,
 * in a scratch table, then compares that with what struct page and the slot map say of themselves.
 */
#include "mm/check.h"

#include "mm/address_space.h"
#include "mm/huge_memory.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/zero_page.h"

#define MAX_LINES 20

struct check {
	u16 *mapped; /* by pfn: entries that map it */
	u16 *named;  /* by slot: entries that name it */
	u32 faults;
	u32 resident, file, swapped; /* of the address space being walked */
};

/* One disagreement: printed, unless there were many. */
#define FAULT(check, ...)                                 \
	do {                                              \
		if ((check)->faults++ < MAX_LINES)        \
			printk("mm_check: " __VA_ARGS__); \
	} while (0)

static void check_mapped_file_page(struct check *check, const struct vma *vma, u64 va, pte_t pte)
{
	const struct page *page = pfn_page(pte_pfn(pte));

	check->file++;
	if (!vma || !vma->mapping || page->mapping != vma->mapping ||
	    page->index != vma_pgoff(vma, va))
		FAULT(check, "va %lx maps pfn %u, page %lx of another file", va, pte_pfn(pte),
		      page->index);
	else if ((pte & PTE_WRITE) && !(vma->flags & VM_SHARED))
		FAULT(check, "mm %u va %lx maps pfn %u of a file writable and is private",
		      vma->mm->id, va, pte_pfn(pte));
}

static void check_mapped_page(struct check *check, struct pte_range *range, u64 va, pte_t pte)
{
	const struct vma *vma = vma_find(range->mm, va);
	struct page *page = pfn_page(pte_pfn(pte));
	u32 pfn = pte_pfn(pte);

	if (page == zero_page || page->kind == PAGE_SPECIAL) {
		if (pte & PTE_WRITE)
			FAULT(check, "mm %u va %lx maps pfn %u writable, which is everybody's",
			      range->mm->id, va, pfn);
		return;
	}
	check->mapped[pfn]++;
	check->resident++;
	if (page_operations(page)->is_file) {
		check_mapped_file_page(check, vma, va, pte);
		return;
	}
	if (page->kind != PAGE_ANON || !page->anon_vma || !vma || page->index != vma_index(vma, va))
		FAULT(check, "mm %u va %lx maps pfn %u, which is of kind %u, index %lx",
		      range->mm->id, va, pfn, page->kind, page->index);
	if ((pte & PTE_WRITE) && page_mapcount(page) != 1)
		FAULT(check, "mm %u va %lx maps pfn %u writable, mapcount %u", range->mm->id, va,
		      pfn, page_mapcount(page));
}

static int check_entries(struct pte_range *range)
{
	struct check *check = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t pte = pte_read(&range->entry[i]);
		u64 va = range->va + i * PAGE_SIZE;

		if (!pte)
			continue;
		if (!vma_find(range->mm, va))
			FAULT(check, "mm %u va %lx has an entry and no VMA", range->mm->id, va);
		if (pte_is_swap(pte)) {
			check->swapped++;
			if (!pte_slot(pte) || pte_slot(pte) > swap_nr_slots())
				FAULT(check, "mm %u va %lx names slot %u", range->mm->id, va,
				      pte_slot(pte));
			else
				check->named[pte_slot(pte)]++;
		} else {
			check_mapped_page(check, range, va, pte);
		}
	}
	return 0;
}

/* Whether the file's tree leads to the VMA, where it should be. */
static bool is_in_i_mmap(const struct vma *vma)
{
	struct interval_node *node = interval_first(&vma->mapping->i_mmap, vma->pgoff, vma->pgoff);

	while (node && node != &vma->i_mmap_node)
		node = interval_next(node, vma->pgoff, vma->pgoff);
	return node && node->start == vma->pgoff && node->last == vma->pgoff + vma_pages(vma) - 1;
}

static int check_huge(struct pte_range *range)
{
	struct check *check = range->arg;
	pte_t leaf = pte_read(range->entry);
	struct page *page = pfn_page(pte_pfn(leaf));

	if (range->nr != HUGE_PAGE_NR || !page_is_huge(page))
		FAULT(check, "mm %u va %lx maps pfn %u at level 2, which is of kind %u, order %u",
		      range->mm->id, range->va, page_pfn(page), page->kind, page->order);
	if (!vma_find(range->mm, range->va) ||
	    vma_find(range->mm, range->va)->end < range->va + PMD_SIZE)
		FAULT(check, "mm %u va %lx has a huge page and no VMA as large", range->mm->id,
		      range->va);
	check_mapped_page(check, range, range->va, leaf);
	check->resident += HUGE_PAGE_NR - 1;
	return 0;
}

static void check_mm(struct check *check, struct mm *mm)
{
	struct vma *vma;
	u64 end = 0;

	check->resident = check->file = check->swapped = 0;
	for_each_vma (mm, vma) {
		if (vma->start < end || vma->start >= vma->end || vma_find(mm, vma->start) != vma)
			FAULT(check, "mm %u VMA %u %lx-%lx is out of order", mm->id, vma->id,
			      vma->start, vma->end);
		if (vma->mapping && !is_in_i_mmap(vma))
			FAULT(check, "mm %u VMA %u is not among those of its file", mm->id,
			      vma->id);
		end = vma->end;
	}
	pgtable_walk_huge(mm, 0, USER_END, check_entries, check_huge, check);
	if ((u32)atomic_read(&mm->nr_resident) != check->resident ||
	    (u32)atomic_read(&mm->nr_file) != check->file ||
	    (u32)atomic_read(&mm->nr_swapped) != check->swapped)
		FAULT(check,
		      "mm %u counts %d resident, %d of files, %d swapped; entries say %u, %u, %u",
		      mm->id, atomic_read(&mm->nr_resident), atomic_read(&mm->nr_file),
		      atomic_read(&mm->nr_swapped), check->resident, check->file, check->swapped);
}

static bool count_mapping(struct rmap_mapping *mapping, void *arg)
{
	(void)mapping;
	++*(u32 *)arg;
	return true;
}

/* Anonymous, or of a file. */
static void check_user_page(struct check *check, struct page *page)
{
	u32 pfn = page_pfn(page), mapcount = page_mapcount(page), walked = 0;
	bool cached = page_operations(page)->is_file && page->mapping;
	u32 needed = mapcount + cached + (page_test(page, PG_SWAPCACHE) ? 1 : 0);

	rmap_walk(page, count_mapping, &walked);
	if (mapcount != check->mapped[pfn] || mapcount != walked)
		FAULT(check, "pfn %u has mapcount %u, %u entries map it, rmap finds %u", pfn,
		      mapcount, check->mapped[pfn], walked);
	if ((u32)atomic_read(&page->refcount) < needed)
		FAULT(check, "pfn %u has refcount %d, needs %u", pfn, atomic_read(&page->refcount),
		      needed);
	if ((mapcount || cached) && !page_test(page, PG_LRU | PG_ISOLATED))
		FAULT(check, "pfn %u is mapped or of a file, and on no list", pfn);
	if (page_test(page, PG_SWAPCACHE) && debug_swap_cached(page->slot) != page)
		FAULT(check, "pfn %u says it caches slot %u, the cache disagrees", pfn, page->slot);
	if (cached && page_test(page, PG_SWAPCACHE))
		FAULT(check, "pfn %u is in a file and in slot %u", pfn, page->slot);
	if (cached && debug_mapping_page(page->mapping, page->index) != page)
		FAULT(check, "pfn %u says it is page %lx of mapping %u, which disagrees", pfn,
		      page->index, page->mapping->id);
}

static void check_place(struct address_space *mapping, u64 index, struct page *page, u32 slot,
			void *arg)
{
	struct check *check = arg;

	if (!page && (!slot || slot > swap_nr_slots()))
		FAULT(check, "mapping %u page %lx names slot %u", mapping->id, index, slot);
	else if (!page)
		check->named[slot]++;
	else if (page->mapping != mapping || page->index != index)
		FAULT(check, "mapping %u has pfn %u at %lx, which says index %lx, mapping %u",
		      mapping->id, page_pfn(page), index, page->index,
		      page->mapping ? page->mapping->id : 0);
}

static void check_page(struct check *check, struct page *page)
{
	u32 pfn = page_pfn(page);

	if (page_test(page, PG_RESERVED))
		return;
	if (atomic_read(&page->refcount) == 0) {
		if (check->mapped[pfn] || page_test(page, PG_LRU | PG_ISOLATED | PG_SWAPCACHE))
			FAULT(check, "pfn %u is free, mapped %u times, flags %x", pfn,
			      check->mapped[pfn], page->flags);
	} else if (page_test(page, PG_BUDDY | PG_PCP)) {
		FAULT(check, "pfn %u is on a free list with refcount %d", pfn,
		      atomic_read(&page->refcount));
	} else if (page->kind == PAGE_ANON || page_operations(page)->is_file) {
		check_user_page(check, page);
	} else if (check->mapped[pfn]) {
		FAULT(check, "pfn %u of kind %u is mapped by a program", pfn, page->kind);
	}
}

static void check_slot(struct check *check, u32 slot)
{
	struct page *page = debug_swap_cached(slot);
	u32 refs = check->named[slot] + (page ? 1 : 0);

	if (debug_swap_refs(slot) != refs)
		FAULT(check, "slot %u has %u references, %u entries and %u cache name it", slot,
		      debug_swap_refs(slot), check->named[slot], page ? 1 : 0);
	if (page && (!page_test(page, PG_SWAPCACHE) || page->slot != slot))
		FAULT(check, "slot %u is cached by pfn %u, which says slot %u", slot,
		      page_pfn(page), page->slot);
}

static void check_listed(struct page *page, void *arg)
{
	struct check *check = arg;

	if (page->list == LRU_UNEVICTABLE && !rmap_is_locked(page))
		FAULT(check, "pfn %u is unevictable, but no locked VMA maps it", page_pfn(page));

	if ((page->kind != PAGE_ANON && !page_operations(page)->is_file) ||
	    !atomic_read(&page->refcount))
		FAULT(check, "pfn %u is listed, kind %u, refcount %d", page_pfn(page), page->kind,
		      atomic_read(&page->refcount));
}

/* Room for the scratch table, set aside at boot: the check must work when memory is full. */
static u16 *scratch;

void mm_check_init(void)
{
	scratch = kmalloc((max_pfn + swap_capacity() + 1) * sizeof(u16), GFP_KERNEL);
	if (!scratch)
		panic("no memory for mm_check");
}

u32 mm_check(void)
{
	struct check check = {.mapped = scratch, .named = scratch + max_pfn};
	struct mm *mm;

	memset(scratch, 0, (max_pfn + swap_nr_slots() + 1) * sizeof(u16));
	list_for_each_entry (mm, &mm_list, node)
		check_mm(&check, mm);
	check.faults += debug_mapping_for_each(check_place, &check);
	for (pfn_t pfn = 0; pfn < max_pfn; pfn++)
		check_page(&check, pfn_page(pfn));
	for (u32 slot = 1; slot <= swap_nr_slots(); slot++)
		check_slot(&check, slot);
	for (u32 list = 0; list < NR_LRU_LISTS; list++)
		lru_for_each(list, check_listed, &check);
	check.faults += page_alloc_check() + slab_check();
	if (check.faults)
		printk("mm_check: %u disagreements", check.faults);
	else
		printk("mm_check: clean");
	return check.faults;
}
