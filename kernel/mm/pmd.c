/*
 * Splitting and merging 2 MiB leaves; see pmd.h.
 *
 * The CPU may set accessed and dirty bits of an entry until the moment it is exchanged. What the
 * exchange of a leaf reads late is put into all parts; what it sets in the parts of a table while
 * they are merged is looked for again afterwards. What comes between that and the caller's flush is
 * lost: no matter for the kernel's own pages, which have both bits from the start; pages of
 * programs would have to be write-protected and flushed before a merge.
 *
 * Bit 7 of an entry tells a leaf at level 2 and selects memory types at level 1: neither the kernel
 * nor programs use the latter.
 */
#include "mm/pmd.h"

#include "lib/errno.h"

#define HARDWARE_BITS (PTE_ACCESSED | PTE_DIRTY)

pte_t pmd_make_leaf(pfn_t pfn, u64 flags)
{
	ASSERT(pfn % PGTABLE_ENTRIES == 0 && (flags & PTE_PRESENT));
	return pte_make(pfn, flags | PTE_HUGE);
}

pte_t pmd_part(pte_t leaf, u32 i)
{
	return pte_make(pte_pfn(leaf) + i, leaf & ~PTE_FRAME_MASK & ~PTE_HUGE);
}

pte_t pmd_leaf_of(const pte_t *table)
{
	pte_t first = pte_read(&table[0]);
	u64 hardware = 0;

	if (!(first & PTE_PRESENT) || pte_pfn(first) % PGTABLE_ENTRIES)
		return 0;
	for (u32 i = 0; i < PGTABLE_ENTRIES; i++) {
		pte_t pte = pte_read(&table[i]);

		if ((pte ^ (first + i * PAGE_SIZE)) & ~HARDWARE_BITS)
			return 0;
		hardware |= pte & HARDWARE_BITS;
	}
	return pmd_make_leaf(pte_pfn(first), (first & ~PTE_FRAME_MASK) | hardware);
}

void pmd_split_into(pte_t *entry, pte_t *table, u64 flags)
{
	pte_t leaf = pte_read(entry), late;

	ASSERT(pte_is_leaf(leaf, 2));
	for (u32 i = 0; i < PGTABLE_ENTRIES; i++)
		table[i] = pmd_part(leaf, i);
	late = pte_xchg(entry, virt_to_phys(table) | flags) & ~leaf & HARDWARE_BITS;
	for (u32 i = 0; i < PGTABLE_ENTRIES && late; i++)
		pte_set_bits(&table[i], late);
}

pte_t *pmd_split(pte_t *entry, const struct table_source *source, void *arg)
{
	pte_t *table = source->alloc(arg);

	if (table)
		pmd_split_into(entry, table, source->flags);
	return table;
}

pte_t *pmd_merge(pte_t *entry)
{
	pte_t value = pte_read(entry), leaf;
	pte_t *table;

	if (!(value & PTE_PRESENT) || pte_is_leaf(value, 2))
		return NULL;
	table = pfn_to_virt(pte_pfn(value));
	leaf = pmd_leaf_of(table);
	if (!leaf)
		return NULL;
	pte_xchg(entry, leaf);
	leaf = pmd_leaf_of(table);
	pte_set_bits(entry, leaf & HARDWARE_BITS);
	return table;
}

/* The part of one level 2 entry: [start, end) lies in it. */
static int protect_part(pte_t *entry, u64 start, u64 end, u64 flags,
			const struct table_source *source, void *arg)
{
	pte_t value = pte_read(entry);
	pte_t *table;

	if (!pte_is_leaf(value, 2)) {
		table = pfn_to_virt(pte_pfn(value));
	} else if (value == pmd_make_leaf(pte_pfn(value), flags)) {
		return 0;
	} else if (end - start == PMD_SIZE) {
		pte_xchg(entry, pmd_make_leaf(pte_pfn(value), flags));
		return 0;
	} else {
		table = pmd_split(entry, source, arg);
		if (!table)
			return -ENOMEM;
	}
	for (u64 va = start; va < end; va += PAGE_SIZE) {
		pte_t *part = &table[level_index(va, 1)];

		pte_xchg(part, pte_make(pte_pfn(pte_read(part)), flags));
	}
	return 0;
}

int pmd_protect(pte_t *top, u64 start, u64 end, u64 flags, const struct table_source *source,
		void *arg)
{
	int error = 0;

	ASSERT(!((start | end) & ~PAGE_MASK));
	for (u64 va = start, next; va < end && !error; va = next) {
		pte_t *entry = table_entry(top, va, 2);

		if (!entry || !(pte_read(entry) & PTE_PRESENT))
			panic("rights of %lx, which is not mapped", va);
		next = min((va & PMD_MASK) + PMD_SIZE, end);
		error = protect_part(entry, va, next, flags, source, arg);
	}
	return error;
}
