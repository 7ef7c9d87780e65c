/*
 * Transparent huge pages: anonymous memory in pages of 2 MiB, each mapped by one entry of level 2.
 *
 * A huge page is one page: its first frame has the references, the count of mappings, the flags and
 * the place in a list; the other 511, its tails, have nothing. All its mappings are entries of level
 * 2. Whatever concerns a part of it first splits it: the page into 512 of one frame each, and all its
 * mappings, in every address space, into tables of 512 entries. So a page is either huge for
 * everybody or for nobody, and nobody ever meets a tail. Linux splits the one mapping only and keeps
 * the page, whose frames then come free when the last of them is unmapped or reclaim finds it (its
 * deferred split); here they come free one by one. Rejected for that: counts of two kinds in each
 * page, and references to parts of pages.
 *
 * A split cannot fail: beside each entry of level 2 that maps a huge page a page table stands by, on
 * the list of the table that the entry lies in (page->lru, its ptl).
 *
 * Locks: huge_lock (RANK_HUGE) is held when a huge page gains or loses a mapping and when it is
 * split: whoever finds the page no longer huge under it leaves its mapping to the split that is under
 * way. A split holds the page lock and the lock of the anon_vma, so it waits for no memory and no I/O.
 * A huge page is never in the swap cache, and no locked VMA maps one: mlock splits them.
 */
#ifndef MM_HUGE_MEMORY_H
#define MM_HUGE_MEMORY_H

#include "mm/lru.h"
#include "mm/pmd.h"
#include "mm/vma.h"

/* Who gets them: Linux's /sys/kernel/mm/transparent_hugepage/enabled. */
enum huge_enabled {
	HUGE_ALWAYS,  /* every range that is large enough */
	HUGE_MADVISE, /* where MADV_HUGEPAGE was said */
	HUGE_NEVER,
};
/* Takes transparent_hugepage= from the command line; panics at another word than these three. */
void huge_init(void);
enum huge_enabled huge_enabled(void);
void huge_set_enabled(enum huge_enabled enabled);

/* For whom memory is compacted when no huge page is free, and (who said MADV_HUGEPAGE) reclaimed: Linux's .../defrag,
 * without `defer`: nobody compacts in the background. */
enum huge_enabled huge_defrag(void);
void huge_set_defrag(enum huge_enabled defrag);

/* Huge pages that are mapped. Racy. */
u32 huge_nr_mapped(void);

/* Whether a fault at va may be solved by a huge page. mmap_lock held. */
bool huge_is_allowed(const struct vma *vma, u64 va);

/* Maps a zeroed huge page, writable if the VMA is, in the empty level 2 entry of `va`. 0; -EAGAIN: the
 * entry is not empty any more, or the address space is being reaped; -ENOMEM: there is no such page
 * to be had. mmap_lock held. May sleep. */
int huge_map_new(struct vma *vma, u64 va, pte_t *pmd);

/* A write to a huge page that the entry does not allow: makes it writable if nobody else has the
 * page, else splits it. 0: done, the access may go on; -EAGAIN: split, or changed by another.
 * mmap_lock held. May sleep. */
int huge_make_writable(struct vma *vma, u64 va, pte_t *pmd);

/* Empties the level 2 entry of `va`, which maps a huge page, and flushes the TLB. Returns the page,
 * whose reference is now the caller's; NULL when it is being split: nothing was done. The entry's ptl
 * is held. */
struct page *huge_zap(struct mm *mm, u64 va, pte_t *pmd, enum pte_why why);

/* Gives the child of a fork the huge page at `va`, write-protected in both. 0; -EAGAIN: it is split
 * now; -ENOMEM. Both mmap_locks held for writing. */
int huge_copy(struct vma *child, struct vma *parent, u64 va);

/* Splits a locked page and its mappings; nothing to do if it is not huge. False when nothing maps it
 * any more: it stays as it is, for the last reference frees it. The caller has a reference. `end`:
 * where in their list the new pages go. Sleeps only while another CPU cuts a VMA. */
bool split_huge_page(struct page *page, enum lru_end end);

/* The same for who has met the page in an entry, and gives up a reference: locks it, splits it. May
 * sleep. */
void huge_split_mapped(struct page *page);

/* Splits the huge page that the address is inside of, if there is one: a VMA is going to end there.
 * mmap_lock held. May sleep. */
void huge_split_at(struct mm *mm, u64 va);

/* For pgtable_walk_huge(), of who looks for what is in swap: no huge page has a part there. */
int huge_skip(struct pte_range *range);

/* Splits those that lie in the range, wholly or in part. Likewise. */
void huge_split_range(struct mm *mm, u64 start, u64 end);

#endif
