/*
 * madvise: what a program says about how it will use its memory.
 *
 *   DONTNEED   the pages and slots of the range go at once; the next access finds zeroes
 *   COLD       active pages become inactive, and accessed bits are forgotten
 *   PAGEOUT    the pages go to swap now, whatever the policy would say of them
 *   HUGEPAGE, NOHUGEPAGE
 *              2 MiB pages are wanted, or not, for what is mapped from now on
 *   WILLNEED   what is in swap is read into the swap cache, as far as memory is free; nothing is
 *              mapped and nobody waits for the disk
 *
 * COLD and PAGEOUT leave pages alone that another address space maps too, as Linux does: one
 * program does not speak for the others. Every other advice that is known is taken and does
 * nothing. FREE is among them: a page keeps its content, which is one of the two outcomes that
 * Linux allows, but memory is not reclaimed any sooner for it. Those that change VMAs take mmap_lock
 * for writing, the others for reading.
 */
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/pgtable.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/zap.h"
#include "mm/zero_page.h"

/* Pages of a range on their way to reclaim, isolated. */
struct batch {
	u64 next; /* where to go on when the batch is full */
	u32 nr_pages;
	struct page *pages[RECLAIM_BATCH];
};

/* Whether the entry maps a page of this address space alone, which the caller may take off its
 * list. */
static struct page *own_page(pte_t pte)
{
	struct page *page = pte_maps(pte) ? pfn_page(pte_pfn(pte)) : NULL;

	return page && page != zero_page && page_mapcount(page) == 1 ? page : NULL;
}

/* Gathers what PAGEOUT takes; stops early when the batch is full. */
static int gather_entries(struct pte_range *range)
{
	struct batch *batch = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		struct page *page = own_page(pte_read(&range->entry[i]));

		if (!page)
			continue;
		if (batch->nr_pages == RECLAIM_BATCH) {
			batch->next = range->va + i * PAGE_SIZE;
			return 1;
		}
		if (lru_isolate_page(page))
			batch->pages[batch->nr_pages++] = page;
	}
	return 0;
}

/* Forgets that the pages of a table were used, and gathers those that are active. */
static int cool_entries(struct pte_range *range)
{
	struct batch *batch = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t *entry = &range->entry[i];
		u64 va = range->va + i * PAGE_SIZE;
		struct page *page = own_page(pte_read(entry));

		if (!page)
			continue;
		if (batch->nr_pages == RECLAIM_BATCH) {
			batch->next = va;
			return 1;
		}
		if (pte_clear_bits(entry, PTE_ACCESSED) & PTE_ACCESSED)
			TRACE(pte_young, .va = va, .mm_id = range->mm->id, .pfn = page_pfn(page));
		if (page_is_active(page) && lru_isolate_page(page))
			batch->pages[batch->nr_pages++] = page;
	}
	return 0;
}

/* Batch after batch of what `gather` finds in the range, handed to `use`. */
static int in_batches(struct mm *mm, u64 start, u64 end, int (*gather)(struct pte_range *range),
		      void (*use)(struct page **pages, u32 nr_pages))
{
	struct batch batch = {.next = start};
	int more;

	do {
		if (current_is_dying())
			return -EINTR;
		batch.nr_pages = 0;
		more = pgtable_walk(mm, batch.next, end, gather, &batch);
		if (batch.nr_pages)
			use(batch.pages, batch.nr_pages);
		cond_resched();
	} while (more);
	return 0;
}

/* Slots that a range's entries name, on their way to the swap cache. */
struct wanted {
	u64 next; /* where to go on when the batch is full */
	u32 nr_slots;
	u32 slots[IO_MAX_PAGES];
};

static int gather_slots(struct pte_range *range)
{
	struct wanted *wanted = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t pte = pte_read(&range->entry[i]);

		if (!pte_is_swap(pte))
			continue;
		if (wanted->nr_slots == IO_MAX_PAGES) {
			wanted->next = range->va + i * PAGE_SIZE;
			return 1;
		}
		wanted->slots[wanted->nr_slots++] = pte_slot(pte);
	}
	return 0;
}

/* Reads what of the range is in swap. A slot that its entry gave up meanwhile may be another's by
 * now, whose page then is readahead that nobody asked for. */
static int will_need(struct mm *mm, u64 start, u64 end)
{
	struct wanted wanted = {.next = start};
	int more;

	do {
		if (current_is_dying())
			return -EINTR;
		wanted.nr_slots = 0;
		more = pgtable_walk(mm, wanted.next, end, gather_slots, &wanted);
		if (wanted.nr_slots && !swap_read_ahead(wanted.slots, wanted.nr_slots))
			break;
		cond_resched();
	} while (more);
	return 0;
}

static int set_flags(struct vma *vma, u64 start, u64 end, u32 set, u32 clear)
{
	u32 flags = (vma->flags & ~clear) | set;

	if (vma->flags == flags)
		return 0;
	vma = vma_change_flags(vma, start, end, flags);
	if (!vma)
		return -ENOMEM;
	vma_merge(vma);
	return 0;
}

/* Applies the advice to [start, end), which lies in one VMA; the VMA may be another one afterwards. */
static int advise(struct vma *vma, u64 start, u64 end, u32 advice)
{
	int error = 0;

	switch (advice) {
	case MADV_DONTNEED:
		zap_range(vma, start, end, PTE_WHY_UNMAP);
		break;
	case MADV_COLD:
		error = in_batches(vma->mm, start, end, cool_entries, reclaim_deactivate);
		/* A CPU that holds a translation would not set the accessed bit again. */
		mm_flush_tlb(vma->mm, start, end, TLB_AGING);
		break;
	case MADV_PAGEOUT:
		error = in_batches(vma->mm, start, end, gather_entries, reclaim_page_out);
		break;
	case MADV_WILLNEED:
		error = will_need(vma->mm, start, end);
		break;
	case MADV_HUGEPAGE:
		error = set_flags(vma, start, end, VM_HUGEPAGE, VM_NOHUGEPAGE);
		break;
	case MADV_NOHUGEPAGE:
		error = set_flags(vma, start, end, VM_NOHUGEPAGE, VM_HUGEPAGE);
		break;
	default:
		break;
	}
	return error;
}

static bool changes_vmas(u32 advice)
{
	return advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE;
}

static bool is_known(u32 advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return true;
	default:
		return false;
	}
}

long mm_madvise(struct mm *mm, u64 addr, u64 length, u32 advice)
{
	u64 end = addr + PAGE_ALIGN(length);
	bool for_writing = changes_vmas(advice);
	int error = 0, unmapped = 0;

	if (!is_known(advice) || (addr & ~PAGE_MASK) || end < addr || length > end - addr)
		return -EINVAL;
	if (addr == end)
		return 0;
	if (!for_writing)
		down_read(&mm->mmap_lock);
	else if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	/* As in Linux, holes are skipped, and reported when the rest is done. */
	while (addr < end && !error) {
		struct vma *vma = vma_find_first(mm, addr);
		u64 start;

		if (!vma || vma->start >= end) {
			unmapped = -ENOMEM;
			break;
		}
		start = max(vma->start, addr);
		if (start > addr)
			unmapped = -ENOMEM;
		addr = min(vma->end, end);
		error = advise(vma, start, addr, advice);
	}
	if (for_writing)
		up_write(&mm->mmap_lock);
	else
		up_read(&mm->mmap_lock);
	return error ? error : unmapped;
}
