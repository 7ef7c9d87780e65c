/* Counting what entries refer to. */
#include "fs/procfs/memory_use.h"
#include "lib/string.h"
#include "mm/pmd.h"
#include "mm/swap.h"

#define PSS_SHIFT 12

static void count_page(struct memory_use *use, pte_t pte)
{
	const struct page *page = page_head(pfn_page(pte_pfn(pte)));
	u32 mappings = page_mapcount(page);
	bool is_dirty = (pte & PTE_DIRTY) || page_test(page, PG_DIRTY);

	switch (page->kind) {
	case PAGE_ANON:
		use->anon++;
		break;
	case PAGE_FILE:
		use->file++;
		break;
	case PAGE_SHMEM:
		use->shmem++;
		break;
	default:
		return; /* the page of zeroes, the vDSO: nobody's */
	}
	if (mappings > 1)
		*(is_dirty ? &use->shared_dirty : &use->shared_clean) += 1;
	else
		*(is_dirty ? &use->private_dirty : &use->private_clean) += 1;
	u64 share = (PAGE_SIZE << PSS_SHIFT) / max(mappings, 1u);
	use->pss += share;
	if (is_dirty)
		use->pss_dirty += share;
	if ((pte & PTE_ACCESSED) || page_test(page, PG_REFERENCED))
		use->referenced++;
}

static int count_entries(struct pte_range *range)
{
	struct memory_use *use = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t pte = pte_read(&range->entry[i]);

		if (pte_maps(pte)) {
			count_page(use, pte);
		} else if (pte_is_swap(pte)) {
			use->swapped++;
			use->swap_pss += (PAGE_SIZE << PSS_SHIFT) /
					 max(debug_swap_refs(pte_slot(pte)), (u16)1);
		}
	}
	return 0;
}

static int count_huge(struct pte_range *range)
{
	struct memory_use *use = range->arg;
	pte_t leaf = pte_read(range->entry);

	for (u32 i = 0; i < range->nr; i++)
		count_page(use, pmd_part(leaf, i));
	use->anon_huge += range->nr;
	return 0;
}

void memory_use_of_range(struct mm *mm, u64 start, u64 end, struct memory_use *use)
{
	pgtable_walk_huge(mm, start, end, count_entries, count_huge, use);
}

void memory_use_of_mm(struct mm *mm, struct memory_use *use)
{
	struct vma *vma;

	memset(use, 0, sizeof(*use));
	down_read(&mm->mmap_lock);
	for_each_vma (mm, vma)
		memory_use_of_range(mm, vma->start, vma->end, use);
	up_read(&mm->mmap_lock);
}
