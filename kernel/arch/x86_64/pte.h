/*
 * Page-table entries (Intel SDM vol. 3, 4.5) and what this kernel keeps in entries that are not
 * present.
 *
 *   present          bit 0 set; flags below; the frame in bits 12-51
 *   PROT_NONE        bit 0 clear, PTE_PROTNONE set; the frame's complement in bits 12-51
 *   swap             bit 0 clear, PTE_SWAPPED set; the slot's complement in bits 12-51
 *
 * Why the complement: CPUs with the L1 terminal fault (CVE-2018-3620) speculate on the address in an
 * entry although it is not present, and a program could read what the L1 cache holds of that frame.
 * RAM and slots have small numbers, so their complement names an address above all RAM, whether the
 * cache compares 36 bits of it or all (Linux's pgtable-invert.h).
 */
#ifndef ARCH_PTE_H
#define ARCH_PTE_H

#include "lib/types.h"

typedef u64 pte_t;

#define PTE_PRESENT  BIT(0)
#define PTE_WRITE    BIT(1)
#define PTE_USER     BIT(2)
#define PTE_PWT      BIT(3)
#define PTE_PCD      BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY    BIT(6)
#define PTE_HUGE     BIT(7) /* in a directory entry: maps 2 MiB (level 2) */
#define PTE_GLOBAL   BIT(8)
#define PTE_PROTNONE BIT(9)  /* software: only when not present */
#define PTE_SWAPPED  BIT(10) /* software: only when not present */
#define PTE_NX       BIT(63)

#define PTE_FRAME_MASK 0x000ffffffffff000ul

#define PGTABLE_LEVELS  4 /* 1: entries of pages … 4: the top, named by CR3 */
#define PGTABLE_ENTRIES 512

/* Bytes that one entry of a table of `level` covers, and the entry's index for an address. */
static inline u64 level_size(u32 level)
{
	return 1ul << (PAGE_SHIFT + 9 * (level - 1));
}
static inline u32 level_index(u64 va, u32 level)
{
	return va >> (PAGE_SHIFT + 9 * (level - 1)) & (PGTABLE_ENTRIES - 1);
}

/* What the frame bits of an entry with these flags are exclusive-ored with. */
static inline u64 pte_inversion(u64 flags)
{
	return ((flags & PTE_PRESENT) - 1) & PTE_FRAME_MASK;
}

static inline pte_t pte_make(pfn_t pfn, u64 flags)
{
	return ((u64)pfn << PAGE_SHIFT ^ pte_inversion(flags)) | flags;
}
/* Of an entry that is not empty. */
static inline pfn_t pte_pfn(pte_t pte)
{
	return ((pte ^ pte_inversion(pte)) & PTE_FRAME_MASK) >> PAGE_SHIFT;
}

/* The same frame with other flags: those of `keep` as they are, and `flags`. */
static inline pte_t pte_modify(pte_t pte, u64 keep, u64 flags)
{
	return pte_make(pte_pfn(pte), (pte & keep) | flags);
}

/* The entry refers to a frame, whether the CPU may use it or PROT_NONE forbids. */
static inline bool pte_maps(pte_t pte)
{
	return pte & (PTE_PRESENT | PTE_PROTNONE);
}

/* An entry of a level above 1 that maps a page itself instead of leading to a table. */
static inline bool pte_is_leaf(pte_t pte, u32 level)
{
	return level > 1 && (pte & (PTE_PRESENT | PTE_HUGE)) == (PTE_PRESENT | PTE_HUGE);
}

static inline pte_t pte_make_swap(u32 slot)
{
	return pte_make(slot, PTE_SWAPPED);
}
static inline bool pte_is_swap(pte_t pte)
{
	return (pte & PTE_SWAPPED) && !(pte & (PTE_PRESENT | PTE_PROTNONE));
}
static inline u32 pte_slot(pte_t pte)
{
	return pte_pfn(pte);
}

/* Entries are read and exchanged whole: the CPU sets accessed and dirty bits at any moment. */
static inline pte_t pte_read(const pte_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}
static inline pte_t pte_xchg(pte_t *entry, pte_t pte)
{
	return __atomic_exchange_n(entry, pte, __ATOMIC_SEQ_CST);
}
static inline void pte_set_bits(pte_t *entry, u64 bits)
{
	__atomic_fetch_or(entry, bits, __ATOMIC_SEQ_CST);
}
/* Clears bits, returns the entry as it was. */
static inline pte_t pte_clear_bits(pte_t *entry, u64 bits)
{
	return __atomic_fetch_and(entry, ~bits, __ATOMIC_SEQ_CST);
}

#endif
