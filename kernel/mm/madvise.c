/*
 * madvise: what a program says about how it will use its memory.
 *
 *   DONTNEED   the pages and slots of the range go at once; the next access finds zeroes
 *   FREE       slots go at once; pages stay, clean, until reclaim comes by: those that were not written
 *              to by then go without being written to swap, and the next access finds zeroes
 *   COLD       active pages become inactive, and accessed bits are forgotten
 *   PAGEOUT    the pages go to swap now, whatever the policy would say of them
 *   WILLNEED   what is in swap is read into the swap cache, as far as memory is free; nothing is
 *              mapped and nobody waits for the disk
 *   POPULATE_READ, POPULATE_WRITE
 *              the pages are mapped now, as by an access
 *   HUGEPAGE, NOHUGEPAGE
 *              2 MiB pages are wanted, or not, for what is mapped from now on
 *   DONTFORK, WIPEONFORK
 *              a child does not get the range, or gets it empty
 *   NORMAL, RANDOM, SEQUENTIAL, DONTDUMP
 *              flags of the VMA that nothing here looks at yet
 *
 * PAGEOUT takes pages of a file only for who may write to it. COLD and PAGEOUT leave pages alone that another address space maps too, as Linux does: one
 * program does not speak for the others, and so does FREE. MERGEABLE is not known, as in a Linux
 * without KSM. Those that change VMAs take mmap_lock for writing, the others for reading.
 */
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/address_space.h"
#include "mm/huge_memory.h"
#include "mm/mmap.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
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

/* The same, and it is no page of a file. */
static struct page *own_anon_page(pte_t pte)
{
	struct page *page = own_page(pte);

	return page && page->kind == PAGE_ANON ? page : NULL;
}

/* Gathers what PAGEOUT takes; stops early when the batch is full. */
static int gather(struct pte_range *range, struct page *(*choose)(pte_t pte))
{
	struct batch *batch = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		struct page *page = choose(pte_read(&range->entry[i]));

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

static int gather_entries(struct pte_range *range)
{
	return gather(range, own_page);
}

static int gather_anon_entries(struct pte_range *range)
{
	return gather(range, own_anon_page);
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

/* Marks a page of this address space alone as given up: its entry becomes clean, and so it shows whether
 * anybody writes to it before reclaim comes. The entry is locked. False when the page is busy. */
static bool give_up(struct mm *mm, u64 va, pte_t *entry, struct page *page)
{
	bool done = false;

	if (!page_trylock(page))
		return false;
	if (!page_test(page, PG_SWAPCACHE) || swap_cache_release(page)) {
		pte_replace(mm, va, entry, pte_read(entry) & ~(PTE_ACCESSED | PTE_DIRTY),
			    PTE_WHY_LAZYFREE);
		page_clear(page, PG_DIRTY);
		if (page_set(page, PG_LAZYFREE))
			vmstat_inc(VMSTAT_PGLAZYFREE);
		done = true;
	}
	page_unlock(page);
	return done;
}

/* Gives up the pages and slots of a table, and gathers the active pages. */
static int free_entries(struct pte_range *range)
{
	struct batch *batch = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t *entry = &range->entry[i], pte = pte_read(entry);
		u64 va = range->va + i * PAGE_SIZE;
		struct page *page = own_page(pte);

		if (batch->nr_pages == RECLAIM_BATCH) {
			batch->next = va;
			return 1;
		}
		if (pte_is_swap(pte)) {
			pte = pte_remove(range->mm, va, entry, PTE_WHY_UNMAP);
			pte_operations(pte)->unmap(range->mm, va, pte);
		} else if (page && page->kind == PAGE_ANON && give_up(range->mm, va, entry, page) &&
			   page_is_active(page) && lru_isolate_page(page)) {
			batch->pages[batch->nr_pages++] = page;
		}
	}
	return 0;
}

/* PAGEOUT and FREE take the parts of a huge page one by one. */
static int gather_huge(struct pte_range *range)
{
	return own_page(pte_read(range->entry)) ? WALK_SPLIT : 0;
}

static int cool_huge(struct pte_range *range)
{
	struct page *page = own_page(pte_read(range->entry));
	struct batch *batch = range->arg;

	if (!page)
		return 0;
	if (range->nr != HUGE_PAGE_NR)
		return WALK_SPLIT;
	if (batch->nr_pages == RECLAIM_BATCH) {
		batch->next = range->va;
		return 1;
	}
	if (pte_clear_bits(range->entry, PTE_ACCESSED) & PTE_ACCESSED)
		TRACE(pte_young, .va = range->va, .mm_id = range->mm->id, .pfn = page_pfn(page));
	if (page_is_active(page) && lru_isolate_page(page))
		batch->pages[batch->nr_pages++] = page;
	return 0;
}

/* Batch after batch of what `gather` finds in the range, handed to `use`. */
static int in_batches(struct mm *mm, u64 start, u64 end, int (*gather)(struct pte_range *range),
		      int (*gather_from_huge)(struct pte_range *range),
		      void (*use)(struct page **pages, u32 nr_pages))
{
	struct batch batch = {.next = start};
	int more;

	do {
		if (current_is_dying())
			return -EINTR;
		batch.nr_pages = 0;
		more = pgtable_walk_huge(mm, batch.next, end, gather, gather_from_huge, &batch);
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
		more = pgtable_walk_huge(mm, wanted.next, end, gather_slots, huge_skip, &wanted);
		if (wanted.nr_slots && !swap_read_ahead(wanted.slots, wanted.nr_slots))
			break;
		cond_resched();
	} while (more);
	return 0;
}

/* Which flags an advice sets and clears. */
struct flag_advice {
	u32 advice, set, clear;
};

static const struct flag_advice flag_advices[] = {
	{MADV_NORMAL, 0, VM_SEQ_READ | VM_RAND_READ},
	{MADV_RANDOM, VM_RAND_READ, VM_SEQ_READ},
	{MADV_SEQUENTIAL, VM_SEQ_READ, VM_RAND_READ},
	{MADV_DONTFORK, VM_DONTCOPY, 0},
	{MADV_DOFORK, 0, VM_DONTCOPY},
	{MADV_HUGEPAGE, VM_HUGEPAGE, VM_NOHUGEPAGE},
	{MADV_NOHUGEPAGE, VM_NOHUGEPAGE, VM_HUGEPAGE},
	{MADV_DONTDUMP, VM_DONTDUMP, 0},
	{MADV_DODUMP, 0, VM_DONTDUMP},
	{MADV_WIPEONFORK, VM_WIPEONFORK, 0},
	{MADV_KEEPONFORK, 0, VM_WIPEONFORK},
};

/* NULL for advice that changes no flag. */
static const struct flag_advice *flag_advice(u32 advice)
{
	for (u32 i = 0; i < ARRAY_SIZE(flag_advices); i++)
		if (flag_advices[i].advice == advice)
			return &flag_advices[i];
	return NULL;
}

static int set_flags(struct vma *vma, u64 start, u64 end, const struct flag_advice *change)
{
	u32 flags = (vma->flags & ~change->clear) | change->set;

	/* Only anonymous memory can be wiped: a file's content would come back. */
	if (change->advice == MADV_WIPEONFORK && vma->mapping)
		return -EINVAL;
	if (vma->flags == flags)
		return 0;
	vma = vma_change_flags(vma, start, end, flags);
	if (!vma)
		return -EAGAIN;
	vma_merge(vma);
	return 0;
}

static int populate(struct vma *vma, u64 start, u64 end, enum fault_in how)
{
	if (!(vma->flags & (how == FAULT_IN_WRITE ? VM_WRITE : VM_READ)))
		return -EINVAL;
	return fault_in_vma(vma, start, end, how);
}

/* Punches a hole into a shared file; lets go of mmap_lock meanwhile, since the file's lock stands outside of
 * it. */
static int remove_content(const struct vma *vma, u64 start, u64 end)
{
	struct address_space *mapping = vma->mapping;
	u64 pos = mapping ? vma_pgoff(vma, start) << PAGE_SHIFT : 0;
	struct mm *mm = vma->mm;
	int error;

	if ((vma->flags & VM_LOCKED) || !mapping)
		return -EINVAL;
	if ((vma->flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		return -EACCES;
	if (!mapping->ops->punch_hole)
		return -EOPNOTSUPP;
	mapping_get(mapping);
	up_read(&mm->mmap_lock);
	error = mapping->ops->punch_hole(mapping, pos, end - start);
	mapping_put(mapping);
	down_read(&mm->mmap_lock);
	return error;
}

/* How long it takes tells who else uses pages of a file: only who could write to it may ask for them (Linux,
 * can_do_file_pageout()). Copies that a private VMA has made are its own. */
static int page_out(struct vma *vma, u64 start, u64 end)
{
	struct address_space *mapping = vma->mapping;
	bool allowed = !mapping || !mapping->ops->may_write || mapping->ops->may_write(mapping);

	if (!allowed && (vma->flags & VM_MAYSHARE))
		return 0;
	return in_batches(vma->mm, start, end, allowed ? gather_entries : gather_anon_entries,
			  gather_huge, reclaim_page_out);
}

/* What changes no flag; [start, end) lies in one VMA. */
static int advise_pages(struct vma *vma, u64 start, u64 end, u32 advice)
{
	bool locked = vma->flags & VM_LOCKED;
	int error;

	switch (advice) {
	case MADV_DONTNEED:
		if (locked)
			return -EINVAL;
		zap_range(vma, start, end, PTE_WHY_UNMAP);
		return 0;
	case MADV_DONTNEED_LOCKED:
		zap_range(vma, start, end, PTE_WHY_UNMAP);
		return 0;
	case MADV_FREE:
		if (locked || vma->mapping)
			return -EINVAL;
		error = in_batches(vma->mm, start, end, free_entries, gather_huge,
				   reclaim_deactivate);
		/* The next write must set the dirty bit. */
		mm_flush_tlb(vma->mm, start, end, TLB_AGING);
		return error;
	case MADV_COLD:
		if (locked)
			return -EINVAL;
		error = in_batches(vma->mm, start, end, cool_entries, cool_huge,
				   reclaim_deactivate);
		/* A CPU that holds a translation would not set the accessed bit again. */
		mm_flush_tlb(vma->mm, start, end, TLB_AGING);
		return error;
	case MADV_PAGEOUT:
		return locked ? -EINVAL : page_out(vma, start, end);
	case MADV_WILLNEED:
		if (vma->mapping)
			mapping_read_ahead(vma->mapping, vma_pgoff(vma, start),
					   vma_pgoff(vma, end));
		return will_need(vma->mm, start, end);
	case MADV_POPULATE_READ:
		return populate(vma, start, end, FAULT_IN_READ);
	case MADV_POPULATE_WRITE:
		return populate(vma, start, end, FAULT_IN_WRITE);
	default: /* MADV_REMOVE */
		return remove_content(vma, start, end);
	}
}

/* Applies the advice to [start, end), which lies in one VMA; the VMA may be another one afterwards. */
static int advise(struct vma *vma, u64 start, u64 end, u32 advice)
{
	const struct flag_advice *change = flag_advice(advice);

	return change ? set_flags(vma, start, end, change) : advise_pages(vma, start, end, advice);
}

static bool is_known(u32 advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return true;
	default:
		return flag_advice(advice);
	}
}

/* As in Linux, holes are skipped, and reported when the rest is done; where pages shall be populated,
 * nothing behind a hole is. */
static int advise_range(struct mm *mm, u64 addr, u64 end, u32 advice)
{
	bool stops = advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE;
	int error = 0, unmapped = 0;

	while (addr < end && !error) {
		struct vma *vma = vma_find_first(mm, addr);
		u64 start;

		if (!vma || vma->start >= end)
			return -ENOMEM;
		start = max(vma->start, addr);
		if (start > addr)
			unmapped = -ENOMEM;
		if (unmapped && stops)
			break;
		addr = min(vma->end, end);
		error = advise(vma, start, addr, advice);
	}
	return error ? error : unmapped;
}

long mm_madvise(struct mm *mm, u64 addr, u64 length, u32 advice)
{
	u64 end = addr + PAGE_ALIGN(length);
	int error;

	if (!is_known(advice) || (addr & ~PAGE_MASK) || (length && !PAGE_ALIGN(length)) ||
	    end < addr)
		return -EINVAL;
	if (addr == end)
		return 0;
	if (flag_advice(advice)) {
		if (down_write_killable(&mm->mmap_lock))
			return -EINTR;
		error = advise_range(mm, addr, end, advice);
		up_write(&mm->mmap_lock);
	} else {
		down_read(&mm->mmap_lock);
		error = advise_range(mm, addr, end, advice);
		up_read(&mm->mmap_lock);
	}
	return error;
}
