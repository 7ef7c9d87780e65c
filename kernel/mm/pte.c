/*
 * User page-table entries: the only code that writes them, and how the trace tells them.
 *
 * An entry that is present may gain its accessed and dirty bits at any moment, from any CPU that
 * runs in the address space. So every write is an exchange, and the event carries the old entry as
 * that exchange read it.
 */
#include "mm/mm.h"
#include "mm/pgtable.h"
#include "mm/zero_page.h"

u16 pte_trace_flags(pte_t pte)
{
	u16 flags = 0;

	if (!pte_maps(pte))
		return 0;
	if (pte & PTE_WRITE)
		flags |= PTEF_WRITE;
	if (!(pte & PTE_NX))
		flags |= PTEF_EXEC;
	if (pte & PTE_ACCESSED)
		flags |= PTEF_ACCESSED;
	if (pte & PTE_DIRTY)
		flags |= PTEF_DIRTY;
	if (!(pte & PTE_PRESENT))
		flags |= PTEF_PROTNONE;
	return flags;
}

enum pte_kind pte_trace_kind(pte_t pte)
{
	if (pte_maps(pte))
		return pfn_page(pte_pfn(pte)) == zero_page ? PTE_ZERO : PTE_PAGE;
	return pte_is_swap(pte) ? PTE_SWAP : PTE_NONE;
}

u32 pte_trace_value(pte_t pte)
{
	if (pte_maps(pte))
		return pte_pfn(pte);
	return pte_is_swap(pte) ? pte_slot(pte) : 0;
}

pte_t pte_replace(struct mm *mm, u64 va, pte_t *entry, pte_t pte, enum pte_why why)
{
	pte_t old;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	ASSERT(pte);
	old = pte_xchg(entry, pte);
	TRACE(pte_set, .va = va, .mm_id = mm->id, .value = pte_trace_value(pte),
	      .flags = pte_trace_flags(pte), .old_flags = pte_trace_flags(old),
	      .kind = pte_trace_kind(pte), .old_kind = pte_trace_kind(old), .why = why);
	return old;
}

pte_t pte_remove(struct mm *mm, u64 va, pte_t *entry, enum pte_why why)
{
	pte_t old;

	ASSERT(spin_is_held(pte_lockptr(entry)));
	old = pte_xchg(entry, 0);
	ASSERT(old);
	TRACE(pte_clear, .va = va, .mm_id = mm->id, .value = pte_trace_value(old),
	      .old_flags = pte_trace_flags(old), .old_kind = pte_trace_kind(old), .why = why);
	return old;
}
