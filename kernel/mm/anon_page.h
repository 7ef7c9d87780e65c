/*
 * The operations of anonymous pages that come by the thousand when an address space is copied or goes
 * (zap.c), inline there. Whoever meets a page now and then goes by its table (page_operations.h), which
 * has the same functions. Included by zap.c and page_operations.c only.
 */
#ifndef MM_ANON_PAGE_H
#define MM_ANON_PAGE_H

#include "mm/mm.h"
#include "mm/page_operations.h"
#include "mm/rmap.h"

/* The anonymous page that a present entry maps, or NULL. */
static inline struct page *pte_anon_page(pte_t pte)
{
	struct page *page = &mem_map[(pte & PTE_FRAME_MASK) >> PAGE_SHIFT];

	return likely((pte & PTE_PRESENT) && page->kind == PAGE_ANON) ? page : NULL;
}

/* The entry was set to one that maps the page. */
static inline void anon_map(struct vma *vma, u64 va, struct page *page)
{
	rmap_add(page, vma, va);
	atomic_inc(&vma->mm->nr_resident);
}

/* The entry was `old`, which mapped the page. */
static inline void anon_unmap(struct mm *mm, u64 va, pte_t old, struct page *page)
{
	if ((old & PTE_DIRTY) && page_test(page, PG_SWAPCACHE))
		page_set(page, PG_DIRTY);
	rmap_remove(page, mm, va);
	atomic_dec(&mm->nr_resident);
	if (unlikely(mm->oom_kill_id) && !page_mapcount(page))
		atomic_inc(&mm->oom_freed);
}

#endif
