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

#define MAP_SHARED          0x01
#define MAP_PRIVATE         0x02
#define MAP_FIXED           0x10
#define MAP_ANONYMOUS       0x20
#define MAP_GROWSDOWN       0x0100
#define MAP_DENYWRITE       0x0800
#define MAP_NORESERVE       0x4000
#define MAP_POPULATE        0x8000
#define MAP_STACK           0x20000
#define MAP_FIXED_NOREPLACE 0x100000

#define MADV_NORMAL     0
#define MADV_RANDOM     1
#define MADV_SEQUENTIAL 2
#define MADV_WILLNEED   3
#define MADV_DONTNEED   4
#define MADV_FREE       8
#define MADV_HUGEPAGE   14
#define MADV_NOHUGEPAGE 15
#define MADV_DONTDUMP   16
#define MADV_DODUMP     17
#define MADV_COLD       20
#define MADV_PAGEOUT    21

/* As Linux's default: nothing is mapped below it, null pointers with an offset trap. */
#define MMAP_MIN_ADDR (64 * KIB)

/* Each returns an address, or 0, or a negative errno as Linux does. -EINTR when the task is killed
 * while it waits for mmap_lock. mm_mmap() knows anonymous private memory: -EOPNOTSUPP for
 * MAP_SHARED, -ENODEV without MAP_ANONYMOUS. */
long mm_mmap(struct mm *mm, u64 addr, u64 length, u32 prot, u32 flags);
long mm_munmap(struct mm *mm, u64 addr, u64 length);
long mm_mprotect(struct mm *mm, u64 addr, u64 length, u32 prot);
long mm_brk(struct mm *mm, u64 brk);
long mm_madvise(struct mm *mm, u64 addr, u64 length, u32 advice);

/* For exec: maps [start, end) with VM_* flags from a backing. mmap_lock not held. 0 or -errno. */
int mm_map_segment(struct mm *mm, u64 start, u64 end, u32 vm_flags, struct backing *backing,
		   u64 backing_offset, u64 backing_end);
/* For exec: the stack VMA, `size` bytes below mm->stack_top, growing down to STACK_LIMIT. 0 or
 * -errno. */
int mm_map_stack(struct mm *mm, u64 size);

#define STACK_LIMIT (8 * MIB)
/* Below a stack this much stays unmapped. */
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

#endif
