/*
 * Reverse mapping of files: from a place in a file to every VMA that may map it.
 *
 * A mapping holds an interval tree of its VMAs, by page of the file. It is enough for pages of the
 * file, shared or private; what a private VMA has copied is anonymous (rmap.h), and of interest here
 * only when the file is cut. The design is Linux's (address_space->i_mmap).
 */
#ifndef MM_I_MMAP_H
#define MM_I_MMAP_H

#include "mm/address_space.h"
#include "mm/rmap.h"
#include "mm/vma.h"

/* Guard the tree; and vma->start, end and pgoff of its members. The mapping may be NULL. */
static inline void i_mmap_lock(struct address_space *mapping)
{
	if (mapping)
		spin_lock(&mapping->i_mmap_lock);
}
static inline void i_mmap_unlock(struct address_space *mapping)
{
	if (mapping)
		spin_unlock(&mapping->i_mmap_lock);
}

/* Puts a VMA with a mapping in the tree, or takes it out; traced. Lock held; nothing without a
 * mapping. */
void i_mmap_link(struct vma *vma);
void i_mmap_unlink(struct vma *vma);

/* Bracket a change of the VMA's bounds. Lock held; nothing without a mapping. */
void i_mmap_begin_resize(struct vma *vma);
void i_mmap_end_resize(struct vma *vma);

/* A writable shared VMA is about to be made: 0, or -EPERM when the file was sealed. The count goes over
 * to the VMA when it is linked: the caller gives its own back in any case. */
int mapping_map_writable(struct address_space *mapping);
void mapping_unmap_writable(struct address_space *mapping);
/* No such VMA may be made from now on: 0, or -EBUSY when there is one. */
int mapping_deny_writable(struct address_space *mapping);

/* Which entries mapping_unmap_range() empties. */
enum unmap_what {
	UNMAP_CACHE, /* those that map pages of the file */
	UNMAP_ALL,   /* also those of private copies, in memory and in swap */
};

/* Empties the entries that map places [first, last] of the file, in all VMAs, and flushes. Takes the
 * lock; no page lock held is waited for. */
void mapping_unmap_range(struct address_space *mapping, u64 first, u64 last, enum unmap_what what);

/* Visits the mappings of a page of a file, as rmap->walk() does those of an anonymous one. The page is
 * locked, or all CPUs are quiesced. */
void i_mmap_walk(struct page *page, bool (*visit)(struct rmap_mapping *mapping, void *arg),
		 void *arg);

#endif
