/* Calls on the address space; the work is mm's. */
#include "arch/x86_64/uaccess.h"
#include "cpu/current.h"
#include "lib/errno.h"
#include "mm/mincore.h"
#include "mm/mmap.h"
#include "syscall/syscall.h"

/* No file can be mapped yet: as on a Linux file system without mmap. */
long sys_mmap(u64 addr, u64 length, u64 prot, u64 flags, u64 fd, u64 offset)
{
	(void)fd;
	if (offset & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS))
		return -ENODEV;
	return mm_mmap(current->mm, addr, length, prot, flags);
}

long sys_mprotect(u64 addr, u64 length, u64 prot)
{
	return mm_mprotect(current->mm, addr, length, prot);
}

long sys_munmap(u64 addr, u64 length)
{
	return mm_munmap(current->mm, addr, length);
}

long sys_brk(u64 brk)
{
	return mm_brk(current->mm, brk);
}

long sys_madvise(u64 addr, u64 length, u64 advice)
{
	return mm_madvise(current->mm, addr, length, advice);
}

/* Pages asked about at a time: what fits the stack. */
#define MINCORE_BATCH 256

long sys_mincore(u64 addr, u64 length, u64 to)
{
	u8 states[MINCORE_BATCH];
	u64 nr_pages = PAGE_ALIGN(length) >> PAGE_SHIFT;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr > USER_END || length > USER_END - addr)
		return -ENOMEM;
	for (u64 done = 0; done < nr_pages; done += MINCORE_BATCH) {
		u32 nr = min(nr_pages - done, (u64)MINCORE_BATCH);
		int error = mm_mincore(current->mm, addr + done * PAGE_SIZE, nr, states);

		if (error)
			return error;
		if (copy_to_user((void __user *)(to + done), states, nr) != 0)
			return -EFAULT;
	}
	return 0;
}
