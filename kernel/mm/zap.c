/*
 * Mappings over ranges: taking them away, changing their rights, copying them for fork.
 *
 * A frame may be given back only when no CPU can reach it through its TLB any more: zapped pages
 * are gathered, the TLB is flushed, then they are dropped. Swap slots need no flush and are dropped
 * at once.
 */
#include "mm/zap.h"

#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/huge_memory.h"
#include "mm/lru.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/swap.h"

#define GATHER_MAX 128

struct zap {
	struct vma *vma;
	enum pte_why why;
	u64 next;   /* where to go on when the gathered pages fill up */
	bool flush; /* a CPU may hold a translation: of a gathered page, or of the page of zeroes */
	u32 nr_pages;
	struct page *pages[GATHER_MAX];
};

/* Visits the entries of one table; stops early when the gathered pages fill up. */
static int zap_entries(struct pte_range *range)
{
	struct zap *zap = range->arg;
	struct mm *mm = range->mm;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t *entry = &range->entry[i];
		u64 va = range->va + i * PAGE_SIZE;
		pte_t old = pte_read(entry);
		struct page *page;

		if (!old)
			continue;
		if (zap->nr_pages == GATHER_MAX) {
			zap->next = va;
			return 1;
		}
		old = pte_remove(mm, va, entry, zap->why);
		zap->flush |= old & PTE_PRESENT;
		page = pte_operations(old)->unmap(mm, va, old);
		if (!page)
			continue;
		if (zap->vma->flags & VM_LOCKED)
			munlock_page(page);
		zap->pages[zap->nr_pages++] = page;
	}
	return 0;
}

static int zap_huge(struct pte_range *range)
{
	struct zap *zap = range->arg;
	struct page *page;

	if (range->nr != HUGE_PAGE_NR)
		return WALK_SPLIT;
	if (zap->nr_pages == GATHER_MAX) {
		zap->next = range->va;
		return 1;
	}
	page = huge_zap(range->mm, range->va, range->entry, zap->why);
	if (!page)
		return WALK_SPLIT;
	zap->pages[zap->nr_pages++] = page;
	return 0;
}

static void drop_gathered(struct zap *zap)
{
	for (u32 i = 0; i < zap->nr_pages; i++) {
		swap_cache_drop_unused(zap->pages[i]);
		page_put(zap->pages[i]);
	}
	zap->nr_pages = 0;
}

void zap_range(struct vma *vma, u64 start, u64 end, enum pte_why why)
{
	struct zap zap = {.vma = vma, .why = why, .next = start};
	int more;

	ASSERT(rwsem_is_locked(&vma->mm->mmap_lock));
	do {
		u64 from = zap.next;

		more = pgtable_walk_huge(vma->mm, from, end, zap_entries, zap_huge, &zap);
		if (zap.flush)
			mm_flush_tlb(vma->mm, from, more ? zap.next : end,
				     why == PTE_WHY_EXIT ? TLB_EXIT : TLB_UNMAP);
		zap.flush = false;
		drop_gathered(&zap);
		cond_resched();
	} while (more);
}

/* ---- mprotect ---- */

/* The entry with the rights of `flags`; write permission is kept where it was only if the VMA
 * allows it, and never granted: a fault does that, after looking who shares the page. */
static pte_t with_rights(pte_t pte, u64 flags, bool may_write)
{
	return pte_modify(pte, PTE_ACCESSED | PTE_DIRTY | (may_write ? PTE_WRITE : 0), flags);
}

struct protect {
	struct vma *vma;
	bool lost_rights;
};

static int protect_entries(struct pte_range *range)
{
	struct protect *protect = range->arg;
	u64 flags = vma_pte_flags(protect->vma);
	bool may_write = protect->vma->flags & VM_WRITE;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t *entry = &range->entry[i];
		pte_t old = pte_read(entry), new;

		if (!pte_maps(old))
			continue;
		new = with_rights(old, flags, may_write && (old & PTE_PRESENT));
		if (new == old)
			continue;
		/* The bits the CPU sets meanwhile are lost only between the read above and the
		 * exchange: take them over. */
		old = pte_replace(range->mm, range->va + i * PAGE_SIZE, entry, new,
				  PTE_WHY_PROTECT);
		if ((old & PTE_DIRTY) && !(new &PTE_DIRTY))
			pte_operations(old)->dirty(old);
		protect->lost_rights = true;
	}
	return 0;
}

static int protect_huge(struct pte_range *range)
{
	struct protect *protect = range->arg;
	u64 flags = vma_pte_flags(protect->vma);
	u64 keep = PTE_ACCESSED | PTE_DIRTY | PTE_HUGE |
		   (protect->vma->flags & VM_WRITE ? PTE_WRITE : 0);
	pte_t old = pte_read(range->entry), new;

	if (range->nr != HUGE_PAGE_NR || !(flags & PTE_PRESENT))
		return WALK_SPLIT;
	new = pte_modify(old, keep, flags);
	if (new == old)
		return 0;
	pmd_change(range->mm, range->va, range->entry, new, PTE_WHY_PROTECT);
	protect->lost_rights = true;
	return 0;
}

void protect_range(struct vma *vma, u64 start, u64 end)
{
	struct protect protect = {.vma = vma};

	ASSERT(rwsem_is_locked(&vma->mm->mmap_lock));
	pgtable_walk_huge(vma->mm, start, end, protect_entries, protect_huge, &protect);
	if (protect.lost_rights)
		mm_flush_tlb(vma->mm, start, end, TLB_PROTECT);
}

/* ---- fork ---- */

/* 2 KiB of stack. A batch costs a walk and a lock at either side. */
#define COPY_BATCH 128

/* Entries read from the parent, each with a reference on its page or slot, on their way into the
 * child. */
struct copy {
	pte_t ptes[COPY_BATCH];
	u64 va[COPY_BATCH];
	u32 nr;
	u64 next;
	int error;
};

/* What ends a walk early. */
enum { COPY_BATCH_FULL = 1, COPY_HUGE };

/* Takes one entry for the child; the parent's loses write permission, so that both copy on write.
 */
static void take_entry(struct copy *copy, struct mm *parent, u64 va, pte_t *entry, pte_t pte)
{
	copy->error = pte_operations(pte)->get(pte);
	if (copy->error)
		return;
	if (pte & PTE_WRITE)
		pte = pte_replace(parent, va, entry, pte & ~PTE_WRITE, PTE_WHY_FORK_PARENT) &
		      ~PTE_WRITE;
	pte &= ~PTE_ACCESSED; /* the child has not used it */
	copy->va[copy->nr] = va;
	copy->ptes[copy->nr++] = pte;
}

static int take_entries(struct pte_range *range)
{
	struct copy *copy = range->arg;

	for (u32 i = 0; i < range->nr && !copy->error; i++) {
		u64 va = range->va + i * PAGE_SIZE;
		pte_t pte = pte_read(&range->entry[i]);

		if (!pte || pte_operations(pte)->is_file)
			continue;
		if (copy->nr == COPY_BATCH) {
			copy->next = va;
			return COPY_BATCH_FULL;
		}
		take_entry(copy, range->mm, va, &range->entry[i], pte);
	}
	return 0;
}

static int stop_at_huge(struct pte_range *range)
{
	((struct copy *)range->arg)->next = range->va;
	return COPY_HUGE;
}

/* Gives taken entries to the child, from the `first` one on as far as they lie in one table.
 * Returns the next one; `first` again without memory for the table. */
static u32 give_to_table(struct vma *child, const struct copy *copy, u32 first)
{
	u64 start = copy->va[first], end = ALIGN_DOWN(start, level_size(2)) + level_size(2);
	pte_t *entry = pte_alloc(child->mm, start);
	u32 i;

	if (!entry)
		return first;
	spin_lock(pte_lockptr(entry));
	for (i = first; i < copy->nr && copy->va[i] < end; i++) {
		u64 va = copy->va[i];
		pte_t pte = copy->ptes[i];

		pte_replace(child->mm, va, &entry[(va - start) >> PAGE_SHIFT], pte,
			    PTE_WHY_FORK_CHILD);
		pte_operations(pte)->map(child, va, pte);
	}
	spin_unlock(pte_lockptr(entry));
	return i;
}

/* Gives all to the child. Returns how many went over: fewer than there are without memory. */
static u32 give_entries(struct vma *child, const struct copy *copy)
{
	u32 given = 0, next;

	while (given < copy->nr && (next = give_to_table(child, copy, given)) != given)
		given = next;
	return given;
}

/* Copies the huge page at copy->next. 0 or -ENOMEM. */
static int copy_huge(struct vma *child, struct vma *parent, struct copy *copy)
{
	int error = huge_copy(child, parent, copy->next);

	if (error == -EAGAIN)
		return 0;
	copy->next += PMD_SIZE;
	return error;
}

/*
 * Pages of files stay behind: the child's fault finds them in the file, as it would if this one were cut
 * meanwhile. Entries go over in batches: taken under the parent's lock, given under the child's, never both.
 * Meanwhile reclaim may unmap a taken page from the parent; its reference keeps it from being
 * freed, and the child maps a page of the swap cache.
 */
int copy_range(struct vma *child, struct vma *parent)
{
	struct copy copy;
	int more, error = 0;
	u32 given;

	copy.next = parent->start;
	copy.error = 0;

	do {
		copy.nr = 0;
		more = pgtable_walk_huge(parent->mm, copy.next, parent->end, take_entries,
					 stop_at_huge, &copy);
		given = copy.error ? 0 : give_entries(child, &copy);
		if (copy.error || given < copy.nr)
			error = -ENOMEM;
		for (u32 i = given; i < copy.nr; i++)
			pte_operations(copy.ptes[i])->put(copy.ptes[i]);
		if (more == COPY_HUGE && !error)
			error = copy_huge(child, parent, &copy);
		cond_resched();
	} while (more && !error);
	return error;
}
