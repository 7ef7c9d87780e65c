/* Calls on the address space; the work is mm's. */
#include "arch/x86_64/layout.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/current.h"
#include "fs/fdtable.h"
#include "fs/file.h"
#include "fs/super.h"
#include "lib/errno.h"
#include "mm/mincore.h"
#include "mm/mmap.h"
#include "syscall/syscall.h"

static long map_file(struct file *file, u64 addr, u64 length, u64 prot, u64 flags, u64 offset)
{
	const struct mount *mount = file->path.mount;
	struct mmap_file target = {.pgoff = offset >> PAGE_SHIFT};
	int error;

	if (file->mode & FMODE_PATH)
		return -EBADF;
	target.may = (mount && (mount->flags & MS_NOEXEC) ? 0 : VM_EXEC) |
		     (file->mode & FMODE_READ ? VM_READ : 0) |
		     (file->mode & FMODE_WRITE ? VM_WRITE : 0);
	error = file->ops->mmap ? file->ops->mmap(file, &target.mapping) : -ENODEV;
	if (error && error != -ENODEV)
		return error;
	target.mappable = !error;
	return mm_mmap(current->mm, addr, length, prot, flags, &target);
}

long sys_mmap(u64 addr, u64 length, u64 prot, u64 flags, u64 fd, u64 offset)
{
	struct file *file;
	long result;

	if (offset & ~PAGE_MASK)
		return -EINVAL;
	if (flags & MAP_ANONYMOUS)
		return mm_mmap(current->mm, addr, length, prot, flags, NULL);
	file = fd_get(fd);
	if (!file)
		return -EBADF;
	result = map_file(file, addr, length, prot, flags, offset);
	file_put(file);
	return result;
}

long sys_mprotect(u64 addr, u64 length, u64 prot)
{
	return mm_mprotect(current->mm, addr, length, prot);
}

long sys_munmap(u64 addr, u64 length)
{
	return mm_munmap(current->mm, addr, length);
}

long sys_mremap(u64 addr, u64 old_size, u64 new_size, u64 flags, u64 new_addr)
{
	/* Linux looks at all bits of these flags. */
	if (flags > UINT32_MAX)
		return -EINVAL;
	return mm_mremap(current->mm, addr, old_size, new_size, flags, new_addr);
}

long sys_msync(u64 addr, u64 length, u64 flags)
{
	return mm_msync(current->mm, addr, length, flags);
}

long sys_mlock(u64 addr, u64 length)
{
	return mm_mlock(current->mm, addr, length, VM_LOCKED);
}

long sys_mlock2(u64 addr, u64 length, u64 flags)
{
	u32 onfault = flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0;

	if ((u32)flags & ~(u32)MLOCK_ONFAULT)
		return -EINVAL;
	return mm_mlock(current->mm, addr, length, VM_LOCKED | onfault);
}

long sys_munlock(u64 addr, u64 length)
{
	return mm_munlock(current->mm, addr, length);
}

long sys_mlockall(u64 flags)
{
	return mm_mlockall(current->mm, flags);
}

long sys_munlockall(void)
{
	return mm_munlockall(current->mm);
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
	if (to > USER_END || nr_pages > USER_END - to)
		return -EFAULT;
	for (u64 done = 0; done < nr_pages;) {
		u32 nr = min(nr_pages - done, (u64)MINCORE_BATCH);
		long looked_at = mm_mincore(current->mm, addr + done * PAGE_SIZE, nr, states);

		if (looked_at < 0)
			return looked_at;
		if (copy_to_user((void __user *)(to + done), states, looked_at) != 0)
			return -EFAULT;
		done += looked_at;
	}
	return 0;
}
