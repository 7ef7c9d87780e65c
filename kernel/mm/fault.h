/* Page faults. */
#ifndef MM_FAULT_H
#define MM_FAULT_H

#include "lib/types.h"
#include "trace/trace_abi.h"

/* Allocates the zero page. */
void fault_init(void);

/* Solves a fault of the current task at `address`. `error_code` is the CPU's, `ip` 0 for a kernel
 * copy. Takes mmap_lock; may sleep. Traced and counted. The result tells the caller which signal to
 * send, if any. */
enum fault_result handle_fault(u64 address, u64 error_code, u64 ip);

struct mm;
struct vma;

/* Whether some area holds the address: then the access of a fault that failed was not allowed, else
 * there is nothing to access. Takes mmap_lock. */
bool mm_is_mapped(struct mm *mm, u64 address);

/* What fault_in_vma() does to each page. */
enum fault_in {
	FAULT_IN_READ,
	FAULT_IN_WRITE, /* the VMA must allow it */
	FAULT_IN_AS_MLOCK, /* writes where the VMA is private and writable, so that no copy is left to be
			      made; reads otherwise; nothing with VM_LOCKONFAULT */
};

/* Has all pages of [start, end), inside of the VMA, mapped. 0; -EFAULT when the VMA allows no access
 * or a page cannot be read; -ENOMEM; -EINTR in a task that dies. mmap_lock held. */
int fault_in_vma(struct vma *vma, u64 start, u64 end, enum fault_in how);

/* If the entry of an address in the VMA names a swap slot, maps the page instead. 0, -ENOMEM, -EIO.
 * mmap_lock held. */
int fault_swap_in(struct vma *vma, u64 va);

/* Faults in [start, end), as for mlock, hole after hole skipped; 0 or the first error, as above.
 * mmap_lock not held. */
int mm_populate(struct mm *mm, u64 start, u64 end);
/* The same for all VMAs, errors skipped. */
void mm_populate_present(struct mm *mm);

#endif
