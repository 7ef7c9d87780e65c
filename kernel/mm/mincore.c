/*
 * mincore(2): which pages of a range are in memory. The answer is old when the program gets it; it
 * takes no part in what it describes: no page is brought in, no accessed bit set.
 */
#include "mm/mincore.h"

#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/pgtable.h"
#include "mm/swap.h"
#include "mm/vma.h"

struct mincore {
	u64 start;
	u8 *states;
};

/* The page in the cache may go at any moment: only its flags are read, from a descriptor that
 * always exists. */
static bool is_resident(pte_t pte)
{
	struct page *page;

	if (!pte_is_swap(pte))
		return pte_maps(pte);
	page = debug_swap_cached(pte_slot(pte));
	return page && page_test(page, PG_UPTODATE);
}

static int look_at_entries(struct pte_range *range)
{
	struct mincore *mincore = range->arg;
	u8 *states = mincore->states + ((range->va - mincore->start) >> PAGE_SHIFT);

	for (u32 i = 0; i < range->nr; i++)
		if (pte_read(&range->entry[i]))
			states[i] = is_resident(pte_read(&range->entry[i]));
	return 0;
}

/* What the file has in memory, for entries that are empty. */
static void look_at_file(const struct mincore *mincore, const struct vma *vma, u64 start, u64 end)
{
	struct address_space *mapping = vma->mapping;
	u64 pgoff = vma_pgoff(vma, start), behind = vma_pgoff(vma, end);
	u8 *states = mincore->states + ((start - mincore->start) >> PAGE_SHIFT);

	spin_lock(&mapping->lock);
	for (u64 at = pgoff; mapping_next_page_locked(mapping, &at, behind); at++)
		states[at - pgoff] = 1;
	spin_unlock(&mapping->lock);
}

static int look_at_huge(struct pte_range *range)
{
	struct mincore *mincore = range->arg;

	memset(mincore->states + ((range->va - mincore->start) >> PAGE_SHIFT), 1, range->nr);
	return 0;
}

long mm_mincore(struct mm *mm, u64 start, u32 nr_pages, u8 *states)
{
	struct mincore mincore = {.start = start, .states = states};
	struct vma *vma;
	long nr = -ENOMEM;

	memset(states, 0, nr_pages);
	down_read(&mm->mmap_lock);
	vma = vma_find(mm, start);
	if (vma) {
		nr = min((u64)nr_pages, (vma->end - start) >> PAGE_SHIFT);
		if (vma->mapping)
			look_at_file(&mincore, vma, start, start + nr * PAGE_SIZE);
		pgtable_walk_huge(mm, start, start + nr * PAGE_SIZE, look_at_entries, look_at_huge,
				  &mincore);
	}
	up_read(&mm->mmap_lock);
	return nr;
}
