/*
 * What a page is, as a table of operations: who takes mappings away, copies them, reclaims or frees
 * does not ask what kind of page it has before it. A kind that is added (pages of files) is one more
 * table in page_operations.c.
 *
 *   anon     a frame of a program's own, in the swap cache or not
 *   shmem    content of a file that has no other place than swap
 *   zero     the page of zeroes: mapped without being counted, never listed, written or freed; so
 *            is the page of the vDSO (special.h)
 *   swapped  content that lies in a swap slot; the entry holds the slot's number
 *   kernel   every other frame: no program maps it
 *
 * An anonymous page enters and leaves the swap cache under the page lock, which those who change
 * entries do not hold: so it is one kind, whose operations look at PG_SWAPCACHE themselves.
 */
#ifndef MM_PAGE_OPERATIONS_H
#define MM_PAGE_OPERATIONS_H

#include "arch/x86_64/pte.h"
#include "mm/page.h"

struct mm;
struct vma;

struct page_operations {
	const char *name;
	/* Content of a file: mappings are found by the file (i_mmap.h), and a child of fork finds the page
	 * there by itself. */
	bool is_file;

	/* ---- for an entry `pte` that refers to it; the ptl of a table it is in is held ---- */

	/* One more entry will refer to the same content: takes a reference. 0 or -EOVERFLOW. */
	int (*get)(pte_t pte);
	/* The entry was set to `pte`, which brought a reference: counts and traces the mapping. */
	void (*map)(struct vma *vma, u64 va, pte_t pte);
	/* The entry was `old`, and is replaced or empty: uncounts the mapping. Returns the page whose
	 * reference is now the caller's, to be dropped after the TLB flush; NULL when nothing is
	 * left to do. */
	struct page *(*unmap)(struct mm *mm, u64 va, pte_t old);
	/* What map() counted at another address takes the place of this mapping, which was `old`: uncounts
	 * it and keeps the reference. */
	void (*moved)(struct mm *mm, u64 va, pte_t old);
	/* The entry that was `old` lost its dirty bit. */
	void (*dirty)(pte_t old);

	/* ---- no spinlock is held ---- */

	/* A frame with the content, and a reference on it; as swap_in() in swap.h. Sleeps. NULL for
	 * what is always in memory. */
	struct page *(*swap_in)(pte_t pte, bool *waited, int *error);
	/* First half of an eviction: a locked, isolated page gets a place outside of memory, and all
	 * its mappings go. RECLAIM_FREED; RECLAIM_LAZYFREED for one that needs no place; or the verdict that
	 * keeps it. Adds to *cpu_mask whose TLB must be flushed. NULL for what is never on a list. */
	enum reclaim_verdict (*swap_out)(struct page *page, u64 *cpu_mask);
	/* Second half, behind the TLB flush, of a page of a file: it leaves the file. RECLAIM_FREED: it is in
	 * the swap cache; RECLAIM_DROPPED: nobody wants it; else why it is kept. NULL: it is in the swap
	 * cache since the first half. */
	enum reclaim_verdict (*leave)(struct page *page);
	/* The last reference is gone: lets go of what the page is tied to. Any context that may free.
	 */
	void (*destroy)(struct page *page);
};

extern const struct page_operations anon_page, shmem_page, zero_page_operations, swapped_page,
	kernel_page;

/* A power of two above every kind; PAGE_FREE is its last one. */
#define PAGE_KINDS 16
extern const struct page_operations *const page_operations_by_kind[PAGE_KINDS];
static_assert(PAGE_SPECIAL < PAGE_KINDS - 1 && PAGE_FREE % PAGE_KINDS == PAGE_KINDS - 1,
	      "every kind has its place");

static inline const struct page_operations *page_operations(const struct page *page)
{
	return page_operations_by_kind[page->kind % PAGE_KINDS];
}

/* The page that an entry maps. */
static inline struct page *pte_page(pte_t pte)
{
	return pfn_page(pte_pfn(pte));
}

/* Of what an entry that is not empty refers to. */
static inline const struct page_operations *pte_operations(pte_t pte)
{
	return likely(pte_maps(pte)) ? page_operations(pte_page(pte)) : &swapped_page;
}

#endif
