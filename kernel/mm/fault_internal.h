/* What the cases of a page fault share. Included by fault*.c only. */
#ifndef MM_FAULT_INTERNAL_H
#define MM_FAULT_INTERNAL_H

#include "mm/fault.h"
#include "mm/pgtable.h"
#include "mm/vma.h"

/* One fault; filled by who begins it, refined by the cases. */
struct fault {
	struct mm *mm;
	struct vma *vma;
	u64 va; /* page-aligned */
	bool write, fetch;
	bool waited; /* a disk was needed */
	pte_t *entry;
	pte_t pte; /* as read when the case was chosen */
	enum fault_kind kind;
};

/* Locks the entry; false, unlocked, when it changed since the case was chosen or the OOM reaper has
 * been here. */
bool fault_lock_unchanged(struct fault *fault);

static inline void fault_unlock(struct fault *fault)
{
	spin_unlock(pte_lockptr(fault->entry));
}

/* Makes a fresh anonymous page the content of the empty or replaced entry and lists it. The entry is
 * locked; the page's one reference becomes the mapping's. */
void fault_map_new_page(struct fault *fault, struct page *page, bool writable, enum pte_why why);

/* Nothing mapped, in a VMA of a file (fault_file.c). */
enum fault_result fault_file(struct fault *fault);
/* A write to a page of a file that a shared VMA maps without the right to write. */
enum fault_result fault_shared_write(struct fault *fault);

#endif
