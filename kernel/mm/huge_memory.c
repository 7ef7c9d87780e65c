/*
 * Transparent huge pages: mapping, sharing, unmapping and splitting them; see huge_memory.h.
 *
 * The order of a split, and what others see meanwhile:
 *
 *   1  under huge_lock the 511 tails become pages with as many mappings and references as the huge
 *      page has mappings, and are listed (lru_split(), which emits page_split). From now on nobody
 *      adds or takes away a mapping of level 2 of it
 *   2  one after the other its entries of level 2 are made tables (pmd_split)
 *
 * Both happen under the lock of the anon_vma, so that no walk over mappings sees what lies between.
 * Who comes by an entry in between finds the page not huge, and waits for the page lock.
 *
 * References that were no mappings stay with the first frame. So who takes a mapping away must have
 * flushed the TLB before it is uncounted: after that the tails are not the caller's to hold back.
 */
#include "mm/huge_memory.h"

#include "cpu/current.h"
#include "cpu/wait.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "mm/compaction.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/vmstat.h"

static enum huge_enabled enabled = HUGE_MADVISE;
static enum huge_enabled defrag = HUGE_MADVISE;

static DEFINE_SPINLOCK(huge_lock, RANK_HUGE);
static atomic_t nr_mapped;

/* ---- who gets them ---- */

void huge_init(void)
{
	char word[16];

	if (!cmdline_text("transparent_hugepage", word, sizeof(word)))
		return;
	if (!strcmp(word, "always"))
		enabled = HUGE_ALWAYS;
	else if (!strcmp(word, "madvise"))
		enabled = HUGE_MADVISE;
	else if (!strcmp(word, "never"))
		enabled = HUGE_NEVER;
	else
		panic("transparent_hugepage=%s: give always, madvise or never", word);
}

enum huge_enabled huge_enabled(void)
{
	return READ_ONCE(enabled);
}

void huge_set_enabled(enum huge_enabled value)
{
	WRITE_ONCE(enabled, value);
}

enum huge_enabled huge_defrag(void)
{
	return READ_ONCE(defrag);
}

void huge_set_defrag(enum huge_enabled value)
{
	WRITE_ONCE(defrag, value);
}

u32 huge_nr_mapped(void)
{
	return atomic_read(&nr_mapped);
}

bool huge_is_allowed(const struct vma *vma, u64 va)
{
	u64 start = va & PMD_MASK;

	/* What is locked stands by its pages: a part may be unlocked. */
	if (start < vma->start || vma->end - start < PMD_SIZE || vma->mapping ||
	    (vma->flags & (VM_NOHUGEPAGE | VM_LOCKED)))
		return false;
	return huge_enabled() == HUGE_ALWAYS ||
	       (huge_enabled() == HUGE_MADVISE && (vma->flags & VM_HUGEPAGE));
}

/* ---- tables that stand by ---- */

static struct page *table_alloc(void)
{
	return alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_PGTABLE);
}

/* For the entry, whose ptl is held. */
static void deposit(struct mm *mm, pte_t *pmd, struct page *table)
{
	ASSERT(spin_is_held(pte_lockptr(pmd)));
	list_add(&table->lru, &virt_page(pmd)->lru);
	atomic_inc(&mm->nr_pgtables);
}

static struct page *withdraw(pte_t *pmd)
{
	struct page *table = list_first_entry(&virt_page(pmd)->lru, struct page, lru);

	ASSERT(spin_is_held(pte_lockptr(pmd)));
	BUG_ON(list_empty(&virt_page(pmd)->lru));
	list_del(&table->lru);
	return table;
}

/* ---- mapping ---- */

static bool is_leaf_of(pte_t pte, const struct page *page)
{
	return pte_is_leaf(pte, 2) && pte_pfn(pte) == page_pfn(page);
}

/* Puts a new page, with a table to stand by, into the entry if that is empty still. */
static bool map_new(struct vma *vma, u64 va, pte_t *pmd, struct page *page, struct page *table)
{
	u64 flags = vma_pte_flags(vma) | PTE_ACCESSED;
	struct mm *mm = vma->mm;
	bool mapped = false;

	if (vma->flags & VM_WRITE)
		flags |= PTE_WRITE | PTE_DIRTY;
	spin_lock(pte_lockptr(pmd));
	if (!pte_read(pmd) && !(READ_ONCE(mm->state) & MM_REAPED)) {
		deposit(mm, pmd, table);
		pmd_set(mm, va, pmd, pmd_make_leaf(page_pfn(page), flags), PTE_WHY_FAULT);
		rmap_add_new(page, vma, va);
		atomic_add_return(&mm->nr_resident, HUGE_PAGE_NR);
		reclaim_list_new(page);
		atomic_inc(&nr_mapped);
		mapped = true;
	}
	spin_unlock(pte_lockptr(pmd));
	return mapped;
}

/* A page for a fault in the VMA; NULL when it is better done without. */
static struct page *huge_alloc(const struct vma *vma)
{
	struct page *page = alloc_pages(GFP_HUGE | GFP_ZERO, HUGE_PAGE_ORDER, PAGE_ANON);
	bool wanted = vma->flags & VM_HUGEPAGE;

	if (page || huge_defrag() == HUGE_NEVER || (huge_defrag() == HUGE_MADVISE && !wanted))
		return page;
	return compact_alloc_huge(wanted ? COMPACT_AND_RECLAIM : COMPACT_ONLY);
}

int huge_map_new(struct vma *vma, u64 va, pte_t *pmd)
{
	struct page *page, *table;

	if (anon_vma_prepare(vma))
		return -ENOMEM;
	page = huge_alloc(vma);
	table = page ? table_alloc() : NULL;
	if (!table) {
		if (page)
			page_put(page);
		vmstat_inc(VMSTAT_THP_FAULT_FALLBACK);
		TRACE(thp_fault_fallback, .address = va, .mm_id = vma->mm->id, .pid = current->pid);
		return -ENOMEM;
	}
	if (!map_new(vma, va & PMD_MASK, pmd, page, table)) {
		page_put(page);
		free_page_zeroed(table);
		return -EAGAIN;
	}
	vmstat_inc(VMSTAT_THP_FAULT_ALLOC);
	return 0;
}

/* Makes the entry writable if it still maps the page, which is locked, and nothing else does. Another
 * mapping could only come from this one, by a fork, which mmap_lock keeps away. */
static bool reuse(struct vma *vma, u64 va, pte_t *pmd, struct page *page)
{
	bool ours = false;
	pte_t leaf;

	spin_lock(pte_lockptr(pmd));
	leaf = pte_read(pmd);
	if (is_leaf_of(leaf, page) && page_mapcount(page) == 1) {
		pmd_change(vma->mm, va, pmd, leaf | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED,
			   PTE_WHY_COW);
		ours = true;
	}
	spin_unlock(pte_lockptr(pmd));
	return ours;
}

/* The page of a leaf, with a reference, or NULL. */
static struct page *leaf_page_get(pte_t *pmd)
{
	struct page *page = NULL;
	pte_t leaf;

	spin_lock(pte_lockptr(pmd));
	leaf = pte_read(pmd);
	if (pte_is_leaf(leaf, 2)) {
		page = pfn_page(pte_pfn(leaf));
		page_get(page);
	}
	spin_unlock(pte_lockptr(pmd));
	return page;
}

int huge_make_writable(struct vma *vma, u64 va, pte_t *pmd)
{
	struct page *page = leaf_page_get(pmd);
	bool ours = false;

	if (!page)
		return -EAGAIN;
	page_lock(page);
	if (page_is_huge(page)) {
		ours = reuse(vma, va & PMD_MASK, pmd, page);
		if (!ours)
			split_huge_page(page, LRU_HEAD);
	}
	page_unlock(page);
	page_put(page);
	return ours ? 0 : -EAGAIN;
}

/* ---- unmapping ---- */

struct page *huge_zap(struct mm *mm, u64 va, pte_t *pmd, enum pte_why why)
{
	struct page *page = pfn_page(pte_pfn(pte_read(pmd)));

	spin_lock(&huge_lock);
	if (!page_is_huge(page)) {
		spin_unlock(&huge_lock);
		return NULL;
	}
	pmd_remove(mm, va, pmd, why);
	mm_flush_tlb(mm, va, va + PMD_SIZE, why == PTE_WHY_EXIT ? TLB_EXIT : TLB_UNMAP);
	rmap_remove(page, mm, va);
	if (!page_mapcount(page))
		atomic_add_return(&nr_mapped, -1);
	spin_unlock(&huge_lock);
	atomic_add_return(&mm->nr_resident, -(s32)HUGE_PAGE_NR);
	atomic_add_return(&mm->nr_pgtables, -1);
	if (mm->oom_kill_id)
		atomic_add_return(&mm->oom_freed, 1 + (page_mapcount(page) ? 0 : HUGE_PAGE_NR));
	free_page_zeroed(withdraw(pmd));
	return page;
}

/* ---- fork ---- */

/* Takes the page at the parent's entry for the child: with a reference, and write-protected. NULL:
 * there is none any more. *leaf is what the child gets. */
static struct page *take(struct mm *parent, u64 va, pte_t *pmd, pte_t *leaf)
{
	struct page *page = NULL;

	spin_lock(pte_lockptr(pmd));
	*leaf = pte_read(pmd);
	if (pte_is_leaf(*leaf, 2)) {
		page = pfn_page(pte_pfn(*leaf));
		page_get(page);
		if (*leaf & PTE_WRITE)
			*leaf = pmd_change(parent, va, pmd, *leaf & ~PTE_WRITE,
					   PTE_WHY_FORK_PARENT);
		*leaf &= ~(PTE_WRITE | PTE_ACCESSED);
	}
	spin_unlock(pte_lockptr(pmd));
	return page;
}

/* Gives it to the child, with the reference; false when it is being split. */
static bool give(struct vma *child, u64 va, pte_t *pmd, struct page *page, pte_t leaf,
		 struct page *table)
{
	bool huge;

	spin_lock(pte_lockptr(pmd));
	spin_lock(&huge_lock);
	huge = page_is_huge(page);
	if (huge) {
		deposit(child->mm, pmd, table);
		pmd_set(child->mm, va, pmd, leaf, PTE_WHY_FORK_CHILD);
		rmap_add(page, child, va);
		atomic_add_return(&child->mm->nr_resident, HUGE_PAGE_NR);
	}
	spin_unlock(&huge_lock);
	spin_unlock(pte_lockptr(pmd));
	return huge;
}

int huge_copy(struct vma *child, struct vma *parent, u64 va)
{
	pte_t *from = pmd_find(parent->mm, va), *to = pmd_alloc(child->mm, va), leaf;
	struct page *table = to ? table_alloc() : NULL, *page;

	if (!table)
		return -ENOMEM;
	page = take(parent->mm, va, from, &leaf);
	if (page && give(child, va, to, page, leaf, table))
		return 0;
	free_page_zeroed(table);
	if (page)
		huge_split_mapped(page);
	return -EAGAIN;
}

/* ---- splitting ---- */

/* Makes 512 pages of one, each with the references that its mappings are. Returns how many these
 * are; 0: nothing was done. */
static u32 split_frames(struct page *page, enum lru_end end)
{
	u32 mappings;

	spin_lock(&huge_lock);
	mappings = page_mapcount(page);
	if (mappings) {
		rmap_split(page);
		for (u32 i = 1; i < HUGE_PAGE_NR; i++) {
			page[i].order = 0;
			atomic_set(&page[i].mapcount, mappings - 1);
			__atomic_store_n(&page[i].refcount.v, mappings, __ATOMIC_RELEASE);
		}
		vmstat_inc(VMSTAT_THP_SPLIT_PAGE);
		atomic_add_return(&nr_mapped, -1);
		lru_split(page, end);
	}
	spin_unlock(&huge_lock);
	return mappings;
}

/* Makes the entry of one VMA a table, if it maps the page. Returns how many it did: 0 or 1. */
static u32 split_mapping(struct vma *vma, struct page *page)
{
	u64 va = vma_address(vma, page->index);
	pte_t *pmd = pmd_find(vma->mm, va);
	u32 nr = 0;

	if (!pmd)
		return 0;
	spin_lock(pte_lockptr(pmd));
	if (is_leaf_of(pte_read(pmd), page)) {
		vmstat_inc(VMSTAT_THP_SPLIT_PMD);
		pmd_split_user(vma->mm, va, pmd, withdraw(pmd));
		nr = 1;
	}
	spin_unlock(pte_lockptr(pmd));
	return nr;
}

bool split_huge_page(struct page *page, enum lru_end end)
{
	struct anon_vma *anon_vma = page->anon_vma;
	u32 mappings, found = 0;

	ASSERT(page_test(page, PG_LOCKED));
	if (!page_is_huge(page))
		return true;
	spin_lock(&anon_vma->root->lock);
	mappings = split_frames(page, end);
	for (;;) {
		struct interval_node *node;

		for (node = interval_first(&anon_vma->links, page->index, page->index); node;
		     node = interval_next(node, page->index, page->index))
			found += split_mapping(
				container_of(node, struct anon_vma_chain, interval)->vma, page);
		spin_unlock(&anon_vma->root->lock);
		if (found == mappings)
			return mappings;
		/* A VMA is being cut or joined on another CPU, and for a moment no link leads to its
		 * upper part (vma.c). That one does not park before it is through, and neither must this one: the
		 * frames are pages by now, and an entry maps them as one still. */
		cpu_relax();
		spin_lock(&anon_vma->root->lock);
	}
}

void huge_split_mapped(struct page *page)
{
	page_lock(page);
	split_huge_page(page, LRU_HEAD);
	page_unlock(page);
	page_put(page);
}

int huge_skip(struct pte_range *range)
{
	(void)range;
	return 0;
}

void huge_split_range(struct mm *mm, u64 start, u64 end)
{
	pgtable_walk(mm, start, end, huge_skip, NULL);
}

void huge_split_at(struct mm *mm, u64 va)
{
	pte_t *pmd = va & ~PMD_MASK ? pmd_find(mm, va) : NULL;
	struct page *page = pmd ? leaf_page_get(pmd) : NULL;

	if (page)
		huge_split_mapped(page);
}
