/* The memory system calls on an address space, without the user-visible argument decoding beyond
 * the flags. They take mmap_lock. */
#ifndef MM_MMAP_H
#define MM_MMAP_H

#include "mm/vma.h"

/* Linux's values. */
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4
#define PROT_NONE  0
/* mprotect only. SEM means nothing on x86. */
#define PROT_SEM       8
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP   0x02000000

#define MAP_SHARED          0x01
#define MAP_PRIVATE         0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE            0x0f
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_32BIT           0x40
#define MAP_GROWSDOWN       0x0100
#define MAP_DENYWRITE       0x0800
#define MAP_LOCKED          0x2000
#define MAP_NORESERVE       0x4000
#define MAP_POPULATE        0x8000
#define MAP_NONBLOCK        0x10000
#define MAP_STACK           0x20000
#define MAP_FIXED_NOREPLACE 0x100000

/* What MAP_SHARED_VALIDATE allows (Linux's LEGACY_MAP_MASK). */
#define MAP_EXECUTABLE 0x1000
#define MAP_HUGETLB    0x40000
#define MAP_VALIDATED                                                                       \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | \
	 MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |       \
	 MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB)

#define MADV_NORMAL          0
#define MADV_RANDOM          1
#define MADV_SEQUENTIAL      2
#define MADV_WILLNEED        3
#define MADV_DONTNEED        4
#define MADV_FREE            8
#define MADV_REMOVE          9
#define MADV_DONTFORK        10
#define MADV_DOFORK          11
#define MADV_HUGEPAGE        14
#define MADV_NOHUGEPAGE      15
#define MADV_DONTDUMP        16
#define MADV_DODUMP          17
#define MADV_WIPEONFORK      18
#define MADV_KEEPONFORK      19
#define MADV_COLD            20
#define MADV_PAGEOUT         21
#define MADV_POPULATE_READ   22
#define MADV_POPULATE_WRITE  23
#define MADV_DONTNEED_LOCKED 24

#define MREMAP_MAYMOVE   1
#define MREMAP_FIXED     2
#define MREMAP_DONTUNMAP 4

#define MS_ASYNC      1
#define MS_INVALIDATE 2
#define MS_SYNC       4

#define MLOCK_ONFAULT 1
#define MCL_CURRENT   1
#define MCL_FUTURE    2
#define MCL_ONFAULT   4

/* VM_* flags that mlock changes. */
#define VM_LOCKED_MASK (VM_LOCKED | VM_LOCKONFAULT)

/* As Linux's default: nothing is mapped below it, null pointers with an offset trap. */
#define MMAP_MIN_ADDR (64 * KIB)

/* A file to be mapped, held by the caller. */
struct mmap_file {
	struct address_space *mapping; /* NULL: memory of its own, as of /dev/zero */
	bool mappable; /* false: this kind of file is not: -ENODEV, if nothing worse is wrong */
	u64 pgoff;     /* page of the file */
	u32 may; /* VM_READ, VM_WRITE, VM_EXEC: as the file is opened, and the file system allows */
};

/* Each returns an address, or 0, or a negative errno as Linux does. -EINTR when the task is killed
 * while it waits for mmap_lock. Limits and capabilities are the current task's. mm_mmap() without a file
 * maps memory (MAP_ANONYMOUS). */
long mm_mmap(struct mm *mm, u64 addr, u64 length, u32 prot, u32 flags,
	     const struct mmap_file *file);
long mm_munmap(struct mm *mm, u64 addr, u64 length);
long mm_brk(struct mm *mm, u64 brk);
long mm_mprotect(struct mm *mm, u64 addr, u64 length, u32 prot);
long mm_mremap(struct mm *mm, u64 addr, u64 old_size, u64 new_size, u32 flags, u64 new_addr);
long mm_madvise(struct mm *mm, u64 addr, u64 length, u32 advice);
long mm_msync(struct mm *mm, u64 addr, u64 length, u32 flags);
/* vm_flags: VM_LOCKED or nothing, and VM_LOCKONFAULT with it. */
long mm_mlock(struct mm *mm, u64 addr, u64 length, u32 vm_flags);
long mm_munlock(struct mm *mm, u64 addr, u64 length);
long mm_mlockall(struct mm *mm, u32 flags);
long mm_munlockall(struct mm *mm);

/* ---- pieces of these calls; mmap_lock held for writing ---- */

/* The VM_* rights of PROT_*. */
u32 prot_to_vm(u32 prot);

/* The address for a mapping with these MAP_* flags, or a negative errno: with MAP_FIXED the address
 * itself, free or not, if it is one. */
long mm_find_room(struct mm *mm, u64 addr, u64 length, u32 flags);

/* Takes the pages, links and VMAs of [start, end) away, cutting VMAs at its ends, and gives their
 * charge back. -ENOMEM when a cut fails: nothing is unmapped. */
int mm_unmap_range(struct mm *mm, u64 start, u64 end);
/* munmap itself: the same for any arguments. -EINVAL. */
int mm_munmap_locked(struct mm *mm, u64 addr, u64 length);

/* For exec: maps [start, end) with VM_* flags, privately, from a file or (NULL) zeroed. mmap_lock not
 * held. 0 or -errno. */
int mm_map_segment(struct mm *mm, u64 start, u64 end, u32 vm_flags, struct address_space *mapping,
		   u64 pgoff);
/* For exec: the stack VMA, `size` bytes below mm->stack_top, growing down to STACK_LIMIT. 0 or
 * -errno. */
int mm_map_stack(struct mm *mm, u64 size);

#define STACK_LIMIT (8 * MIB)
#endif
