/*
 * Page tables: the walker, and the tables of user address spaces.
 *
 * Two ways through a tree. table_entry() goes down to one address, with or without adding what is
 * missing; visit_tables() visits the tables of a range, parents first or children first. Everything
 * else here is one of these with a callback.
 *
 * Events and order. A table is linked under the ptl of its parent, and pgtable_alloc is emitted
 * before the store: whoever sees the table and puts something in it stamps later. Tables are
 * unlinked, flushed from the TLBs' caches of upper entries, and only then freed.
 *
 * Pages of level 2 (pmd.h, huge_memory.h) end the way down. A visit that does not know what to do
 * with one has it split.
 */
#include "mm/pgtable.h"

#include "mm/huge_memory.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"

static pte_t *entry_table(pte_t entry)
{
	return pfn_to_virt(pte_pfn(entry));
}

/* ---- the walker ---- */

/* Goes down from `top` as far as tables exist, at most to *level; returns the entry it ends at and
 * its level in *level. */
static pte_t *descend(pte_t *top, u64 va, u32 *level)
{
	pte_t *table = top;

	for (u32 at = PGTABLE_LEVELS;; at--) {
		pte_t *entry = &table[level_index(va, at)];
		/* Acquire: the table that the entry leads to was filled before it was linked. */
		pte_t value = __atomic_load_n(entry, __ATOMIC_ACQUIRE);

		if (at == *level || !(value & PTE_PRESENT) || (value & PTE_HUGE)) {
			*level = at;
			return entry;
		}
		table = entry_table(value);
	}
}

pte_t *table_entry(pte_t *top, u64 va, u32 level)
{
	u32 reached = level;
	pte_t *entry = descend(top, va, &reached);

	return reached == level ? entry : NULL;
}

u32 debug_entries(const struct mm *mm, u64 va, pte_t entries[PGTABLE_LEVELS + 1])
{
	const pte_t *table = mm->pgd;

	for (u32 level = PGTABLE_LEVELS;; level--) {
		pte_t entry = pte_read(&table[level_index(va, level)]);

		entries[level] = entry;
		if (level == 1 || !(entry & PTE_PRESENT) || pte_is_leaf(entry, level) ||
		    pte_pfn(entry) >= max_pfn || pfn_page(pte_pfn(entry))->kind != PAGE_PGTABLE)
			return level;
		table = entry_table(entry);
	}
}

pte_t *table_entry_alloc(pte_t *top, u64 va, u32 level, const struct table_source *source,
			 void *arg)
{
	for (;;) {
		u32 reached = level, below;
		pte_t *entry = descend(top, va, &reached), *table;

		if (reached == level)
			return entry;
		BUG_ON(pte_read(entry) & PTE_HUGE);
		below = reached - 1;
		table = source->alloc(arg);
		if (!table)
			return NULL;
		if (!source->link(arg, entry, table, va & ~(level_size(reached) - 1), below))
			source->discard(table);
	}
}

enum visit_order { PARENTS_FIRST, CHILDREN_FIRST };

/* A visit of all tables below the top that meet [start, end). */
struct table_visit {
	u64 start, end;
	enum visit_order order;
	/* `entry` leads to the table of `level` that covers from va on. Nonzero ends the visit. */
	int (*table)(struct table_visit *visit, pte_t *entry, u64 va, u32 level);
	/* `entry` of level 2 had a 2 MiB page when it was read; NULL: there may be none. Returns as
	 * above, or VISIT_AGAIN: it is something else now. */
	int (*leaf)(struct table_visit *visit, pte_t *entry, u64 va);
	struct mm *mm;
	void *arg;
};

#define VISIT_AGAIN WALK_SPLIT

static int visit_leaf(struct table_visit *visit, pte_t *entry, u64 va, u32 level)
{
	if (unlikely(level != 2 || !visit->leaf))
		panic("mm %u has a page of level %u at %lx", visit->mm->id, level, va);
	return visit->leaf(visit, entry, va);
}

/* Visits what hangs below `table`, which is of `level` and covers from `base` on. Recursion: at
 * most three deep. */
static int visit_tables(struct table_visit *visit, pte_t *table, u64 base, u32 level)
{
	u64 size = level_size(level);
	u32 first = visit->start > base ? (visit->start - base) / size : 0;

	for (u32 i = first; i < PGTABLE_ENTRIES && base + i * size < visit->end; i++) {
		u64 va = base + i * size;
		pte_t value = __atomic_load_n(&table[i], __ATOMIC_ACQUIRE);
		int result = 0;

		if (!(value & PTE_PRESENT))
			continue;
		if (pte_is_leaf(value, level)) {
			result = visit_leaf(visit, &table[i], va, level);
			if (result == VISIT_AGAIN)
				i--;
			else if (result)
				return result;
			continue;
		}
		if (visit->order == PARENTS_FIRST)
			result = visit->table(visit, &table[i], va, level - 1);
		if (!result && level > 2)
			result = visit_tables(visit, entry_table(value), va, level - 1);
		if (!result && visit->order == CHILDREN_FIRST)
			result = visit->table(visit, &table[i], va, level - 1);
		if (result)
			return result;
	}
	return 0;
}

static int visit_mm(struct mm *mm, struct table_visit *visit)
{
	visit->mm = mm;
	visit->end = min(visit->end, USER_TABLES_END);
	return visit_tables(visit, mm->pgd, 0, PGTABLE_LEVELS);
}

/* ---- user tables ---- */

pte_t *pgd_alloc(void)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_PGTABLE);
	pte_t *pgd, *kernel = phys_to_virt(kernel_pgd);

	if (!page)
		return NULL;
	spin_lock_init(&page->ptl, RANK_PTE);
	page->private = PGTABLE_LEVELS;
	pgd = page_virt(page);
	memset(pgd, 0, PGTABLE_ENTRIES / 2 * sizeof(pte_t));
	memcpy(&pgd[PGTABLE_ENTRIES / 2], &kernel[PGTABLE_ENTRIES / 2],
	       PGTABLE_ENTRIES / 2 * sizeof(pte_t));
	return pgd;
}

void pgd_free(pte_t *pgd)
{
	free_page(virt_page(pgd));
}

static pte_t *user_table_alloc(void *arg)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_PGTABLE);

	(void)arg;
	return page ? page_virt(page) : NULL;
}

static bool user_table_link(void *arg, pte_t *entry, pte_t *table, u64 va, u32 level)
{
	struct mm *mm = arg;
	struct page *page = virt_page(table);
	bool linked = false;

	spin_lock_init(&page->ptl, RANK_PTE);
	page->private = level;
	spin_lock(pte_lockptr(entry));
	if (!pte_read(entry)) {
		TRACE(pgtable_alloc, .va = va, .mm_id = mm->id, .pfn = page_pfn(page),
		      .level = level);
		atomic_inc(&mm->nr_pgtables);
		__atomic_store_n(entry, pte_make(page_pfn(page), USER_TABLE_FLAGS),
				 __ATOMIC_RELEASE);
		linked = true;
	}
	spin_unlock(pte_lockptr(entry));
	return linked;
}

static void user_table_discard(pte_t *table)
{
	free_page_zeroed(virt_page(table));
}

static const struct table_source user_tables = {
	.alloc = user_table_alloc,
	.link = user_table_link,
	.discard = user_table_discard,
	.flags = USER_TABLE_FLAGS,
};

/* table_entry(), level 1, with the levels as constants: every fault comes here. */
static inline pte_t *walk(pte_t *table, u64 va)
{
#pragma GCC unroll 3
	for (u32 at = PGTABLE_LEVELS; at > 1; at--) {
		pte_t value = __atomic_load_n(&table[level_index(va, at)], __ATOMIC_ACQUIRE);

		if ((value & (PTE_PRESENT | PTE_HUGE)) != PTE_PRESENT)
			return NULL;
		table = phys_to_virt(value & PTE_FRAME_MASK);
	}
	return &table[level_index(va, 1)];
}

pte_t *pte_find(struct mm *mm, u64 va)
{
	ASSERT(va < USER_END);
	return walk(mm->pgd, va);
}

pte_t *pte_alloc(struct mm *mm, u64 va)
{
	ASSERT(va < USER_END);
	ASSERT(rwsem_is_locked(&mm->mmap_lock));

	pte_t *entry = walk(mm->pgd, va);

	return likely(entry) ? entry : table_entry_alloc(mm->pgd, va, 1, &user_tables, mm);
}

pte_t pte_lookup(struct mm *mm, u64 va)
{
	u32 level = 1;
	pte_t pte = pte_read(descend(mm->pgd, va, &level));

	if (level == 1)
		return pte;
	return level == 2 && pte_is_leaf(pte, 2) ? pmd_part(pte, level_index(va, 1)) : 0;
}

pte_t *pmd_find(struct mm *mm, u64 va)
{
	ASSERT(va < USER_END);
	return table_entry(mm->pgd, va, 2);
}

pte_t *pmd_alloc(struct mm *mm, u64 va)
{
	ASSERT(va < USER_END);
	ASSERT(rwsem_is_locked(&mm->mmap_lock));
	return table_entry_alloc(mm->pgd, va, 2, &user_tables, mm);
}

bool pmd_populate(struct mm *mm, u64 va, pte_t *pmd)
{
	pte_t *table;

	ASSERT(rwsem_is_locked(&mm->mmap_lock));
	if (pte_read(pmd))
		return true;
	table = user_table_alloc(mm);
	if (!table)
		return false;
	if (!user_table_link(mm, pmd, table, va & PMD_MASK, 1))
		user_table_discard(table);
	return true;
}

struct range_visit {
	int (*visit)(struct pte_range *range);
	int (*huge)(struct pte_range *range); /* or NULL */
	void *arg;
};

static int visit_part_of_leaf(struct table_visit *visit, pte_t *entry, u64 va)
{
	const struct range_visit *of = visit->arg;
	struct pte_range range = {.mm = visit->mm, .arg = of->arg, .entry = entry};
	struct page *page = NULL;
	int result = VISIT_AGAIN;

	range.va = max(va, visit->start);
	range.nr = (min(va + PMD_SIZE, visit->end) - range.va) >> PAGE_SHIFT;
	spin_lock(pte_lockptr(entry));
	if (pte_is_leaf(pte_read(entry), 2)) {
		result = of->huge ? of->huge(&range) : WALK_SPLIT;
		if (result == WALK_SPLIT) {
			page = pfn_page(pte_pfn(pte_read(entry)));
			page_get(page);
		}
	}
	spin_unlock(pte_lockptr(entry));
	if (page)
		huge_split_mapped(page);
	return result;
}

static int visit_range_of_table(struct table_visit *visit, pte_t *entry, u64 va, u32 level)
{
	const struct range_visit *of = visit->arg;
	pte_t *table = entry_table(pte_read(entry));
	u64 start = max(va, visit->start), end = min(va + level_size(2), visit->end);
	struct pte_range range = {.mm = visit->mm, .arg = of->arg};
	int result;

	if (level != 1)
		return 0;
	range.entry = &table[level_index(start, 1)];
	range.va = start;
	range.nr = (end - start) >> PAGE_SHIFT;
	spin_lock(pte_lockptr(table));
	result = of->visit(&range);
	spin_unlock(pte_lockptr(table));
	return result;
}

int pgtable_walk_huge(struct mm *mm, u64 start, u64 end, int (*visit)(struct pte_range *range),
		      int (*huge)(struct pte_range *range), void *arg)
{
	struct range_visit of = {.visit = visit, .huge = huge, .arg = arg};
	struct table_visit tables = {
		.start = start,
		.end = end,
		.order = PARENTS_FIRST,
		.table = visit_range_of_table,
		.leaf = visit_part_of_leaf,
		.arg = &of,
	};

	ASSERT(!((start | end) & ~PAGE_MASK));
	return visit_mm(mm, &tables);
}

int pgtable_walk(struct mm *mm, u64 start, u64 end, int (*visit)(struct pte_range *range),
		 void *arg)
{
	return pgtable_walk_huge(mm, start, end, visit, NULL, arg);
}

struct free_visit {
	u64 floor, ceiling;
	struct list_head unlinked; /* by page->lru */
};

#ifdef CONFIG_DEBUG
static void verify_empty(struct mm *mm, const pte_t *table, u64 va, u32 level)
{
	for (u32 i = 0; i < PGTABLE_ENTRIES; i++)
		if (pte_read(&table[i]))
			panic("page table of mm %u at %lx, level %u, freed with entries", mm->id,
			      va, level);
}
#else
/* Half a thousand entries for each table. A stray one shows itself in the trace as well. */
static void verify_empty(struct mm *mm, const pte_t *table, u64 va, u32 level)
{
	(void)mm, (void)table, (void)va, (void)level;
}
#endif

static int unlink_table(struct table_visit *visit, pte_t *entry, u64 va, u32 level)
{
	struct free_visit *of = visit->arg;
	pte_t *table = entry_table(pte_read(entry));
	struct page *page = virt_page(table);

	if (va < of->floor || va + level_size(level + 1) > of->ceiling)
		return 0;
	verify_empty(visit->mm, table, va, level);
	TRACE(pgtable_free, .va = va, .mm_id = visit->mm->id, .pfn = page_pfn(page),
	      .level = level);
	pte_xchg(entry, 0);
	atomic_add_return(&visit->mm->nr_pgtables, -1);
	list_add_tail(&page->lru, &of->unlinked);
	return 0;
}

void pgtable_free_range(struct mm *mm, u64 start, u64 end, u64 floor, u64 ceiling)
{
	struct free_visit of = {floor, ceiling, LIST_HEAD_INIT(of.unlinked)};
	struct table_visit tables = {
		.start = start,
		.end = end,
		.order = CHILDREN_FIRST,
		.table = unlink_table,
		.arg = &of,
	};
	struct page *page, *next;

	ASSERT(rwsem_is_locked(&mm->mmap_lock));
	if (ALIGN_UP(floor, level_size(2)) >= ceiling)
		return;
	visit_mm(mm, &tables);
	if (list_empty(&of.unlinked))
		return;
	mm_flush_tlb(mm, start, end, TLB_UNMAP);
	list_for_each_entry_safe (page, next, &of.unlinked, lru) {
		list_del(&page->lru);
		free_page_zeroed(page);
		if (mm->oom_kill_id)
			atomic_inc(&mm->oom_freed);
	}
}

static int emit_state(struct table_visit *visit, pte_t *entry, u64 va, u32 level)
{
	TRACE(state_pgtable, .va = va, .mm_id = visit->mm->id, .pfn = pte_pfn(pte_read(entry)),
	      .level = level);
	++*(u64 *)visit->arg;
	return 0;
}

/* A 2 MiB page is no table. */
static int skip_leaf(struct table_visit *visit, pte_t *entry, u64 va)
{
	(void)visit, (void)entry, (void)va;
	return 0;
}

u64 pgtable_baseline(struct mm *mm)
{
	u64 records = 0;
	struct table_visit tables = {
		.start = 0,
		.end = USER_TABLES_END,
		.order = PARENTS_FIRST,
		.table = emit_state,
		.leaf = skip_leaf,
		.arg = &records,
	};

	visit_mm(mm, &tables);
	return records;
}
