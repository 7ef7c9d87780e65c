/* The baseline: every address space with its VMAs and entries, every anon_vma, frame, listed page
 * and slot. */
#include "mm/baseline.h"

#include "mm/address_space.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/swap.h"

static int emit_entries(struct pte_range *range)
{
	for (u32 i = 0; i < range->nr; i++) {
		pte_t pte = pte_read(&range->entry[i]);

		if (!pte)
			continue;
		TRACE(state_pte, .va = range->va + i * PAGE_SIZE, .mm_id = range->mm->id,
		      .value = pte_trace_value(pte),
		      .mapping_id = pte_maps(pte) ? rmap_mapping_id(pfn_page(pte_pfn(pte))) : 0,
		      .flags = pte_trace_flags(pte), .kind = pte_trace_kind(pte));
		++*(u64 *)range->arg;
	}
	return 0;
}

static int emit_huge(struct pte_range *range)
{
	pte_t leaf = pte_read(range->entry);

	TRACE(state_pmd, .va = range->va, .mm_id = range->mm->id, .pfn = pte_pfn(leaf),
	      .mapping_id = rmap_mapping_id(pfn_page(pte_pfn(leaf))),
	      .flags = pte_trace_flags(leaf));
	++*(u64 *)range->arg;
	return 0;
}

static u64 emit_mm(struct mm *mm)
{
	u64 records = 1;
	struct vma *vma;

	TRACE(state_mm, .mm_id = mm->id, .pgd_pfn = virt_to_phys(mm->pgd) >> PAGE_SHIFT);
	for_each_vma (mm, vma) {
		TRACE(state_vma, .va_start = vma->start, .va_end = vma->end, .vma_id = vma->id,
		      .mm_id = mm->id, .flags = vma->flags,
		      .anon_vma_id = vma->anon_vma ? vma->anon_vma->id : 0);
		records++;
	}
	records += pgtable_baseline(mm);
	pgtable_walk_huge(mm, 0, USER_END, emit_entries, emit_huge, &records);
	return records;
}

static u64 emit_pages(void)
{
	u64 records = 0;
	u32 step;

	for (pfn_t pfn = 0; pfn < max_pfn; pfn += step) {
		const struct page *page = pfn_page(pfn);

		step = 1;
		if (page_test(page, PG_RESERVED | PG_PCP))
			continue;
		step = 1u << page->order;
		if (page_test(page, PG_BUDDY) || !atomic_read(&page->refcount))
			continue;
		TRACE(state_page, .pfn = pfn, .flags = page->flags & ~PG_UNTRACED,
		      .order = page->order, .kind = page->kind);
		records++;
	}
	return records;
}

u64 mm_baseline(void)
{
	u64 records = emit_pages() + page_alloc_baseline();
	struct mm *mm;

	list_for_each_entry (mm, &mm_list, node)
		records += emit_mm(mm);
	return records + rmap_baseline() + mapping_baseline() + swap_baseline() + lru_baseline();
}
