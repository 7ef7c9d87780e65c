/*
 * The memory system calls: mmap, munmap, mprotect, brk, and what exec maps.
 *
 * Each takes mmap_lock for writing, and checks as Linux does and in its order: programs see which
 * errno comes first.
 *
 * A place for a new mapping is searched from mmap_base downwards along the list of VMAs. Linux
 * keeps the largest gap of each subtree in its tree; programs here have tens of VMAs, and a walk
 * over them is cheaper than the bookkeeping.
 */
#include "mm/mmap.h"

#include "arch/x86_64/layout.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/zap.h"

#define VM_RIGHTS (VM_READ | VM_WRITE | VM_EXEC)

static u32 prot_to_vm(u32 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

static bool range_is_free(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find_first(mm, start);

	return !vma || vma->start >= end;
}

/* ---- unmapping ---- */

/* Takes the pages, links and VMAs of [start, end) away, cutting VMAs at its ends. -ENOMEM when a
 * cut fails: nothing is unmapped. */
static int unmap_range(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find_first(mm, start), *last, *prev, *next;
	int error;

	if (!vma || vma->start >= end)
		return 0;
	if (vma->start < start) {
		error = vma_split(vma, start);
		if (error)
			return error;
		vma = vma_next(vma);
	}
	last = vma_find(mm, end - 1);
	if (last && last->end > end) {
		error = vma_split(last, end);
		if (error)
			return error;
	}
	prev = vma_prev(vma);
	for (; vma && vma->start < end; vma = next) {
		next = vma_next(vma);
		zap_range(vma, vma->start, vma->end, PTE_WHY_UNMAP);
		anon_vma_unlink(vma);
		vma_remove(vma, VMA_WHY_UNMAP);
	}
	pgtable_free_range(mm, start, end, prev ? prev->end : 0,
			   vma ? vma->start : USER_TABLES_END);
	return 0;
}

long mm_munmap(struct mm *mm, u64 addr, u64 length)
{
	int error;

	if ((addr & ~PAGE_MASK) || addr > USER_END || length > USER_END - addr || !length)
		return -EINVAL;
	error = down_write_killable(&mm->mmap_lock);
	if (error)
		return error;
	error = unmap_range(mm, addr, PAGE_ALIGN(addr + length));
	up_write(&mm->mmap_lock);
	return error;
}

/* ---- mapping ---- */

/* The lowest address that must stay free below a VMA: a stack keeps a gap, so that it does not grow
 * into what lies there. */
static u64 start_with_gap(const struct vma *vma)
{
	u64 gap = vma->flags & VM_GROWSDOWN ? STACK_GUARD_GAP : 0;

	return vma->start > gap ? vma->start - gap : 0;
}

/* The highest place of `length` bytes below `ceiling`, or 0. */
static u64 find_gap(struct mm *mm, u64 length, u64 ceiling)
{
	struct vma *vma;

	list_for_each_entry_reverse (vma, &mm->vmas, node) {
		if (max(vma->end, MMAP_MIN_ADDR) + length <= ceiling)
			return ceiling - length;
		ceiling = min(ceiling, start_with_gap(vma));
	}
	return ceiling >= MMAP_MIN_ADDR + length ? ceiling - length : 0;
}

/* Where to put a mapping that may go anywhere: at the hint if that is free. 0 when there is no
 * room. */
static u64 choose_address(struct mm *mm, u64 hint, u64 length)
{
	u64 address;

	hint = PAGE_ALIGN(hint);
	if (hint >= MMAP_MIN_ADDR && hint <= USER_END - length) {
		struct vma *next = vma_find_first(mm, hint);

		if (!next || hint + length <= start_with_gap(next))
			return hint;
	}
	address = find_gap(mm, length, mm->mmap_base);
	return address ? address : find_gap(mm, length, USER_END);
}

/* The address for these flags with the range free, or a negative errno. */
static long make_room(struct mm *mm, u64 addr, u64 length, u32 flags)
{
	int error;

	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
		addr = choose_address(mm, addr, length);
		return addr ? (long)addr : -ENOMEM;
	}
	if (addr > USER_END - length)
		return -ENOMEM;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr < MMAP_MIN_ADDR)
		return -EPERM;
	if (flags & MAP_FIXED_NOREPLACE)
		return range_is_free(mm, addr, addr + length) ? (long)addr : -EEXIST;
	error = unmap_range(mm, addr, addr + length);
	return error ? error : (long)addr;
}

long mm_mmap(struct mm *mm, u64 addr, u64 length, u32 prot, u32 flags)
{
	u32 vm_flags = prot_to_vm(prot) | (flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0);
	long result;

	if (!length)
		return -EINVAL;
	if (length > USER_END - MMAP_MIN_ADDR)
		return -ENOMEM;
	length = PAGE_ALIGN(length);
	if (flags & MAP_SHARED)
		return flags & MAP_PRIVATE ? -EINVAL : -EOPNOTSUPP;
	if (!(flags & MAP_PRIVATE))
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return -ENODEV;
	result = down_write_killable(&mm->mmap_lock);
	if (result)
		return result;
	if (mm->nr_vmas >= MAX_MAP_COUNT)
		result = -ENOMEM;
	else
		result = make_room(mm, addr, length, flags);
	if (result > 0 && !vma_map(mm, result, result + length, vm_flags, NULL, 0, 0, VMA_WHY_MMAP))
		result = -ENOMEM;
	up_write(&mm->mmap_lock);
	if (result > 0 && (flags & MAP_POPULATE))
		fault_populate(mm, result, result + length);
	return result;
}

/* ---- mprotect ---- */

/* Gives [start, end), inside of `vma`, new rights. */
static int protect_part(struct vma *vma, u64 start, u64 end, u32 rights)
{
	u32 flags = (vma->flags & ~VM_RIGHTS) | rights;

	if (vma->flags == flags)
		return 0;
	vma = vma_change_flags(vma, start, end, flags);
	if (!vma)
		return -ENOMEM;
	protect_range(vma, start, end);
	vma_merge(vma);
	return 0;
}

long mm_mprotect(struct mm *mm, u64 addr, u64 length, u32 prot)
{
	u64 end = addr + PAGE_ALIGN(length);
	int error;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!length)
		return 0;
	if (end <= addr || length > end - addr)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	error = down_write_killable(&mm->mmap_lock);
	if (error)
		return error;
	/* As in Linux, what lies before a hole is changed, and then the hole is reported. */
	while (addr < end && !error) {
		struct vma *vma = vma_find(mm, addr);
		u64 part_end = vma ? min(vma->end, end) : 0;

		error = vma ? protect_part(vma, addr, part_end, prot_to_vm(prot)) : -ENOMEM;
		addr = part_end;
	}
	up_write(&mm->mmap_lock);
	return error;
}

/* ---- brk ---- */

/* Moves the end of the heap; returns whether that was possible. mmap_lock held for writing. */
static bool move_brk(struct mm *mm, u64 brk)
{
	u64 old_end = PAGE_ALIGN(mm->brk), new_end;
	struct vma *next;

	if (brk < mm->start_brk || brk > USER_END)
		return false;
	new_end = PAGE_ALIGN(brk);
	if (new_end < old_end)
		return !unmap_range(mm, new_end, old_end);
	if (new_end == old_end)
		return true;
	next = vma_find_first(mm, old_end);
	if ((next && new_end > start_with_gap(next)) || mm->nr_vmas >= MAX_MAP_COUNT)
		return false;
	return vma_map(mm, old_end, new_end, VM_READ | VM_WRITE, NULL, 0, 0, VMA_WHY_BRK);
}

long mm_brk(struct mm *mm, u64 brk)
{
	long result;

	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	if (move_brk(mm, brk))
		mm->brk = brk;
	result = mm->brk;
	up_write(&mm->mmap_lock);
	return result;
}

/* ---- exec ---- */

int mm_map_segment(struct mm *mm, u64 start, u64 end, u32 vm_flags, struct backing *backing,
		   u64 backing_offset, u64 backing_end)
{
	int error = 0;

	if ((start | end) & ~PAGE_MASK || start >= end || start < USER_BASE || end > USER_END)
		return -EINVAL;
	down_write(&mm->mmap_lock);
	if (!range_is_free(mm, start, end))
		error = -EEXIST;
	else if (!vma_map(mm, start, end, vm_flags, backing, backing_offset, backing_end,
			  VMA_WHY_EXEC))
		error = -ENOMEM;
	up_write(&mm->mmap_lock);
	return error;
}

int mm_map_stack(struct mm *mm, u64 size)
{
	return mm_map_segment(mm, mm->stack_top - size, mm->stack_top,
			      VM_READ | VM_WRITE | VM_GROWSDOWN, NULL, 0, 0);
}
