/*
 * Page faults: from the address to the kind of case, and each case solved.
 *
 *   anon        nothing mapped, write            a zeroed frame
 *   zero        nothing mapped, read             the zero page
 *   file        nothing mapped, a file           the file's page, or a copy of it (fault_file.c)
 *   swap        a swap entry                     the page read back, or found in the swap cache
 *   cow, reuse  present, write not allowed yet   copied, or made writable if nobody else has it
 *   huge        nothing mapped, 2 MiB allowed    a huge page; one that is present: reused or split
 *   spurious    present, allowed                 another CPU was faster, or a stale TLB entry
 *
 * A case reads the entry, prepares what may sleep (a frame, a page from the disk, the page lock)
 * without its lock, then locks the entry and goes on only if it is still the same; otherwise the
 * access is simply tried again.
 *
 * Locks: mmap_lock for reading (for writing only to grow the stack), page lock, PTE lock, and below
 * it those of swap and LRU.
 */
#include "mm/fault.h"

#include "mm/fault_internal.h"

#include "arch/x86_64/page_ops.h"
#include "arch/x86_64/tlb.h"
#include "cpu/clock.h"
#include "cpu/current.h"
#include "lib/errno.h"
#include "mm/huge_memory.h"
#include "mm/limits.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/special.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "mm/zero_page.h"

/* Bits of the CPU's error code (SDM vol. 3, 4.7). */
#define ERROR_WRITE BIT(1)
#define ERROR_FETCH BIT(4)

struct page *zero_page;

void fault_init(void)
{
	zero_page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_ZERO);
	BUG_ON(!zero_page);
}

/* ---- pieces that the cases share ---- */

/* The entry for a page of the VMA, accessed; writable and dirty when this fault writes. */
static pte_t entry_for(const struct fault *fault, struct page *page, bool writable)
{
	u64 flags = vma_pte_flags(fault->vma) | PTE_ACCESSED;

	if (writable)
		flags |= PTE_WRITE | PTE_DIRTY;
	return pte_make(page_pfn(page), flags);
}

bool fault_lock_unchanged(struct fault *fault)
{
	spin_lock(pte_lockptr(fault->entry));
	if (((pte_read(fault->entry) ^ fault->pte) & ~(PTE_ACCESSED | PTE_DIRTY)) == 0 &&
	    !(READ_ONCE(fault->mm->state) & MM_REAPED))
		return true;
	spin_unlock(pte_lockptr(fault->entry));
	return false;
}

void fault_map_new_page(struct fault *fault, struct page *page, bool writable, enum pte_why why)
{
	pte_t entry = entry_for(fault, page, writable);

	/* Who is alone in the address space flushes once, afterwards. */
	if (why == PTE_WHY_COW && atomic_read(&fault->mm->users) > 1)
		pte_replace_flushed(fault->mm, fault->va, fault->entry, entry, why);
	else
		pte_replace(fault->mm, fault->va, fault->entry, entry, why);
	rmap_add_new(page, fault->vma, fault->va);
	atomic_inc(&fault->mm->nr_resident);
	if (fault->vma->flags & VM_LOCKED)
		lru_add_locked(page);
	else
		reclaim_list_new(page);
}

/* ---- nothing mapped ---- */

/* A page that is everybody's. */
static enum fault_result map_uncounted(struct fault *fault, struct page *page, enum fault_kind kind)
{
	fault->kind = kind;
	if (!fault_lock_unchanged(fault))
		return FAULT_MINOR;
	pte_replace(fault->mm, fault->va, fault->entry, entry_for(fault, page, false),
		    PTE_WHY_FAULT);
	fault_unlock(fault);
	return FAULT_MINOR;
}

static enum fault_result map_missing(struct fault *fault)
{
	struct page *page;

	if (fault->vma->flags & VM_PFNMAP)
		return map_uncounted(fault, special_page, FAULT_FILE);
	if (fault->vma->mapping)
		return fault_file(fault);
	if (!fault->write)
		return map_uncounted(fault, zero_page, FAULT_ZERO);
	if (fault->kind != FAULT_STACK)
		fault->kind = FAULT_ANON;
	if (anon_vma_prepare(fault->vma))
		return FAULT_OOM;
	page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_ANON);
	if (!page)
		return FAULT_OOM;
	if (!fault_lock_unchanged(fault)) {
		page_put(page);
		return FAULT_MINOR;
	}
	fault_map_new_page(fault, page, true, PTE_WHY_FAULT);
	fault_unlock(fault);
	return FAULT_MINOR;
}

/* ---- write to a page that must not be written in place yet ---- */

/* Whether a locked page has no other user than this one mapping (and a reclaimer that has isolated
 * it, and will find it locked). */
static bool only_ours(struct page *page)
{
	if (page_mapcount(page) != 1)
		return false;
	return !page_test(page, PG_SWAPCACHE) || swap_cache_release(page);
}

/* Makes the page writable in place if nobody else has it. The caller holds a reference. */
static bool reuse_page(struct fault *fault, struct page *page)
{
	bool ours = false;

	page_lock(page);
	if (fault_lock_unchanged(fault)) {
		ours = only_ours(page);
		if (ours)
			pte_replace(fault->mm, fault->va, fault->entry,
				    entry_for(fault, page, true), PTE_WHY_COW);
		fault_unlock(fault);
	}
	page_unlock(page);
	return ours;
}

/* The old page was replaced by a copy: no CPU may go on reading it through its TLB. NULL: the page
 * of zeroes. */
static void drop_copied(struct fault *fault, struct page *old)
{
	mm_flush_tlb(fault->mm, fault->va, fault->va + PAGE_SIZE, TLB_COW);
	if (old) {
		swap_cache_drop_unused(old);
		page_put(old); /* the mapping's */
	}
}

/* Replaces the page (held by the caller, or the zero page) by a writable copy. */
static enum fault_result copy_on_write(struct fault *fault, struct page *old)
{
	struct page *page;

	fault->kind = fault->kind == FAULT_SWAP || fault->kind == FAULT_SWAP_CACHE ? fault->kind
										   : FAULT_COW;
	if (anon_vma_prepare(fault->vma))
		return FAULT_OOM;
	page = alloc_page(old == zero_page ? GFP_KERNEL | GFP_ZERO : GFP_KERNEL, PAGE_ANON);
	if (!page)
		return FAULT_OOM;
	if (old != zero_page)
		copy_page(page_virt(page), page_virt(old));
	if (!fault_lock_unchanged(fault)) {
		page_put(page);
		return FAULT_MINOR;
	}
	old = page_operations(old)->unmap(fault->mm, fault->va, fault->pte);
	if (old && (fault->vma->flags & VM_LOCKED))
		munlock_page(old);
	fault_map_new_page(fault, page, true, PTE_WHY_COW);
	fault_unlock(fault);
	drop_copied(fault, old);
	return FAULT_MINOR;
}

/* The entry is present and not writable; the VMA allows writing. */
static enum fault_result write_protected(struct fault *fault)
{
	struct page *page;
	enum fault_result result = FAULT_MINOR;

	if (fault->vma->flags & VM_SHARED)
		return fault_shared_write(fault);
	if (!fault_lock_unchanged(fault))
		return FAULT_MINOR;
	page = pfn_page(pte_pfn(fault->pte));
	if (page != zero_page)
		page_get(page);
	fault_unlock(fault);
	if (page == zero_page)
		return copy_on_write(fault, page);
	if (!page_operations(page)->is_file && reuse_page(fault, page)) {
		if (fault->kind != FAULT_SWAP && fault->kind != FAULT_SWAP_CACHE)
			fault->kind = FAULT_REUSE;
		/* This CPU may hold the read-only translation still; others refault when they find
		 * it. */
		tlb_flush_local_page(fault->va);
	} else {
		result = copy_on_write(fault, page);
	}
	page_put(page);
	return result;
}

/* ---- a swap entry ---- */

/* Maps a locked page of the swap cache in place of the swap entry. Returns whether the entry was
 * still there. */
static bool map_swapped_in(struct fault *fault, struct page *page)
{
	u32 slot = pte_slot(fault->pte);
	pte_t pte;

	if (!page_test(page, PG_SWAPCACHE) || page->slot != slot || !fault_lock_unchanged(fault))
		return false;
	pte = entry_for(fault, page, false);
	page_get(page);
	pte_replace(fault->mm, fault->va, fault->entry, pte, PTE_WHY_SWAPIN);
	fault->pte = pte;
	rmap_add(page, fault->vma, fault->va);
	if (fault->vma->flags & VM_LOCKED)
		mlock_page(page);
	atomic_add_return(&fault->mm->nr_swapped, -1);
	atomic_inc(&fault->mm->nr_resident);
	swap_slot_put(slot, SLOT_WHY_SWAPIN);
	fault_unlock(fault);
	return true;
}

static enum fault_result bring_back(struct fault *fault)
{
	struct page *page;
	bool mapped;
	int error = 0;

	fault->kind = FAULT_SWAP_CACHE;
	if (anon_vma_prepare(fault->vma))
		return FAULT_OOM;
	page = pte_operations(fault->pte)->swap_in(fault->pte, &fault->waited, &error);
	if (!page)
		return error == -ENOMEM ? FAULT_OOM : FAULT_MINOR;
	if (fault->waited)
		fault->kind = FAULT_SWAP;
	if (page_test(page, PG_ERROR)) {
		page_put(page);
		return FAULT_SIGBUS;
	}
	page_lock(page);
	mapped = map_swapped_in(fault, page);
	/* With half of the slots in use a page's own slot is worth more than saving a write of it
	 * later. */
	if (mapped && swap_nr_free() < swap_nr_slots() / 2)
		swap_cache_release(page);
	page_unlock(page);
	page_put(page);
	if (mapped && fault->write)
		return write_protected(fault);
	return FAULT_MINOR;
}

/* ---- from the address to the case ---- */

static bool access_allowed(const struct fault *fault)
{
	u32 flags = fault->vma->flags;

	if (fault->write)
		return flags & VM_WRITE;
	if (fault->fetch)
		return flags & VM_EXEC;
	return flags & (VM_READ | VM_WRITE | VM_EXEC);
}

static enum fault_result spurious(struct fault *fault)
{
	fault->kind = FAULT_SPURIOUS;
	tlb_flush_local_page(fault->va);
	return FAULT_MINOR;
}

/* A huge page is mapped. Returns whether that solves the fault; else it was split, or is another's
 * affair by now. */
static bool solved_by_present(struct fault *fault, pte_t *pmd, pte_t leaf)
{
	if (!fault->write || (leaf & PTE_WRITE)) {
		spurious(fault);
		return true;
	}
	if (huge_make_writable(fault->vma, fault->va, pmd))
		return false;
	fault->kind = FAULT_REUSE;
	tlb_flush_local_page(fault->va);
	return true;
}

/* Solves the fault by a huge page, or finds or makes the table that its entry lies in; neither, and
 * the result, without memory. */
static bool solved_by_huge(struct fault *fault, enum fault_result *result)
{
	*result = FAULT_MINOR;
	while (!(fault->entry = pte_find(fault->mm, fault->va))) {
		pte_t *pmd = pmd_alloc(fault->mm, fault->va), leaf;
		int error = -ENOMEM;

		if (!pmd) {
			*result = FAULT_OOM;
			return true;
		}
		leaf = pte_read(pmd);
		if (pte_is_leaf(leaf, 2)) {
			if (solved_by_present(fault, pmd, leaf))
				return true;
			continue;
		}
		if (!leaf && huge_is_allowed(fault->vma, fault->va))
			error = huge_map_new(fault->vma, fault->va, pmd);
		/* -EAGAIN: something else is there by now: the access is tried again. */
		if (leaf == 0 && error != -ENOMEM) {
			fault->kind = FAULT_ANON;
			return true;
		}
		if (!pmd_populate(fault->mm, fault->va, pmd)) {
			*result = FAULT_OOM;
			return true;
		}
	}
	return false;
}

static enum fault_result solve(struct fault *fault)
{
	enum fault_result result;

	if (solved_by_huge(fault, &result))
		return result;
	fault->pte = pte_read(fault->entry);
	if (!fault->pte)
		return map_missing(fault);
	if (pte_is_swap(fault->pte))
		return bring_back(fault);
	if (fault->write && !(fault->pte & PTE_WRITE)) {
		fault->kind = FAULT_SPURIOUS; /* should another thread be quicker */
		return write_protected(fault);
	}
	return spurious(fault);
}

/* The stack below `va`, grown to contain it; NULL when there is none that may. mmap_lock for
 * writing. */
static struct vma *grow_stack(struct mm *mm, u64 va)
{
	struct vma *vma = vma_find_first(mm, va), *below;
	u64 grown;

	if (!vma || vma->start <= va)
		return vma;
	if (!(vma->flags & VM_GROWSDOWN) || va < MMAP_MIN_ADDR ||
	    vma->end - va > current_rlimit(MEM_RLIMIT_STACK))
		return NULL;
	/* Another stack, and what nobody can touch, keep no distance (Linux's expand_downwards()). */
	below = vma_prev(vma);
	if (below && !(below->flags & VM_GROWSDOWN) && vma_is_accessible(below) &&
	    va < below->end + STACK_GUARD_GAP)
		return NULL;
	grown = (vma->start - va) >> PAGE_SHIFT;
	if (!mm_may_expand(mm, vma->flags, grown) || mm_may_lock(mm, vma->flags, grown) ||
	    ((vma->flags & VM_ACCOUNT) && mm_charge(mm, grown)))
		return NULL;
	vma_resize(vma, va, vma->end, VMA_WHY_GROW);
	return vma;
}

/* Finds the VMA and solves the fault, under mmap_lock. */
static enum fault_result find_and_solve(struct fault *fault)
{
	struct mm *mm = fault->mm;
	enum fault_result result = FAULT_SIGSEGV;
	bool growing = false;

	down_read(&mm->mmap_lock);
	fault->vma = vma_find(mm, fault->va);
	if (!fault->vma) {
		up_read(&mm->mmap_lock);
		if (down_write_killable(&mm->mmap_lock))
			return FAULT_OOM;
		growing = true;
		fault->vma = grow_stack(mm, fault->va);
		fault->kind = fault->vma ? FAULT_STACK : FAULT_INVALID;
	}
	if (fault->vma && access_allowed(fault))
		result = READ_ONCE(mm->state) & MM_REAPED ? FAULT_OOM : solve(fault);
	else
		fault->kind = FAULT_INVALID;
	if (growing)
		up_write(&mm->mmap_lock);
	else
		up_read(&mm->mmap_lock);
	if (result == FAULT_MINOR && fault->waited)
		result = FAULT_MAJOR;
	return result;
}

enum fault_result handle_fault(u64 address, u64 error_code, u64 ip)
{
	struct fault fault = {.mm = current->mm,
			      .va = address & PAGE_MASK,
			      .write = error_code & ERROR_WRITE,
			      .fetch = error_code & ERROR_FETCH,
			      .kind = FAULT_INVALID};
	enum fault_result result = FAULT_SIGSEGV;
	u64 begin = clock_ns();

	TRACE(page_fault_user, .address = address, .ip = ip, .error_code = error_code,
	      .pid = current->pid);
	if (fault.mm && address < USER_END)
		result = find_and_solve(&fault);
	if (result == FAULT_MINOR || result == FAULT_MAJOR) {
		vmstat_inc(VMSTAT_PGFAULT);
		mm_max_resident(fault.mm);
	}
	if (result == FAULT_MINOR)
		current->faults.minor++;
	if (result == FAULT_MAJOR) {
		vmstat_inc(VMSTAT_PGMAJFAULT);
		current->faults.major++;
	}
	TRACE(page_fault_end, .address = address, .latency_ns = clock_ns() - begin,
	      .pid = current->pid, .kind = fault.kind, .result = result);
	return result;
}

bool mm_is_mapped(struct mm *mm, u64 address)
{
	down_read(&mm->mmap_lock);
	bool mapped = vma_find(mm, address) != NULL;
	up_read(&mm->mmap_lock);
	return mapped;
}

/* ---- faulting in ---- */

/* Has the page mapped, and writable if it is to be written. mmap_lock held. */
static int fault_in_page(struct vma *vma, u64 va, bool write)
{
	for (;;) {
		struct fault fault = {.mm = vma->mm, .vma = vma, .va = va, .write = write};
		pte_t pte = pte_lookup(vma->mm, va);
		enum fault_result result;

		if (pte_maps(pte) && (!write || (pte & PTE_WRITE)))
			return 0;
		if (current_is_dying())
			return -EINTR;
		if (READ_ONCE(vma->mm->state) & MM_REAPED)
			return -ENOMEM;
		result = solve(&fault);
		if (result > FAULT_MAJOR)
			return result == FAULT_OOM ? -ENOMEM : -EFAULT;
	}
}

int fault_in_vma(struct vma *vma, u64 start, u64 end, enum fault_in how)
{
	bool write = how == FAULT_IN_AS_MLOCK ? (vma->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE
					      : how == FAULT_IN_WRITE;
	int error = vma_is_accessible(vma) ? 0 : -EFAULT;

	if (how == FAULT_IN_AS_MLOCK && (vma->flags & VM_LOCKONFAULT))
		return 0;
	for (u64 va = start; va < end && !error; va += PAGE_SIZE) {
		error = fault_in_page(vma, va, write);
		cond_resched();
	}
	return error;
}

int fault_swap_in(struct vma *vma, u64 va)
{
	pte_t *entry = pte_find(vma->mm, va);

	while (entry && pte_is_swap(pte_read(entry)) && !(READ_ONCE(vma->mm->state) & MM_REAPED)) {
		struct fault fault = {.mm = vma->mm,
				      .vma = vma,
				      .va = va,
				      .entry = entry,
				      .pte = pte_read(entry)};
		enum fault_result result;

		if (!pte_is_swap(fault.pte))
			break;
		result = bring_back(&fault);
		if (result == FAULT_OOM)
			return -ENOMEM;
		if (result == FAULT_SIGBUS)
			return -EIO;
	}
	return 0;
}

/* Pages faulted in before others may have mmap_lock. */
#define POPULATE_BATCH 64

/* Populates from *at on, some pages of one VMA, and moves *at behind them; to the end of the VMA when
 * that fails, and to `end` when there is none. */
static int populate_some(struct mm *mm, u64 *at, u64 end)
{
	struct vma *vma;
	int error = 0;

	down_read(&mm->mmap_lock);
	vma = vma_find_first(mm, *at);
	if (!vma || vma->start >= end) {
		*at = end;
	} else {
		u64 from = max(*at, vma->start), vma_end = min(vma->end, end);

		*at = min(vma_end, from + POPULATE_BATCH * PAGE_SIZE);
		error = fault_in_vma(vma, from, *at, FAULT_IN_AS_MLOCK);
		if (error || (vma->flags & VM_LOCKONFAULT))
			*at = vma_end;
	}
	up_read(&mm->mmap_lock);
	return error;
}

int mm_populate(struct mm *mm, u64 start, u64 end)
{
	int error = 0;

	while (start < end && !error)
		error = populate_some(mm, &start, end);
	return error;
}

void mm_populate_present(struct mm *mm)
{
	u64 at = 0;

	while (at < USER_END && !current_is_dying())
		populate_some(mm, &at, USER_END);
}
