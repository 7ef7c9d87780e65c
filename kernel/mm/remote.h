/* The memory of another process, as /proc reads it. */
#ifndef MM_REMOTE_H
#define MM_REMOTE_H

#include "mm/mm.h"

/* Copies up to `n` bytes at `va` out of an address space, whoever runs in it; pages come back from
 * swap if need be. Returns how many, 0 when nothing is there. Takes mmap_lock; may sleep. */
long mm_read_remote(struct mm *mm, u64 va, void *to, size_t n);

/* What a core file shows at an address: its page, with a reference, whatever the rights. NULL: nothing was
 * ever written there, or it is gone. Takes mmap_lock; may sleep. */
struct page *mm_get_dump_page(struct mm *mm, u64 va);

#endif
