/*
 * struct vma: a range of user addresses with equal rights, of memory or of a file. Kept in a red-black tree and
 * an address-ordered list; neighbours that could be one are merged.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "lib/interval_tree.h"
#include "mm/mm.h"

struct address_space;

struct vma {
	struct rb_node rb;     /* mmap_lock */
	struct list_head node; /* mm.vmas, by address; mmap_lock */
	struct mm *mm;
	u32 id;         /* serial number */
	u32 flags;      /* VM_*; mmap_lock for writing */
	u64 start, end; /* page-aligned; mmap_lock for writing, and the anon_vma lock once it is
			   linked */
	struct anon_vma *anon_vma; /* for new pages; set once under mmap_lock and the anon_vma lock;
				      NULL before */
	struct list_head chain;    /* its anon_vma_chain links; mmap_lock */
	u64 anon_index; /* page->index of an anonymous page at `start`: its page number, unless
			   mremap moved the VMA after that; guarded as start is */
	struct address_space *mapping; /* the file, which is held; NULL: anonymous */
	u64 pgoff; /* page of the file at `start`; as start, and the mapping's i_mmap_lock */
	struct interval_node i_mmap_node; /* in mapping->i_mmap; its lock */
};

/* The VMA that contains va, or NULL. mmap_lock held, or all CPUs quiesced or stopped. */
struct vma *vma_find(struct mm *mm, u64 va);
/* The first VMA whose end lies above va, or NULL: it contains va or comes after it. mmap_lock held.
 */
struct vma *vma_find_first(struct mm *mm, u64 va);
/* The one of the lowest addresses, and neighbours; NULL when there is none. mmap_lock held. */
struct vma *vma_first(struct mm *mm);
struct vma *vma_next(struct vma *vma);
struct vma *vma_prev(struct vma *vma);

/* Below a stack this much stays unmapped. */
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

/* An address space has no more VMAs than this; Linux's default. */
#define MAX_MAP_COUNT 65530

#define for_each_vma(mm, vma) list_for_each_entry (vma, &(mm)->vmas, node)

/* Creates a VMA in a free range, or extends a neighbour that allows it. `why` is for the trace.
 * mmap_lock for writing. Returns it, NULL without memory. */
struct vma *vma_map(struct mm *mm, u64 start, u64 end, u32 flags, struct address_space *mapping,
		    u64 pgoff, enum vma_why why);

/* Cuts a VMA in two at `at` (inside it, page-aligned); the given one keeps the lower part. 0, or
 * -ENOMEM without memory or with MAX_MAP_COUNT VMAs. mmap_lock for writing. */
int vma_split(struct vma *vma, u64 at);
/* The same, whatever the number of VMAs: one of the parts is about to go. */
int vma_split_to_unmap(struct vma *vma, u64 at);

/* Gives [start, end), inside of `vma`, other flags, or the same: cuts it out and sets them. Returns the VMA of
 * that range, which the caller gives to vma_merge() once what is mapped there agrees with the flags;
 * NULL without memory, nothing done. mmap_lock for writing. */
struct vma *vma_change_flags(struct vma *vma, u64 start, u64 end, u32 flags);

/* A VMA of `size` bytes at another place that has what `vma` has: flags, file, anon_vma, and the
 * index of its pages, if it has any. Not joined with its neighbours. NULL without memory. mmap_lock
 * for writing. */
struct vma *vma_copy_to(struct vma *vma, u64 start, u64 size);

/* Joins a VMA with its neighbours where they agree; returns the one that now covers it. mmap_lock
 * for writing. */
struct vma *vma_merge(struct vma *vma);

/* Moves the bounds (stack growth, brk); the anon_vma trees follow. mmap_lock for writing. */
void vma_resize(struct vma *vma, u64 start, u64 end, enum vma_why why);

/* A copy for a child, with these flags: same range, same file; not linked to any anon_vma.
 * Inserted in `mm`. NULL without memory. */
struct vma *vma_copy(struct mm *mm, const struct vma *vma, u32 flags);

/* Takes a VMA out of tree and list and frees it; its pages are unmapped and its chain is cut
 * already. mmap_lock for writing. */
void vma_remove(struct vma *vma, enum vma_why why);

static inline u64 vma_pages(const struct vma *vma)
{
	return (vma->end - vma->start) >> PAGE_SHIFT;
}
/* page->index of an anonymous page at this address of the VMA, or below it. */
static inline u64 vma_index(const struct vma *vma, u64 va)
{
	return vma->anon_index + ((s64)(va - vma->start) >> PAGE_SHIFT);
}
/* Where in the VMA an anonymous page of this index is, if it has a place there. */
static inline u64 vma_address(const struct vma *vma, u64 index)
{
	return vma->start + ((index - vma->anon_index) << PAGE_SHIFT);
}
/* Page of the file at this address of a VMA that has one. */
static inline u64 vma_pgoff(const struct vma *vma, u64 va)
{
	return vma->pgoff + ((va - vma->start) >> PAGE_SHIFT);
}
/* Rights that mprotect may give: those of memory of one's own. */
#define VM_MAY_ALL (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
/* Whether programs may do anything with it. */
static inline bool vma_is_accessible(const struct vma *vma)
{
	return vma->flags & (VM_READ | VM_WRITE | VM_EXEC);
}
/* The lowest address that must stay free below a VMA: a stack keeps a gap, so that it does not grow
 * into what lies there. */
u64 vma_start_with_gap(const struct vma *vma);

/* pte bits for a page of this VMA; never PTE_WRITE: the fault decides that. */
u64 vma_pte_flags(const struct vma *vma);

void vma_init(void);

#endif
