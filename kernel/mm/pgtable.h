/*
 * Page tables of user address spaces, and the one walker that everything uses, the kernel's own
 * tables (kmap.c) included.
 *
 * Locks. An entry of a level 1 table is guarded by that table's ptl (RANK_PTE). Upper entries only
 * go from empty to a table while the address space lives, under mmap_lock held for reading or
 * writing and the ptl of the table they lie in; they are emptied under mmap_lock held for writing
 * after no VMA and no chain link can lead there any more. An entry of level 2 may hold a 2 MiB page
 * (a leaf) before that: it becomes a table or empty under the ptl of the table it lies in, whatever
 * else is held; only leaves are set and changed in place. So whoever holds mmap_lock, or reaches
 * the address through a VMA linked in an anon_vma whose lock it holds, may walk down without a
 * lock.
 */
#ifndef MM_PGTABLE_H
#define MM_PGTABLE_H

#include "arch/x86_64/pte.h"
#include "mm/page.h"

struct mm;

/* Of an entry that leads to a table of a program. */
#define USER_TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_USER)

/* One above what the lower half of a top table covers: a ceiling for pgtable_free_range(). */
#define USER_TABLES_END BIT(47)

/* ---- the walker: any tree of tables, whoever made it ---- */

/* The entry of `level` that translates va, or NULL when a table on the way is missing or a larger
 * page is mapped there. */
pte_t *table_entry(pte_t *top, u64 va, u32 level);

/* Where missing tables come from. */
struct table_source {
	/* An empty table, or NULL without memory. */
	pte_t *(*alloc)(void *arg);
	/* Makes the empty `entry` lead to `table`, which is of `level` and begins to cover at va;
	 * false when another CPU was faster. */
	bool (*link)(void *arg, pte_t *entry, pte_t *table, u64 va, u32 level);
	/* Takes back a table that nothing leads to. */
	void (*discard)(pte_t *table);
	u64 flags; /* of an entry that leads to a table */
};

/* As table_entry(), but adds missing tables. NULL without memory. A larger page on the way is a
 * bug. */
pte_t *table_entry_alloc(pte_t *top, u64 va, u32 level, const struct table_source *source,
			 void *arg);

/* ---- user address spaces ---- */

/* A new top table with the kernel's upper half; 0 without memory. Traces nothing: the caller traces
 * mm_create. */
pte_t *pgd_alloc(void);
void pgd_free(pte_t *pgd);

/* The level 1 entry of an address, or NULL when no table is there. See above for what must be held.
 */
pte_t *pte_find(struct mm *mm, u64 va);

/* The same, allocating missing tables; NULL without memory. May sleep; mmap_lock held. */
pte_t *pte_alloc(struct mm *mm, u64 va);

/* What translates an address: its entry, or what a 2 MiB page stands for there; 0: nothing. Old when the
 * caller gets it. As pte_find(). */
pte_t pte_lookup(struct mm *mm, u64 va);

/* The level 2 entry of an address, or NULL when no table is there. As pte_find(). */
pte_t *pmd_find(struct mm *mm, u64 va);

/* The same, allocating missing tables; NULL without memory. May sleep; mmap_lock held. */
pte_t *pmd_alloc(struct mm *mm, u64 va);

/* Makes an empty level 2 entry lead to a table; leaves one alone that is not empty (any more). False
 * without memory. May sleep; mmap_lock held. */
bool pmd_populate(struct mm *mm, u64 va, pte_t *pmd);

/* The lock of the table that an entry lies in. */
static inline spinlock_t *pte_lockptr(pte_t *entry)
{
	return &virt_page(entry)->ptl;
}

/* One walk: for each level 1 table that exists and meets [start, end), calls `visit` with the first
 * entry of the range in it, the entry's address and the number of entries, holding the table's
 * lock; the callback must not sleep. Stops when it returns nonzero, and returns that. */
struct pte_range {
	struct mm *mm;
	pte_t *entry;
	u64 va;
	u32 nr;
	void *arg;
};
int pgtable_walk(struct mm *mm, u64 start, u64 end, int (*visit)(struct pte_range *range),
		 void *arg);

/* The same for those who know 2 MiB pages; pgtable_walk() splits those that it meets, which sleeps.
 * `huge` is called with the level 2 entry and what of the page lies in the range (va, nr), holding the
 * lock of the table it lies in; returns as `visit`, or WALK_SPLIT: then the page is split, and `visit`
 * gets its parts. */
#define WALK_SPLIT (-0x511)
int pgtable_walk_huge(struct mm *mm, u64 start, u64 end, int (*visit)(struct pte_range *range),
		      int (*huge)(struct pte_range *range), void *arg);

/* Frees the tables below the top that meet [start, end), where VMAs were, and lie wholly in [floor,
 * ceiling), where no VMA is any more: their entries are all empty. mmap_lock held for writing. Does
 * the TLB shootdown before frames are freed. */
void pgtable_free_range(struct mm *mm, u64 start, u64 end, u64 floor, u64 ceiling);

/* Emits a state_pgtable record per table below the top. All CPUs quiesced. Returns the records
 * emitted. */
u64 pgtable_baseline(struct mm *mm);

/* Stores the entries that translate a user address, entries[level], from the top down to the first
 * that leads to no table, and returns its level. Follows nothing but tables. All CPUs quiesced. */
u32 debug_entries(const struct mm *mm, u64 va, pte_t entries[PGTABLE_LEVELS + 1]);

/* ---- entries (pte.c) ---- */

/* Flags of an entry in the trace's numbering, and what it refers to. */
u16 pte_trace_flags(pte_t pte);
enum pte_kind pte_trace_kind(pte_t pte);
/* pfn or slot. */
u32 pte_trace_value(pte_t pte);

/* The only functions that write user entries; each traces pte_set or pte_clear. The entry's ptl is
 * held. pte_replace() and pte_remove() exchange atomically and return the old entry with its final
 * accessed and dirty bits. */
pte_t pte_replace(struct mm *mm, u64 va, pte_t *entry, pte_t pte, enum pte_why why);
/* The same for an entry that leads to another page from now on, with all CPUs flushed in between: no
 * thread reads the old page when another one has written to the new. */
pte_t pte_replace_flushed(struct mm *mm, u64 va, pte_t *entry, pte_t pte, enum pte_why why);
/* Lets an entry that maps a frame lead to another one, with the same flags; no CPU can use it while the content of
 * `copy` (unless NULL) is copied there. */
void pte_migrate(struct mm *mm, u64 va, pte_t *entry, struct page *to, const struct page *copy);
pte_t pte_remove(struct mm *mm, u64 va, pte_t *entry, enum pte_why why);
/* Removes an entry that has no dirty bit. Returns whether it did; the CPU may set the bit until then. */
bool pte_remove_clean(struct mm *mm, u64 va, pte_t *entry, enum pte_why why);

/* The same for an entry of level 2 that maps 2 MiB at once (pmd.h). To the trace a leaf is 512 entries
 * of kind page: pmd_set() fills the empty entry with one, pmd_remove() empties it, each a single event;
 * rmap is counted by page. pmd_split_user() makes it lead to `table`, a page that no tree has, and
 * pmd_merge_user() puts a leaf in place of a table that can be one: it returns the table's page, to
 * be freed after a flush, or NULL. pmd_change() replaces a leaf by one of the same frames. The
 * entry's ptl is held, and for a merge the table's. A table that stands by for a split counts as one
 * of the address space (mm.nr_pgtables): these two do not change the count. */
pte_t pmd_change(struct mm *mm, u64 va, pte_t *entry, pte_t leaf, enum pte_why why);
void pmd_set(struct mm *mm, u64 va, pte_t *entry, pte_t leaf, enum pte_why why);
pte_t pmd_remove(struct mm *mm, u64 va, pte_t *entry, enum pte_why why);
void pmd_split_user(struct mm *mm, u64 va, pte_t *entry, struct page *table);
struct page *pmd_merge_user(struct mm *mm, u64 va, pte_t *entry);

#endif
