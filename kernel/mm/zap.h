/* Taking mappings away and changing their rights, over ranges. mmap_lock held for writing (the OOM
 * reaper: reading). */
#ifndef MM_ZAP_H
#define MM_ZAP_H

#include "mm/vma.h"

/* Empties all entries of [start, end) of the VMA, flushes the TLB, drops the pages and swap slots
 * they held. */
void zap_range(struct vma *vma, u64 start, u64 end, enum pte_why why);

/* Gives all entries of [start, end) the rights of the VMA's (new) flags; flushes the TLB where
 * rights were lost. */
void protect_range(struct vma *vma, u64 start, u64 end);

/* Copies the parent's entries into the child copy-on-write: fork. 0, -ENOMEM, -EOVERFLOW, or -EINTR
 * when the caller is dying. Both mmap_locks held for writing. */
int copy_range(struct vma *child, struct vma *parent);

#endif
