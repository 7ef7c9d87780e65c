/*
 * Shared memory that has no file: MAP_SHARED | MAP_ANONYMOUS, System V segments. To the rest of mm it is a
 * file nobody can open.
 */
#ifndef MM_SHMEM_H
#define MM_SHMEM_H

#include "mm/address_space.h"

struct mm;

void shmem_init(void);

/* A mapping of `size` bytes with one reference, the caller's, to be given back by mapping_put(). Charged
 * to `mm` unless vm_flags has VM_NORESERVE. NULL and *error = -ENOMEM. May sleep. */
struct address_space *shmem_create(const struct mm *mm, u64 size, u32 vm_flags, int *error);

/* ---- swap (shmem_swap.c) ---- */

/* Takes the mappings of a locked page away, but for those of locked VMAs. Adds to *cpu_mask whose TLB must
 * be flushed. Returns whether none is left. */
bool shmem_unmap_all(struct page *page, u64 *cpu_mask);
/* A locked, isolated, unmapped page leaves its file, behind the TLB flush: RECLAIM_FREED, it is in the
 * swap cache; RECLAIM_DROPPED, nothing wants it any more; or why it stays. */
enum reclaim_verdict shmem_leave(struct page *page);

/* A locked, isolated page of a file loses its mappings and gives its place in the file to a new page, with its content and
 * flags. False: a locked VMA maps it, somebody holds it, or it has left the file. */
bool shmem_migrate(struct page *old, struct page *new,
		   void (*copy_flags)(struct page *new, const struct page *old));

/* swapoff: brings back what all files have in swap. 0, -ENOMEM, -EIO, or -EINTR when a signal came. Sleeps. */
int mappings_unuse_swap(void);

#endif
