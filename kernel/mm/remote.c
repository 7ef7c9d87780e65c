/* Reading the memory of another process, or of one that ends. */
#include "mm/remote.h"
#include "mm/address_space.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/huge_memory.h"
#include "mm/pgtable.h"
#include "mm/vma.h"

/* The page mapped at an address, with a reference, or NULL. mmap_lock held. */
static struct page *mapped_page(struct mm *mm, u64 va)
{
	pte_t *entry = pte_find(mm, va);
	struct page *page = NULL;

	if (!entry)
		return NULL;
	spin_lock(pte_lockptr(entry));
	pte_t pte = pte_read(entry);
	if (pte_maps(pte)) {
		page = pfn_page(pte_pfn(pte));
		page_get(page);
	}
	spin_unlock(pte_lockptr(entry));
	return page;
}

/* The same, faulted in first if it is not there. */
static struct page *get_page(struct mm *mm, u64 va)
{
	struct vma *vma = vma_find(mm, va);
	u64 start = va & PAGE_MASK;

	if (!vma)
		return NULL;
	huge_split_range(mm, start, start + PAGE_SIZE);
	struct page *page = mapped_page(mm, va);
	if (page || fault_in_vma(vma, start, start + PAGE_SIZE, FAULT_IN_READ) != 0)
		return page;
	return mapped_page(mm, va);
}

long mm_read_remote(struct mm *mm, u64 va, void *to, size_t n)
{
	size_t done = 0;

	down_read(&mm->mmap_lock);
	while (done < n) {
		u64 at = va + done, within = at & ~PAGE_MASK;
		size_t part = min(n - done, PAGE_SIZE - within);
		struct page *page = get_page(mm, at);

		if (!page)
			break;
		memcpy((char *)to + done, (char *)page_virt(page) + within, part);
		page_put(page);
		done += part;
	}
	up_read(&mm->mmap_lock);
	return done;
}

/* mmap_lock held. */
static struct page *dump_page(struct vma *vma, u64 va)
{
	struct mm *mm = vma->mm;
	int error = 0;

	huge_split_range(mm, va, va + PAGE_SIZE);
	if (fault_swap_in(vma, va) != 0)
		return NULL;
	struct page *page = mapped_page(mm, va);
	if (page || !vma->mapping ||
	    vma_pgoff(vma, va) >= PAGE_ALIGN(READ_ONCE(vma->mapping->size)) >> PAGE_SHIFT)
		return page;
	return mapping_get_page(vma->mapping, vma_pgoff(vma, va), 0, &error);
}

struct page *mm_get_dump_page(struct mm *mm, u64 va)
{
	struct page *page = NULL;

	down_read(&mm->mmap_lock);
	struct vma *vma = vma_find(mm, va);
	if (vma)
		page = dump_page(vma, va);
	up_read(&mm->mmap_lock);
	return page;
}
