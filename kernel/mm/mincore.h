/* mincore(2), without the copy to the program. */
#ifndef MM_MINCORE_H
#define MM_MINCORE_H

#include "mm/mm.h"

/* For each of nr_pages pages from `start`, in user space, up to the end of the mapping that `start` is
 * in: 1 in `states` when a reference to it would not wait for a disk, be it mapped or in the swap
 * cache; else 0. Returns how many pages that are, or -ENOMEM when `start` is not part of a mapping.
 * Takes mmap_lock. */
long __must_check mm_mincore(struct mm *mm, u64 start, u32 nr_pages, u8 *states);

#endif
