/* Calls on the address space; the work is mm's. */
#include "cpu/current.h"
#include "lib/errno.h"
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
