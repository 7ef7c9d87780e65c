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
#include "mm/anon_page.h"
#include "mm/address_space.h"
#include "mm/huge_memory.h"
#include "mm/lru.h"
#include "mm/pgtable.h"
#include "mm/reclaim.h"
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

/* Unmaps what is no anonymous page. That one of a file was used would be forgotten with the entry. */
static struct page *unmap_other(struct vma *vma, u64 va, pte_t old)
{
	struct page *page = pte_operations(old)->unmap(vma->mm, va, old);

	if (page && page_operations(page)->is_file && (old & PTE_ACCESSED) &&
	    !(vma->flags & VM_SEQ_READ))
		reclaim_mark_accessed(page);
	return page;
}

/* The operation unmap of what `old` referred to. */
static inline struct page *unmap(struct vma *vma, u64 va, pte_t old)
{
	struct page *page = pte_anon_page(old);

	if (unlikely(!page))
		return unmap_other(vma, va, old);
	anon_unmap(vma->mm, va, old, page);
	return page;
}

/* Visits the entries of one table; stops early when the gathered pages fill up. */
static int zap_entries(struct pte_range *range)
{
	struct zap *zap = range->arg;
	struct mm *mm = range->mm;
	pte_t *entry = range->entry, *end = entry + range->nr, seen = 0;
	u64 va = range->va;
	u32 nr_pages = zap->nr_pages;
	bool locked = zap->vma->flags & VM_LOCKED;

	for (; entry < end; entry++, va += PAGE_SIZE) {
		pte_t old = pte_read(entry);
		struct page *page;

		if (!old)
			continue;
		if (nr_pages == GATHER_MAX) {
			zap->next = va;
			break;
		}
		old = pte_remove(mm, va, entry, zap->why);
		seen |= old;
		page = unmap(zap->vma, va, old);
		if (!page)
			continue;
		if (unlikely(locked))
			munlock_page(page);
		zap->pages[nr_pages++] = page;
	}
	zap->flush |= seen & PTE_PRESENT;
	zap->nr_pages = nr_pages;
	return entry < end;
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
		if (page_test(zap->pages[i], PG_SWAPCACHE))
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

/* Entries copied between two releases of the locks. */
#define COPY_BATCH 128

struct copy {
	struct vma *child;
	u64 next; /* where to go on when the walk has stopped */
	int error;
};

/* What ends a walk early. */
enum { COPY_BATCH_FULL = 1, COPY_TABLE, COPY_HUGE, COPY_FAILED };

/* Whether the child finds it in the file. */
static inline bool stays_behind(pte_t pte)
{
	return !pte_anon_page(pte) && pte_operations(pte)->is_file;
}

/* Gives the child what the parent's entry `pte` refers to; the parent's loses write permission, so that both
 * copy on write. Both tables are locked. 0 or -EOVERFLOW. */
static inline int copy_entry(struct vma *child, struct mm *parent, u64 va, pte_t *from, pte_t pte,
			     pte_t *to)
{
	struct page *page = pte_anon_page(pte);
	int error = 0;

	if (likely(page))
		page_get(page);
	else
		error = pte_operations(pte)->get(pte);
	if (unlikely(error))
		return error;
	if (pte & PTE_WRITE)
		pte = pte_replace(parent, va, from, pte & ~PTE_WRITE, PTE_WHY_FORK_PARENT) &
		      ~PTE_WRITE;
	pte &= ~PTE_ACCESSED; /* the child has not used it */
	pte_replace(child->mm, va, to, pte, PTE_WHY_FORK_CHILD);
	if (likely(page))
		anon_map(child, va, page);
	else
		pte_operations(pte)->map(child, va, pte);
	return 0;
}

/* Whether the child's file ends before the address. Who cut it may have looked at the child's entries before now, and
 * finds only the parent's. */
static bool is_cut_off(const struct vma *child, u64 va)
{
	return child->mapping && !mapping_reaches(child->mapping, vma_pgoff(child, va));
}

/* The parent's table is locked, the child's not yet; `to` is the child's first entry. */
static int copy_table(struct copy *copy, struct pte_range *range, pte_t *to)
{
	struct vma *child = copy->child;
	u32 copied = 0, i;
	int error = 0;

	spin_lock_nested(pte_lockptr(to));
	for (i = 0; i < range->nr && copied < COPY_BATCH && !error; i++) {
		pte_t pte = pte_read(&range->entry[i]);
		u64 va = range->va + i * PAGE_SIZE;

		if (!pte || stays_behind(pte) || is_cut_off(child, va))
			continue;
		error = copy_entry(child, range->mm, va, &range->entry[i], pte, &to[i]);
		copied++;
	}
	spin_unlock(pte_lockptr(to));
	copy->next = range->va + i * PAGE_SIZE;
	copy->error = error;
	if (error)
		return COPY_FAILED;
	return i < range->nr ? COPY_BATCH_FULL : 0;
}

static int copy_entries(struct pte_range *range)
{
	struct copy *copy = range->arg;
	pte_t *to = pte_find(copy->child->mm, range->va);

	if (to)
		return copy_table(copy, range, to);
	for (u32 i = 0; i < range->nr; i++) {
		pte_t pte = pte_read(&range->entry[i]);

		if (!pte || stays_behind(pte))
			continue;
		copy->next = range->va + i * PAGE_SIZE;
		return COPY_TABLE;
	}
	return 0;
}

static int stop_at_huge(struct pte_range *range)
{
	((struct copy *)range->arg)->next = range->va;
	return COPY_HUGE;
}

/* Copies the huge page at copy->next. 0 or -ENOMEM. */
static int copy_huge(struct copy *copy, struct vma *parent)
{
	int error = huge_copy(copy->child, parent, copy->next);

	if (error == -EAGAIN)
		return 0;
	copy->next += PMD_SIZE;
	return error;
}

/* Does what the walk could not under its lock. */
static void copy_between_walks(struct copy *copy, struct vma *parent, int stopped_at)
{
	if (stopped_at == COPY_HUGE)
		copy->error = copy_huge(copy, parent);
	else if (stopped_at == COPY_TABLE && !pte_alloc(copy->child->mm, copy->next))
		copy->error = -ENOMEM;
	/* A task that was killed for memory must not take more, nor keep mmap_lock. */
	if (!copy->error && current_is_dying())
		copy->error = -EINTR;
}

/*
 * Pages of files stay behind: the child's fault finds them in the file, as it would if this one were cut
 * meanwhile, and private copies of what was cut off are not given. What the child refers to is counted under both tables' locks: a reference without its entry
 * would be a lie to whoever looks while this task waits for memory, and keep that memory from being
 * reclaimed. The parent's lock comes first; a child copies for children of its own only when this is over.
 */
int copy_range(struct vma *child, struct vma *parent)
{
	struct copy copy = {.child = child, .next = parent->start};
	int stopped_at;

	do {
		stopped_at = pgtable_walk_huge(parent->mm, copy.next, parent->end, copy_entries,
					       stop_at_huge, &copy);
		copy_between_walks(&copy, parent, stopped_at);
		cond_resched();
	} while (stopped_at && !copy.error);
	return copy.error;
}
