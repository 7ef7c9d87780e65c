/* What the entries of an address space refer to, counted: smaps, status, statm. */
#ifndef FS_PROCFS_MEMORY_USE_H
#define FS_PROCFS_MEMORY_USE_H

#include "mm/vma.h"

/* Pages. */
struct memory_use {
	u64 anon, file, shmem; /* resident */
	u64 shared_clean, shared_dirty, private_clean, private_dirty;
	u64 anon_huge; /* of anon: in pages of 2 MiB */
	u64 referenced, swapped;
	/* Bytes times 2^12: each page divided by the number of its mappings. */
	u64 pss, pss_dirty, swap_pss;
};

/* Adds a part of it. mmap_lock held. */
void memory_use_of_range(struct mm *mm, u64 start, u64 end, struct memory_use *use);
/* All of it. Takes mmap_lock. */
void memory_use_of_mm(struct mm *mm, struct memory_use *use);

#endif
