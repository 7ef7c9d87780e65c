/*
 * mremap: a mapping becomes smaller, larger, or moves with its pages.
 *
 * A move makes a VMA at the new place that is like the old one and linked to the same anon_vmas, moves
 * the entries, and takes the old VMA away. Pages keep their index, and so does the new VMA
 * (vma->anon_index), which is how rmap goes on finding them.
 *
 * One entry at a time goes over, under the locks of both tables and, if the VMA has one, the anon_vma
 * lock of the family, which keeps reclaim from walking a page's mappings while one is at neither
 * place. The new mapping is counted before the old one is uncounted: a page that another process maps
 * too must never look as if that one had it alone, or its next write would go into the shared page.
 * In the trace: rmap_add, pte_clear, pte_set, rmap_remove.
 *
 * Two tables' locks are held, of one address space whose mmap_lock is held for writing: nobody else
 * takes two of its tables' locks.
 */
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/huge_memory.h"
#include "mm/i_mmap.h"
#include "mm/limits.h"
#include "mm/mmap.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/zap.h"

/* The arguments, and what is found on the way. Sizes are page-aligned. */
struct remap {
	struct mm *mm;
	struct vma *vma; /* at addr */
	u64 addr, old_size, new_size, new_addr;
	u32 flags;
	u64 locked_from, locked_to; /* to be populated afterwards */
};

/* ---- moving entries ---- */

static void move_entry(struct vma *from, struct vma *to, u64 old_va, u64 new_va, pte_t *old,
		       pte_t *new)
{
	pte_t pte = pte_read(old);
	const struct page_operations *operations;

	if (!pte)
		return;
	operations = pte_operations(pte);
	operations->map(to, new_va, pte);
	pte = pte_remove(from->mm, old_va, old, PTE_WHY_MOVE);
	pte_replace(to->mm, new_va, new, pte, PTE_WHY_MOVE);
	operations->moved(from->mm, old_va, pte);
}

/* Moves the entries of [va, va + size), which lie in one table at either place. */
static void move_table(struct vma *from, struct vma *to, u64 old_va, u64 new_va, u64 size)
{
	spinlock_t *family = from->anon_vma ? &from->anon_vma->root->lock : NULL;
	pte_t *old = pte_find(from->mm, old_va), *new = pte_find(to->mm, new_va);
	spinlock_t *old_lock = pte_lockptr(old), *new_lock = pte_lockptr(new);

	/* Who cuts the file finds each page at one place or the other. */
	i_mmap_lock(from->mapping);
	if (family)
		spin_lock(family);
	spin_lock(old_lock);
	if (new_lock != old_lock)
		spin_lock_nested(new_lock);
	for (u64 at = 0; at < size; at += PAGE_SIZE)
		move_entry(from, to, old_va + at, new_va + at, old++, new ++);
	/* Before anybody can find a page at its new place and write it out or copy it: no CPU may go
	 * on writing to it through its old address. */
	mm_flush_tlb(from->mm, old_va, old_va + size, TLB_MOVE);
	if (new_lock != old_lock)
		spin_unlock(new_lock);
	spin_unlock(old_lock);
	if (family)
		spin_unlock(family);
	i_mmap_unlock(from->mapping);
}

/* Moves all entries of `size` bytes. -ENOMEM without memory for a table, with some moved. */
static int move_range(struct vma *from, struct vma *to, u64 old_va, u64 new_va, u64 size)
{
	u64 table = level_size(2), step;

	huge_split_range(from->mm, old_va, old_va + size);
	for (u64 done = 0; done < size; done += step) {
		u64 old = old_va + done, new = new_va + done;

		step = min(min(table - old % table, table - new % table), size - done);
		if (!pte_find(from->mm, old))
			continue;
		if (!pte_alloc(to->mm, new))
			return -ENOMEM;
		move_table(from, to, old, new, step);
		cond_resched();
	}
	return 0;
}

/* ---- moving a VMA ---- */

/* The tables that only served a range that is empty now. */
static void free_tables(struct mm *mm, u64 start, u64 end)
{
	struct vma *next = vma_find_first(mm, start), *prev;

	prev = next ? vma_prev(next) : list_last_entry(&mm->vmas, struct vma, node);
	pgtable_free_range(mm, start, end, prev ? prev->end : 0,
			   next ? next->start : USER_TABLES_END);
}

static void remove_vma(struct vma *vma)
{
	u64 start = vma->start, end = vma->end;
	struct mm *mm = vma->mm;

	zap_range(vma, start, end, PTE_WHY_UNMAP);
	anon_vma_unlink(vma);
	vma_remove(vma, VMA_WHY_UNMAP);
	free_tables(mm, start, end);
}

/* What stays at the old place after MREMAP_DONTUNMAP: the VMA without its pages. */
static void leave_empty(struct vma *old)
{
	u32 unlocked = old->flags & ~VM_LOCKED_MASK;

	if (unlocked != old->flags)
		vma_change_flags(old, old->start, old->end, unlocked);
	anon_vma_detach(old);
	vma_merge(old);
}

/* Moves the VMA, which is just the old range, to the new one. `pages` are charged for it if it is
 * accounted. */
static long move_whole(struct remap *r, struct vma *old)
{
	struct vma *new = vma_copy_to(old, r->new_addr, r->new_size);

	if (!new)
		return -ENOMEM;
	if (move_range(old, new, r->addr, r->new_addr, r->old_size)) {
		/* Their tables are there: nothing is needed to bring them back. */
		move_range(new, old, r->new_addr, r->addr, r->old_size);
		remove_vma(new);
		return -ENOMEM;
	}
	if (r->flags & MREMAP_DONTUNMAP)
		leave_empty(old);
	else
		remove_vma(old);
	if (new->flags & VM_LOCKED) {
		r->locked_from = r->new_addr + r->old_size;
		r->locked_to = r->new_addr + r->new_size;
	}
	vma_merge(new);
	return r->new_addr;
}

/* An old size of 0: what is shared is mapped a second time. */
static long map_again(struct remap *r)
{
	struct vma *vma = r->vma;

	if (!vma_map(r->mm, r->new_addr, r->new_addr + r->new_size, vma->flags, vma->mapping,
		     vma_pgoff(vma, r->addr), VMA_WHY_MREMAP))
		return -ENOMEM;
	if (vma->flags & VM_LOCKED) {
		r->locked_from = r->new_addr;
		r->locked_to = r->new_addr + r->new_size;
	}
	return r->new_addr;
}

/* Moves the old range to new_addr, where nothing is mapped. */
static long move(struct remap *r)
{
	u64 grown = r->flags & MREMAP_DONTUNMAP ? r->new_size : r->new_size - r->old_size;
	u64 charge = r->vma->flags & VM_ACCOUNT ? grown >> PAGE_SHIFT : 0;
	struct vma *vma;
	long result;

	if (r->mm->nr_vmas >= MAX_MAP_COUNT - 3 || mm_charge(r->mm, charge))
		return -ENOMEM;
	if (!r->old_size)
		return map_again(r);
	vma = vma_change_flags(r->vma, r->addr, r->addr + r->old_size, r->vma->flags);
	result = vma ? move_whole(r, vma) : -ENOMEM;
	if (result < 0) {
		mm_uncharge(charge);
		if (vma)
			vma_merge(vma);
	}
	return result;
}

/* ---- the call's cases ---- */

/* Where in its file, or in memory, the address lies. */
static u64 first_page(const struct vma *vma, u64 addr)
{
	return vma->mapping ? vma_pgoff(vma, addr) : vma_index(vma, addr);
}

/* Finds the VMA, and whether what is to be kept of the old range may become new_size large (the checks
 * of Linux's check_prep_vma(), in its order). */
static int find_vma(struct remap *r)
{
	u64 kept = min(r->old_size, r->new_size), grown = (r->new_size - kept) >> PAGE_SHIFT;
	struct vma *vma = r->vma = vma_find(r->mm, r->addr);
	int error;

	if (!vma)
		return -EFAULT;
	/* A second mapping of the same pages: only of pages that are shared. */
	if (!r->old_size && !(vma->flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && (vma->flags & VM_DONTEXPAND))
		return -EINVAL;
	if (kept > vma->end - r->addr)
		return -EFAULT;
	if (!grown)
		return 0;
	if (first_page(vma, r->addr) + (r->new_size >> PAGE_SHIFT) < first_page(vma, r->addr))
		return -EINVAL;
	if (vma->flags & VM_DONTEXPAND)
		return -EFAULT;
	error = mm_may_lock(r->mm, vma->flags, grown);
	if (error)
		return error;
	return mm_may_expand(r->mm, vma->flags, grown) ? 0 : -ENOMEM;
}

/* Unmaps what is behind new_size in the old range. */
static int shrink(struct remap *r)
{
	u64 rest = r->old_size - r->new_size;
	int error = mm_munmap_locked(r->mm, r->addr + r->new_size, rest);

	if (!error)
		r->old_size = r->new_size;
	return error;
}

/* To new_addr, or anywhere and leaving an empty VMA behind. The arguments are right; what can still
 * fail is memory. */
static long remap_to(struct remap *r)
{
	struct mm *mm = r->mm;
	long place;
	int error = 0;

	if (mm->nr_vmas + 2 >= MAX_MAP_COUNT - 3)
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED)
		error = mm_munmap_locked(mm, r->new_addr, r->new_size);
	if (!error && r->old_size > r->new_size)
		error = shrink(r);
	if (error)
		return error;
	r->vma = vma_find(mm, r->addr); /* cut, perhaps */
	if ((r->flags & MREMAP_DONTUNMAP) &&
	    !mm_may_expand(mm, r->vma->flags, r->old_size >> PAGE_SHIFT))
		return -ENOMEM;
	place = mm_find_room(mm, r->new_addr, r->new_size, r->flags & MREMAP_FIXED ? MAP_FIXED : 0);
	if (place < 0)
		return place;
	r->new_addr = place;
	return move(r);
}

/* Whether what lies behind the VMA has room for it to grow. */
static bool may_grow(const struct remap *r)
{
	u64 end = r->vma->end + (r->new_size - r->old_size);
	struct vma *next = vma_next(r->vma);

	return r->addr + r->old_size == r->vma->end && end > r->vma->end && end <= USER_END &&
	       (!next || next->start >= end);
}

static long grow_in_place(struct remap *r)
{
	struct vma *vma = r->vma;
	u64 grown = r->new_size - r->old_size;

	if ((vma->flags & VM_ACCOUNT) && mm_charge(r->mm, grown >> PAGE_SHIFT))
		return -ENOMEM;
	if (vma->flags & VM_LOCKED) {
		r->locked_from = r->addr + r->old_size;
		r->locked_to = r->addr + r->new_size;
	}
	vma_resize(vma, vma->start, vma->end + grown, VMA_WHY_MREMAP);
	vma_merge(vma);
	return r->addr;
}

static long remap_locked(struct remap *r)
{
	bool moves = r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
	long result;

	if (!moves && r->old_size >= r->new_size) {
		result = vma_find(r->mm, r->addr) ? 0 : -EFAULT;
		if (!result && r->old_size > r->new_size)
			result = shrink(r);
		return result ? result : (long)r->addr;
	}
	result = find_vma(r);
	if (result)
		return result;
	if (moves)
		return remap_to(r);
	if (may_grow(r))
		return grow_in_place(r);
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	result = mm_find_room(r->mm, 0, r->new_size, 0);
	if (result < 0)
		return result;
	r->new_addr = result;
	return move(r);
}

/* What of the arguments can be judged without looking at the address space; in Linux's order. */
static int check_arguments(const struct remap *r)
{
	const u32 known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if ((r->flags & ~known) || (r->addr & ~PAGE_MASK) || !r->new_size)
		return -EINVAL;
	if ((r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((r->flags & MREMAP_DONTUNMAP) && r->old_size != r->new_size)
		return -EINVAL;
	if (r->new_size > USER_END)
		return -EINVAL;
	if (!(r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
		return 0;
	if ((r->new_addr & ~PAGE_MASK) || r->new_addr > USER_END - r->new_size)
		return -EINVAL;
	return r->addr + r->old_size > r->new_addr && r->new_addr + r->new_size > r->addr ? -EINVAL
											  : 0;
}

long mm_mremap(struct mm *mm, u64 addr, u64 old_size, u64 new_size, u32 flags, u64 new_addr)
{
	struct remap r = {
		.mm = mm,
		.addr = addr,
		.old_size = PAGE_ALIGN(old_size),
		.new_size = PAGE_ALIGN(new_size),
		.new_addr = new_addr,
		.flags = flags,
	};
	long result = check_arguments(&r);

	if (result)
		return result;
	result = down_write_killable(&mm->mmap_lock);
	if (result)
		return result;
	result = remap_locked(&r);
	up_write(&mm->mmap_lock);
	if (result >= 0 && r.locked_from < r.locked_to)
		mm_populate(mm, r.locked_from, r.locked_to);
	return result;
}
