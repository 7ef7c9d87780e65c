/*
 * User page-table entries: the only code that writes them, and how the trace tells them.
 *
 * An entry that is present may gain its accessed and dirty bits at any moment, from any CPU that
 * runs in the address space. So every write is an exchange, and the event carries the old entry as
 * that exchange read it.
 */
#include "arch/x86_64/page_ops.h"
#include "mm/mm.h"
#include "mm/pmd.h"
#include "mm/special.h"
#include "mm/zero_page.h"

/* special.h; here because whoever writes entries has to know it. */
struct page *special_page;

/* An entry in the trace's words. */
struct told {
	u32 value; /* pfn or slot */
	u16 flags;
	u8 kind;
};

static_assert(PTE_WRITE >> 1 == PTEF_WRITE && PTE_ACCESSED >> 3 == PTEF_ACCESSED &&
		      PTE_DIRTY >> 3 == PTEF_DIRTY && PTE_NX >> 62 == PTEF_EXEC,
	      "map_flags() shifts bits to their places");

/* Flags of an entry that maps a page. */
static inline u16 map_flags(pte_t pte)
{
	return (pte & PTE_WRITE) >> 1 | (pte & (PTE_ACCESSED | PTE_DIRTY)) >> 3 |
	       (~pte & PTE_NX) >> 62;
}

static_assert(PTE_NONE == 0 && PTE_ZERO == PTE_PAGE + 1, "map_kind() counts");

/* What an entry that maps the frame refers to. */
static inline u8 map_kind(pfn_t pfn)
{
	if (unlikely(pfn_page(pfn) == special_page))
		return PTE_SPECIAL;
	return PTE_PAGE + (pfn_page(pfn) == zero_page);
}

static __noinline __attribute__((pure)) struct told tell_absent(pte_t pte)
{
	if (pte_is_swap(pte))
		return (struct told){.value = pte_slot(pte), .kind = PTE_SWAP};
	return (struct told){.value = pte_pfn(pte),
			     .flags = map_flags(pte) | PTEF_PROTNONE,
			     .kind = map_kind(pte_pfn(pte))};
}

/* Nearly every entry that is told is empty or present. */
static inline struct told tell(pte_t pte)
{
	pfn_t pfn = (pte & PTE_FRAME_MASK) >> PAGE_SHIFT;

	if (!pte)
		return (struct told){0};
	if (unlikely(!(pte & PTE_PRESENT)))
		return tell_absent(pte);
	return (struct told){.value = pfn, .flags = map_flags(pte), .kind = map_kind(pfn)};
}

u16 pte_trace_flags(pte_t pte)
{
	return tell(pte).flags;
}

enum pte_kind pte_trace_kind(pte_t pte)
{
	return tell(pte).kind;
}

u32 pte_trace_value(pte_t pte)
{
	return tell(pte).value;
}

static void tell_set(struct mm *mm, u64 va, pte_t old, pte_t pte, enum pte_why why)
{
	TRACE(pte_set, .va = va, .mm_id = mm->id, .value = tell(pte).value,
	      .flags = tell(pte).flags, .old_flags = tell(old).flags, .kind = tell(pte).kind,
	      .old_kind = tell(old).kind, .why = why);
}

pte_t pte_replace(struct mm *mm, u64 va, pte_t *entry, pte_t pte, enum pte_why why)
{
	pte_t old;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	ASSERT(pte);
	old = pte_xchg(entry, pte);
	tell_set(mm, va, old, pte, why);
	return old;
}

pte_t pte_replace_flushed(struct mm *mm, u64 va, pte_t *entry, pte_t pte, enum pte_why why)
{
	pte_t old;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	ASSERT(pte);
	old = pte_xchg(entry, 0);
	mm_flush_tlb(mm, va, va + PAGE_SIZE, TLB_COW);
	pte_xchg(entry, pte);
	tell_set(mm, va, old, pte, why);
	return old;
}

void pte_migrate(struct mm *mm, u64 va, pte_t *entry, struct page *to, const struct page *copy)
{
	pte_t old, pte;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	old = pte_xchg(entry, 0);
	ASSERT(pte_maps(old));
	mm_flush_tlb(mm, va, va + PAGE_SIZE, TLB_MIGRATE);
	if (copy)
		copy_page(page_virt(to), page_virt(copy));
	pte = pte_make(page_pfn(to), old & ~PTE_FRAME_MASK);
	pte_xchg(entry, pte);
	tell_set(mm, va, old, pte, PTE_WHY_MIGRATE);
}

pte_t pte_remove(struct mm *mm, u64 va, pte_t *entry, enum pte_why why)
{
	pte_t old;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	old = pte_xchg(entry, 0);
	ASSERT(old);
	TRACE(pte_clear, .va = va, .mm_id = mm->id, .value = tell(old).value,
	      .old_flags = tell(old).flags, .old_kind = tell(old).kind, .why = why);
	return old;
}

bool pte_remove_clean(struct mm *mm, u64 va, pte_t *entry, enum pte_why why)
{
	pte_t old = pte_read(entry);

	ASSERT(spin_is_held(pte_lockptr(entry)));
	ASSERT(old);
	do {
		if (old & PTE_DIRTY)
			return false;
	} while (!__atomic_compare_exchange_n(entry, &old, 0, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	TRACE(pte_clear, .va = va, .mm_id = mm->id, .value = tell(old).value,
	      .old_flags = tell(old).flags, .old_kind = tell(old).kind, .why = why);
	return true;
}

/* ---- level 2 ---- */

void pmd_set(struct mm *mm, u64 va, pte_t *entry, pte_t leaf, enum pte_why why)
{
	ASSERT(spin_is_held(pte_lockptr(entry)));
	ASSERT(pte_is_leaf(leaf, 2) && !(va & ~PMD_MASK) && !pte_read(entry));
	pte_xchg(entry, leaf);
	TRACE(pmd_set, .va = va, .mm_id = mm->id, .pfn = pte_pfn(leaf),
	      .flags = pte_trace_flags(leaf), .why = why);
}

pte_t pmd_change(struct mm *mm, u64 va, pte_t *entry, pte_t leaf, enum pte_why why)
{
	pte_t old;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	ASSERT(pte_is_leaf(leaf, 2));
	old = pte_xchg(entry, leaf);
	ASSERT(pte_is_leaf(old, 2) && pte_pfn(old) == pte_pfn(leaf));
	TRACE(pmd_change, .va = va, .mm_id = mm->id, .pfn = pte_pfn(leaf),
	      .flags = pte_trace_flags(leaf), .old_flags = pte_trace_flags(old), .why = why);
	return old;
}

pte_t pmd_remove(struct mm *mm, u64 va, pte_t *entry, enum pte_why why)
{
	pte_t old;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	old = pte_xchg(entry, 0);
	ASSERT(pte_is_leaf(old, 2));
	TRACE(pmd_clear, .va = va, .mm_id = mm->id, .pfn = pte_pfn(old),
	      .old_flags = pte_trace_flags(old), .why = why);
	return old;
}

/* The event comes first: whoever sees the table and changes an entry in it stamps later. */
void pmd_split_user(struct mm *mm, u64 va, pte_t *entry, struct page *table)
{
	pte_t leaf = pte_read(entry);

	ASSERT(spin_is_held(pte_lockptr(entry)));
	spin_lock_init(&table->ptl, RANK_PTE);
	table->private = 1;
	TRACE(pmd_split, .va = va, .mm_id = mm->id, .pfn = pte_pfn(leaf),
	      .table_pfn = page_pfn(table), .flags = pte_trace_flags(leaf));
	pmd_split_into(entry, page_virt(table), USER_TABLE_FLAGS);
}

struct page *pmd_merge_user(struct mm *mm, u64 va, pte_t *entry)
{
	pte_t *table = pmd_merge(entry), leaf = pte_read(entry);

	ASSERT(spin_is_held(pte_lockptr(entry)));
	if (!table)
		return NULL;
	TRACE(pmd_merge, .va = va, .mm_id = mm->id, .pfn = pte_pfn(leaf),
	      .table_pfn = page_pfn(virt_page(table)), .flags = pte_trace_flags(leaf));
	return virt_page(table);
}
