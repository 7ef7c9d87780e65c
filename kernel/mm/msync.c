/*
 * msync: content of shared file mappings goes to the file. The only files are such whose content is
 * nowhere but in the page cache and in swap, so there is nothing to write, and what is left are the
 * checks: as in Linux, holes are skipped and reported at the end.
 */
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/mmap.h"

static int look_at_range(struct mm *mm, u64 addr, u64 end, u32 flags)
{
	int unmapped = 0;

	for (struct vma *vma = vma_find_first(mm, addr); addr < end; vma = vma_next(vma)) {
		if (!vma)
			return -ENOMEM;
		if (addr < vma->start) {
			unmapped = -ENOMEM;
			if (flags == MS_ASYNC || vma->start >= end)
				return unmapped;
		}
		if ((flags & MS_INVALIDATE) && (vma->flags & VM_LOCKED))
			return -EBUSY;
		addr = vma->end;
		if (addr < end && !vma_next(vma))
			return -ENOMEM;
	}
	return unmapped;
}

long mm_msync(struct mm *mm, u64 addr, u64 length, u32 flags)
{
	u64 end = addr + PAGE_ALIGN(length);
	int error;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || (addr & ~PAGE_MASK) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	if (end < addr)
		return -ENOMEM;
	if (end == addr)
		return 0;
	down_read(&mm->mmap_lock);
	error = look_at_range(mm, addr, end, flags);
	up_read(&mm->mmap_lock);
	return error;
}
