/*
 * Faults in VMAs of files, where nothing is mapped.
 *
 *   read, or write to a shared VMA    the page of the file itself; a read maps its neighbours, too, as
 *                                     far as they are in memory
 *   write to a private VMA            an anonymous copy at once
 *
 * A page of the file is mapped under the PTE lock and the mapping's, where it is looked up again: so it is in
 * the file then, before its end, and who takes it out later finds the mapping. No page lock is needed. A
 * private copy is not in the file: it is entered under the PTE lock if the file has not been cut by
 * then, and who cuts it empties the entries after it set the size.
 */
#include "arch/x86_64/page_ops.h"
#include "arch/x86_64/tlb.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/fault_internal.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/rmap.h"

/* Pages that one read fault maps, at most: as many places around it, aligned. Linux's
 * fault_around_bytes. */
#define FAULT_AROUND (16 * PAGE_SIZE)

/* The entry for a page of the file. In a shared VMA it is writable from the start: there is no file on a
 * disk to be told of the first write. */
static pte_t file_entry(const struct fault *fault, const struct page *page, u64 accessed)
{
	u64 flags = vma_pte_flags(fault->vma) | accessed;

	if ((fault->vma->flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE))
		flags |= PTE_WRITE | (fault->write && accessed ? PTE_DIRTY : 0);
	return pte_make(page_pfn(page), flags);
}

/* Maps a page of the tree at an empty entry. Entry and mapping are locked. */
static void map_page(struct fault *fault, struct page *page, u64 va, pte_t *entry)
{
	pte_t pte = file_entry(fault, page, va == fault->va ? PTE_ACCESSED : 0);

	page_get(page);
	page_becomes_data(page);
	pte_replace(fault->mm, va, entry, pte, PTE_WHY_FAULT);
	page_operations(page)->map(fault->vma, va, pte);
	if (fault->vma->flags & VM_LOCKED)
		mlock_page(page);
}

/* What of the pages around the fault lies in the VMA, before the end of the file, in memory, and is not mapped yet, is
 * mapped. Entry and mapping are locked. */
static void map_around(struct fault *fault)
{
	struct vma *vma = fault->vma;
	struct address_space *mapping = vma->mapping;
	u64 start = max(ALIGN_DOWN(fault->va, FAULT_AROUND), vma->start);
	u64 end = min(ALIGN_DOWN(fault->va, FAULT_AROUND) + FAULT_AROUND, vma->end);
	u64 pgoff = vma_pgoff(vma, start), behind = vma_pgoff(vma, end);
	struct page *page;

	while ((page = mapping_next_page_locked(mapping, &pgoff, behind))) {
		u64 va = vma->start + ((pgoff - vma->pgoff) << PAGE_SHIFT);
		pte_t *entry = fault->entry + ((s64)(va - fault->va) >> PAGE_SHIFT);

		if (!mapping_reaches(mapping, pgoff))
			return;
		if (!pte_read(entry) && page != mapping->migrating &&
		    (va == fault->va || !page_is_fallocated(page)))
			map_page(fault, page, va, entry);
		pgoff++;
	}
}

/* What map_cached() found. */
enum cached {
	CACHED_MAPPED,  /* the page is mapped, or need not be any more */
	CACHED_MISSING, /* it is not in memory */
	CACHED_MOVING,  /* it gets another frame at the moment */
};

/* Maps the file's page, and for a read those around it, if it can. */
static enum fault_result map_cached(struct fault *fault, enum cached *found)
{
	struct address_space *mapping = fault->vma->mapping;
	u64 pgoff = vma_pgoff(fault->vma, fault->va);
	enum fault_result result = FAULT_MINOR;
	struct page *page;

	*found = CACHED_MAPPED;
	if (!fault_lock_unchanged(fault))
		return FAULT_MINOR;
	spin_lock(&mapping->lock);
	page = mapping_next_page_locked(mapping, &pgoff, pgoff + 1);
	if (!mapping_reaches(mapping, pgoff))
		result = FAULT_SIGBUS;
	else if (!page)
		*found = CACHED_MISSING;
	else if (page == mapping->migrating)
		*found = CACHED_MOVING;
	else if (fault->write)
		map_page(fault, page, fault->va, fault->entry);
	else
		map_around(fault);
	spin_unlock(&mapping->lock);
	fault_unlock(fault);
	return result;
}

static enum fault_result why_not(int error)
{
	return error == -ENOMEM ? FAULT_OOM : FAULT_SIGBUS;
}

/* The file's page, with a reference, read or made if need be; NULL and the fault's result. */
static struct page *get_page(struct fault *fault, enum fault_result *result)
{
	struct address_space *mapping = fault->vma->mapping;
	u64 pgoff = vma_pgoff(fault->vma, fault->va);
	struct page *page;
	int error;

	page = mapping_get_page_waited(mapping, pgoff, MAPPING_CREATE | MAPPING_WITHIN,
				       &fault->waited, &error);
	if (page)
		return page;
	*result = why_not(error);
	return NULL;
}

static enum fault_result map_file_page(struct fault *fault)
{
	enum fault_result result;
	enum cached found;

	for (;;) {
		struct page *page;

		result = map_cached(fault, &found);
		if (found == CACHED_MAPPED)
			return result;
		if (found == CACHED_MOVING) {
			cond_resched();
			continue;
		}
		page = get_page(fault, &result);
		if (!page)
			return result;
		page_put(page);
	}
}

/* Copies the file's page (which the caller holds) into one of the VMA's own. */
static enum fault_result map_copy(struct fault *fault, const struct page *of)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_ANON);

	if (!page)
		return FAULT_OOM;
	copy_page(page_virt(page), page_virt(of));
	if (!fault_lock_unchanged(fault)) {
		page_put(page);
		return FAULT_MINOR;
	}
	if (!mapping_reaches(fault->vma->mapping, vma_pgoff(fault->vma, fault->va))) {
		fault_unlock(fault);
		page_put(page);
		return FAULT_SIGBUS;
	}
	fault_map_new_page(fault, page, true, PTE_WHY_FAULT);
	fault_unlock(fault);
	return FAULT_MINOR;
}

enum fault_result fault_file(struct fault *fault)
{
	enum fault_result result;
	struct page *page;

	fault->kind = FAULT_FILE;
	if (!fault->write || (fault->vma->flags & VM_SHARED))
		return map_file_page(fault);
	if (anon_vma_prepare(fault->vma))
		return FAULT_OOM;
	page = get_page(fault, &result);
	if (!page)
		return result;
	page_becomes_data(page); /* as on Linux, though the copy is the VMA's */
	result = map_copy(fault, page);
	page_put(page);
	return result;
}

enum fault_result fault_shared_write(struct fault *fault)
{
	fault->kind = FAULT_REUSE;
	if (!fault_lock_unchanged(fault))
		return FAULT_MINOR;
	pte_replace(fault->mm, fault->va, fault->entry,
		    fault->pte | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED, PTE_WHY_COW);
	fault_unlock(fault);
	tlb_flush_local_page(fault->va);
	return FAULT_MINOR;
}
