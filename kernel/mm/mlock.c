/*
 * mlock and its kin: memory that stays in memory.
 *
 * What is locked is VMAs (VM_LOCKED). Their pages go on the unevictable list, where reclaim does not
 * look, but that is only to spare it the sight of them: what keeps a page is that rmap_unmap_all()
 * takes no mapping of a locked VMA away. So
 *
 *   a page is on the unevictable list    only if a locked VMA maps it (mm_check() proves it);
 *   a page that a locked VMA maps        is on that list, or on its way: one that a reclaimer had
 *                                        isolated, or that another VMA unlocked, is put there
 *                                        when reclaim next meets it
 *
 * A count of the locked VMAs that map a page, as Linux keeps now, was rejected: who unlocks one sends
 * the page to the other lists, and reclaim finds the VMA that is left. Child processes do not inherit
 * locks.
 */
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/fault.h"
#include "mm/limits.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/vmstat.h"

void mlock_page(struct page *page)
{
	if (!lru_cull(page))
		return;
	vmstat_inc(VMSTAT_UNEVICTABLE_PGMLOCKED);
}

void lru_add_locked(struct page *page)
{
	lru_add(page, LRU_UNEVICTABLE, LRU_WHY_NEW);
	vmstat_inc(VMSTAT_UNEVICTABLE_PGMLOCKED);
}

void munlock_page(struct page *page)
{
	if (!lru_rescue(page))
		return;
	vmstat_inc(VMSTAT_UNEVICTABLE_PGMUNLOCKED);
	vmstat_inc(VMSTAT_UNEVICTABLE_PGRESCUED);
}

void munlock_mapping(struct address_space *mapping)
{
	u64 end = PAGE_ALIGN(mapping->size) >> PAGE_SHIFT, index = 0;
	struct page *page;

	do {
		spin_lock(&mapping->lock);
		page = mapping_next_page_locked(mapping, &index, end);
		if (page)
			munlock_page(page);
		spin_unlock(&mapping->lock);
		index++;
	} while (page);
}

/* Moves the listed pages of a table to or from the unevictable list. */
static int move_pages(struct pte_range *range)
{
	const bool *lock = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		pte_t pte = pte_read(&range->entry[i]);

		if (!pte || !pte_operations(pte)->swap_out) /* never listed */
			continue;
		if (*lock)
			mlock_page(pfn_page(pte_pfn(pte)));
		else
			munlock_page(pfn_page(pte_pfn(pte)));
	}
	return 0;
}

/* Gives [start, end), inside of `vma`, these lock flags (Linux's mlock_fixup()). */
static int lock_part(struct vma *vma, u64 start, u64 end, u32 lock)
{
	u32 old = vma->flags, flags = (old & ~VM_LOCKED_MASK) | lock;
	bool locks = lock & VM_LOCKED;

	if (flags == old || (old & VM_PFNMAP)) /* is never anywhere else */
		return 0;
	vma = vma_change_flags(vma, start, end, flags);
	if (!vma)
		return -ENOMEM;
	if ((old ^ flags) & VM_LOCKED)
		pgtable_walk(vma->mm, start, end, move_pages, &locks);
	vma_merge(vma);
	return 0;
}

/* The same for a range, up to the first hole, which is an error. */
static int lock_range(struct mm *mm, u64 addr, u64 end, u32 lock)
{
	int error = 0;

	if (end < addr)
		return -EINVAL;
	while (addr < end && !error) {
		struct vma *vma = vma_find(mm, addr);
		u64 part_end = vma ? min(vma->end, end) : 0;

		error = vma ? lock_part(vma, addr, part_end, lock) : -ENOMEM;
		addr = part_end;
	}
	return error;
}

/* Pages of the range that are locked already. */
static u64 pages_locked(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find_first(mm, start);
	u64 bytes = 0;

	for (; vma && vma->start < end; vma = vma_next(vma))
		if (vma->flags & VM_LOCKED)
			bytes += min(vma->end, end) - max(vma->start, start);
	return bytes >> PAGE_SHIFT;
}

/* Whether RLIMIT_MEMLOCK lets the range be locked. */
static bool within_limit(struct mm *mm, u64 start, u64 end)
{
	u64 limit = current_rlimit(MEM_RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	u64 pages = ((end - start) >> PAGE_SHIFT) + mm->locked_vm;

	if (pages > limit && !current_capable(MEM_CAP_IPC_LOCK))
		pages -= pages_locked(mm, start, end);
	return pages <= limit || current_capable(MEM_CAP_IPC_LOCK);
}

long mm_mlock(struct mm *mm, u64 addr, u64 length, u32 vm_flags)
{
	u64 start = addr & PAGE_MASK, end = start + PAGE_ALIGN(length + (addr & ~PAGE_MASK));
	int error;

	if (!mm_can_lock())
		return -EPERM;
	error = down_write_killable(&mm->mmap_lock);
	if (error)
		return error;
	error = within_limit(mm, start, end) ? lock_range(mm, start, end, vm_flags) : -ENOMEM;
	up_write(&mm->mmap_lock);
	if (error || start == end)
		return error;
	/* POSIX's values of what populating finds. */
	error = mm_populate(mm, start, end);
	return error == -EFAULT ? -ENOMEM : error == -ENOMEM ? -EAGAIN : error;
}

long mm_munlock(struct mm *mm, u64 addr, u64 length)
{
	u64 start = addr & PAGE_MASK, end = start + PAGE_ALIGN(length + (addr & ~PAGE_MASK));
	int error = down_write_killable(&mm->mmap_lock);

	if (error)
		return error;
	error = lock_range(mm, start, end, 0);
	up_write(&mm->mmap_lock);
	return error;
}

/* All VMAs; one that cannot be changed stays as it is. */
static void lock_all(struct mm *mm, u32 lock)
{
	struct vma *vma, *next;

	for (vma = vma_first(mm); vma; vma = next) {
		u64 end = vma->end;

		/* A VMA with other flags stays, or is joined to a neighbour. */
		lock_part(vma, vma->start, end, lock);
		next = vma_find_first(mm, end);
		cond_resched();
	}
}

long mm_mlockall(struct mm *mm, u32 flags)
{
	u32 lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	int error;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mm_can_lock())
		return -EPERM;
	error = down_write_killable(&mm->mmap_lock);
	if (error)
		return error;
	if ((flags & MCL_CURRENT) && !current_capable(MEM_CAP_IPC_LOCK) &&
	    mm->total_vm > current_rlimit(MEM_RLIMIT_MEMLOCK) >> PAGE_SHIFT) {
		error = -ENOMEM;
	} else {
		mm->def_flags &= ~VM_LOCKED_MASK;
		if (flags & MCL_FUTURE)
			mm->def_flags |= lock;
		if (flags & MCL_CURRENT)
			lock_all(mm, lock);
	}
	up_write(&mm->mmap_lock);
	if (!error && (flags & MCL_CURRENT))
		mm_populate_present(mm);
	return error;
}

long mm_munlockall(struct mm *mm)
{
	int error = down_write_killable(&mm->mmap_lock);

	if (error)
		return error;
	mm->def_flags &= ~VM_LOCKED_MASK;
	lock_all(mm, 0);
	up_write(&mm->mmap_lock);
	return 0;
}
