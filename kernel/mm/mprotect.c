/*
 * mprotect: other rights for a range. What lies before a hole is changed, and then the hole is
 * reported, as in Linux; entries keep what they map, and lose or regain rights (protect_range()).
 */
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/limits.h"
#include "mm/mmap.h"
#include "mm/zap.h"

#define VM_RIGHTS (VM_READ | VM_WRITE | VM_EXEC)

/* Charges a part that becomes writable, and says so in *flags. */
static int charge(struct vma *vma, u64 pages, u32 *flags)
{
	struct mm *mm = vma->mm;

	if (!(*flags & VM_WRITE))
		return 0;
	if (!mm_may_expand(mm, *flags, pages) && mm_may_expand(mm, vma->flags, pages))
		return -ENOMEM;
	if (vma->flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))
		return 0;
	if (mm_charge(mm, pages))
		return -ENOMEM;
	*flags |= VM_ACCOUNT;
	return 0;
}

/* Gives [start, end), inside of `vma`, new rights. */
static int protect_part(struct vma *vma, u64 start, u64 end, u32 rights)
{
	u32 old = vma->flags, flags = (old & ~VM_RIGHTS) | rights;
	u64 pages = (end - start) >> PAGE_SHIFT;

	if (old == flags)
		return 0;
	/* A right at its place among the VM_MAY flags. */
	if (rights & ~(old >> 4))
		return -EACCES;
	if (charge(vma, pages, &flags))
		return -ENOMEM;
	vma = vma_change_flags(vma, start, end, flags);
	if (!vma) {
		if (flags & ~old & VM_ACCOUNT)
			mm_uncharge(pages);
		return -ENOMEM;
	}
	protect_range(vma, start, end);
	/* Locked pages are there, but those that were only readable may be shared: now they get their
	 * copies. Memory for that may fail; the access will tell. */
	if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && (flags & VM_WRITE))
		fault_in_vma(vma, start, end, FAULT_IN_AS_MLOCK);
	vma_merge(vma);
	return 0;
}

/* The part of [*addr, *end) that PROT_GROWSDOWN and PROT_GROWSUP make of it, for the VMA it begins
 * in. */
static int apply_growth(const struct vma *vma, u32 grows, u64 *addr, u64 end)
{
	if (!vma)
		return -ENOMEM;
	if (grows & PROT_GROWSDOWN) {
		if (vma->start >= end)
			return -ENOMEM;
		*addr = vma->start;
		return vma->flags & VM_GROWSDOWN ? 0 : -EINVAL;
	}
	if (vma->start > *addr)
		return -ENOMEM;
	return grows & PROT_GROWSUP ? -EINVAL : 0; /* no VMA grows up on x86 */
}

long mm_mprotect(struct mm *mm, u64 addr, u64 length, u32 prot)
{
	const u32 growth = PROT_GROWSDOWN | PROT_GROWSUP;
	u32 grows = prot & growth;
	u64 end = addr + PAGE_ALIGN(length);
	int error;

	prot &= ~growth;
	if (grows == growth || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (!length)
		return 0;
	if (end <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	error = down_write_killable(&mm->mmap_lock);
	if (error)
		return error;
	error = apply_growth(vma_find_first(mm, addr), grows, &addr, end);
	while (addr < end && !error) {
		struct vma *vma = vma_find(mm, addr);
		u64 part_end = vma ? min(vma->end, end) : 0;

		error = vma ? protect_part(vma, addr, part_end, prot_to_vm(prot)) : -ENOMEM;
		addr = part_end;
	}
	up_write(&mm->mmap_lock);
	return error;
}
