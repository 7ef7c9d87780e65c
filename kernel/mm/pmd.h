/*
 * 2 MiB pages: an entry of level 2 that is a leaf stands for 512 entries of level 1 with consecutive
 * frames and equal flags. It can be split into a table of them, and such a table merged into a leaf
 * again; what the CPU translates stays the same, so both happen while others use the addresses.
 *
 * Here is what works on any tree of tables. The caller excludes other writers of the entries, and
 * flushes TLBs. A split needs no flush of its own. After a merge the table may still be in the CPUs'
 * caches of upper entries: it is emptied and freed after a flush of any address in it.
 */
#ifndef MM_PMD_H
#define MM_PMD_H

#include "mm/pgtable.h"

#define PMD_SIZE level_size(2)
#define PMD_MASK (~(PMD_SIZE - 1))

/* A leaf: `pfn` is a multiple of 512, the flags are those of the entries it stands for, with
 * PTE_PRESENT. */
pte_t pmd_make_leaf(pfn_t pfn, u64 flags);

/* The entry of level 1 that a leaf stands for at its i-th page. */
pte_t pmd_part(pte_t leaf, u32 i);

/* The leaf that stands for these 512 entries, accessed and dirty if one of them is; 0 if there is
 * none. */
pte_t pmd_leaf_of(const pte_t *table);

/* Makes the leaf at `entry` lead to `table`, by an entry with these flags, and fills it with what the
 * leaf stands for. */
void pmd_split_into(pte_t *entry, pte_t *table, u64 flags);

/* The same with a table from the source. Returns the table, or NULL without memory: nothing changed.
 */
pte_t *pmd_split(pte_t *entry, const struct table_source *source, void *arg);

/* Puts a leaf in place of the table at `entry`, if there is one for it. Returns the table, which
 * nothing leads to any more, or NULL. */
pte_t *pmd_merge(pte_t *entry);

/* Gives the entries of [start, end), pages of a tree that maps all of it, the flags, splitting the
 * leaves that lie partly in it. 0, or -ENOMEM: some may have changed. Merges nothing: that comes
 * after the caller's flush. */
int pmd_protect(pte_t *top, u64 start, u64 end, u64 flags, const struct table_source *source,
		void *arg);

#endif
