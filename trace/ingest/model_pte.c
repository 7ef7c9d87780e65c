/*
 * User page tables: every entry that is not empty, and the tables themselves.
 *
 * The CPU sets the accessed and dirty bits of a present entry without an event. So the flags that
 * an exchange read may have more of these two than the model, never less, and must agree in all
 * others. A span carries the flags as written.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

#define HARDWARE_BITS (PTEF_ACCESSED | PTEF_DIRTY)

static const char *why_text(uint8_t why)
{
	return why == WHY_BASELINE ? "baseline" : enum_text(ENUM_ID_pte_why, why);
}

static const char *kind_text(uint8_t kind)
{
	return enum_text(ENUM_ID_pte_kind, kind);
}

static struct text entry_name(uint32_t mm_id, uint64_t va)
{
	return fmt("entry of 0x%" PRIx64 " in mm %u", va, mm_id);
}

/* Why a span ends is known to the caller; NULL: the trace ended. */
static void pte_write_span(struct model *m, const struct pte *pte, uint64_t t, const char *why_out)
{
	bool is_swap = pte->kind == PTE_SWAP;

	DB_INSERT(m->db, pte_span, INT(pte->entry.a), INT(pte->entry.b), TEXT(kind_text(pte->kind)),
		  is_swap ? NIL : INT(pte->value), is_swap ? INT(pte->value) : NIL, INT(pte->flags),
		  INT(pte->t_begin), INT(t), TEXT(why_text(pte->why)),
		  why_out ? TEXT(why_out) : NIL);
}

static void pte_span_end(struct model *m, void *record, uint64_t t)
{
	const struct pte *pte = record;
	struct mm *mm;

	pte_write_span(m, pte, t, t == T_OPEN ? NULL : "baseline");
	mm = t == T_OPEN ? NULL : map_find(&m->mms, pte->entry.a, 0);
	if (mm)
		mm->nr_ptes--;
}

/* Whether what an exchange read can be what the model holds. */
static bool flags_agree(uint16_t model, uint16_t read)
{
	return ((model ^ read) & ~HARDWARE_BITS) == 0 && (model & ~read) == 0;
}

/* The frame of the zero page: the one told first. */
static uint32_t zero_page_is(struct model *m, uint32_t pfn)
{
	if (!m->zero_told)
		m->zero_pfn = pfn;
	m->zero_told = true;
	return m->zero_pfn;
}

/* The old entry as the event tells it, against the model's. */
static void check_old(struct model *m, uint32_t mm_id, uint64_t va, const struct pte *pte,
		      uint8_t kind, uint16_t flags)
{
	uint8_t have = pte ? pte->kind : PTE_NONE;

	if (!pte && flags)
		violation(m, entry_name(mm_id, va), fmt("no flags of an empty entry"),
			  fmt("0x%x", flags));
	if (have != kind)
		violation(m, entry_name(mm_id, va), fmt("old kind %s", kind_text(have)),
			  fmt("%s", kind_text(kind)));
	else if (pte && !flags_agree(pte->flags, flags))
		violation(m, entry_name(mm_id, va),
			  fmt("old flags 0x%x, A and D may be more", pte->flags),
			  fmt("0x%x", flags));
}

/* A page that is mapped: of one frame by an entry, of 512 by one of level 2. (Or of one by the latter: 512 of
 * them that follow each other.) */
static void check_frame(struct model *m, uint32_t pfn, enum entry_kind by)
{
	const struct frame *frame = frame_at(m, pfn);

	if (by == PART_OF_PMD && frame && frame->state == FRAME_TAIL) {
		frame = frame_at(m, pfn & ~(HUGE_NR - 1));
		if (frame && frame->state == FRAME_ALLOCATED && page_nr_frames(frame) == HUGE_NR)
			return;
	}
	frame = frame_allocated(m, pfn);
	if (frame && by == ENTRY && frame->order)
		violation(m, fmt("frame %u, mapped", pfn), fmt("a page of one frame"),
			  fmt("order %u", frame->order));
}

/* What the new entry refers to must exist. */
static void check_target(struct model *m, uint8_t kind, uint32_t value, enum entry_kind by)
{
	struct slot *slot;

	switch (kind) {
	case PTE_PAGE:
	case PTE_ZERO:
	case PTE_SPECIAL:
		check_frame(m, value, by);
		return;
	case PTE_SWAP:
		slot = slot_at(m, value);
		if (slot && !slot->used)
			violation(m, fmt("slot %u", value), fmt("allocated"), fmt("free"));
		return;
	default:
		violation(m, fmt("entry"), fmt("page, zero, special or swap"),
			  fmt("%s", kind_text(kind)));
	}
}

/*
 * The task itself, holding mmap_lock, enters pages only where a VMA is, with no more rights than
 * the VMA has. Reclaim may also change entries while VMAs are being merged, when one is gone and
 * its neighbour has not yet grown.
 */
static void check_vma(struct model *m, const struct trace_ev_pte_set *e)
{
	const struct vma *vma;

	if (e->why != PTE_WHY_FAULT && e->why != PTE_WHY_COW && e->why != PTE_WHY_SWAPIN &&
	    e->why != PTE_WHY_FORK_CHILD && e->why != PTE_WHY_MOVE)
		return;
	vma = vma_containing(m, e->mm_id, e->va);
	if (!vma)
		violation(m, entry_name(e->mm_id, e->va), fmt("inside a VMA"), fmt("outside"));
	else if ((e->flags & PTEF_WRITE && !(vma->flags & VM_WRITE)) ||
		 (e->flags & PTEF_EXEC && !(vma->flags & VM_EXEC)))
		violation(m, entry_name(e->mm_id, e->va),
			  fmt("rights within 0x%x of vma %u", vma->flags, (uint32_t)vma->entry.a),
			  fmt("flags 0x%x", e->flags));
}

/* Whether the mapping that an entry is was counted, when the entry goes to something else: a copy on write has uncounted
 * the page before, whatever else takes it out does so afterwards. */
static void check_left(struct model *m, const struct pte *pte, uint8_t why)
{
	uint32_t mm_id = (uint32_t)pte->entry.a;
	bool counted;

	if (pte->kind != PTE_PAGE)
		return;
	counted = map_find(&m->rmaps, (uint64_t)pte->value << 32 | mm_id, pte->entry.b);
	if (counted == (why == PTE_WHY_COW))
		violation(m, entry_name(mm_id, pte->entry.b),
			  counted ? fmt("frame %u uncounted before", pte->value)
				  : fmt("a mapping of frame %u", pte->value),
			  counted ? fmt("counted") : fmt("none"));
}

/* What an entry gets that no counted mapping tells of: it comes from another entry, from the page's slot, or is always
 * the same. */
static void check_source(struct model *m, const struct trace_ev_pte_set *e, const struct pte *old,
			 enum entry_kind by)
{
	struct source source = {.kind = e->kind, .value = e->value};
	const struct task *task = current_task(m);
	const struct frame *frame;
	const struct pte *from;

	switch (e->why) {
	case PTE_WHY_FORK_CHILD:
		/* A 2 MiB page of the parent may be changed before the child has its own. */
		from = task ? map_find(&m->ptes, task->mm_id, e->va) : NULL;
		if (task && by == ENTRY)
			source = (struct source){from ? from->value : 0,
						 from ? from->kind : PTE_NONE};
		break;
	case PTE_WHY_MOVE:
		source = m->moved[m->event->cpu];
		break;
	case PTE_WHY_SWAPOUT:
		frame = old && old->kind == PTE_PAGE ? frame_at(m, old->value) : NULL;
		if (frame)
			source = (struct source){frame->slot, PTE_SWAP};
		break;
	case PTE_WHY_SWAPIN:
		frame = old && old->kind == PTE_SWAP ? frame_at(m, e->value) : NULL;
		if (frame && frame->slot != old->value)
			source = (struct source){frame->slot, PTE_SWAP};
		break;
	default:
		if (e->kind == PTE_ZERO)
			source.value = zero_page_is(m, e->value);
	}
	if (source.kind != e->kind || source.value != e->value)
		violation(m, entry_name(e->mm_id, e->va),
			  fmt("what %s takes: %s %d", why_text(e->why), kind_text(source.kind),
			      (int32_t)source.value),
			  fmt("%s %u", kind_text(e->kind), e->value));
}

static struct pte *pte_new(struct model *m, uint32_t mm_id, uint64_t va)
{
	struct mm *mm = mm_known(m, mm_id);
	struct pte *pte = map_insert(&m->ptes, mm_id, va);

	pte->entry.generation = m->generation;
	if (mm)
		mm->nr_ptes++;
	return pte;
}

/* Whether a change for this reason may be this one. */
static bool why_is_legal(struct model *m, const struct trace_ev_pte_set *e, const struct pte *old)
{
	uint8_t from = old ? old->kind : PTE_NONE;
	bool same = old && from == e->kind && old->value == e->value;
	bool to_memory = e->kind == PTE_PAGE || e->kind == PTE_ZERO || e->kind == PTE_SPECIAL;

	switch (e->why) {
	case PTE_WHY_FAULT:
		return from == PTE_NONE && to_memory;
	case PTE_WHY_COW:
		return (from == PTE_PAGE || from == PTE_ZERO || from == PTE_SPECIAL) &&
		       e->kind == PTE_PAGE;
	case PTE_WHY_FORK_CHILD:
		return from == PTE_NONE && !in_own_mm(m, e->mm_id);
	case PTE_WHY_FORK_PARENT:
		return same && in_own_mm(m, e->mm_id) && !(e->flags & PTEF_WRITE);
	case PTE_WHY_PROTECT:
		return same && in_own_mm(m, e->mm_id);
	case PTE_WHY_LAZYFREE:
		return same && in_own_mm(m, e->mm_id) && !(e->flags & HARDWARE_BITS);
	case PTE_WHY_MOVE:
		return from == PTE_NONE && in_own_mm(m, e->mm_id);
	case PTE_WHY_SWAPOUT:
		return from == PTE_PAGE && e->kind == PTE_SWAP;
	case PTE_WHY_SWAPIN:
		return from == PTE_SWAP && e->kind == PTE_PAGE;
	case PTE_WHY_MIGRATE:
		return from == PTE_PAGE && e->kind == PTE_PAGE && !same &&
		       e->flags == e->old_flags && is_compacting(m);
	default:
		return false;
	}
}

/* Whether the entry maps a page of a file. */
static bool maps_file(struct model *m, const struct pte *pte)
{
	const struct frame *frame = pte && pte->kind == PTE_PAGE ? frame_at(m, pte->value) : NULL;

	return frame && is_file_page(frame);
}

/* Whether an entry may be emptied for this reason now. */
static bool clear_is_legal(struct model *m, const struct trace_ev_pte_clear *e,
			   const struct pte *pte)
{
	const struct frame *frame;
	const struct vma *vma;
	const struct oom *oom;
	uint32_t mm_id = e->mm_id;

	switch (e->why) {
	case PTE_WHY_LAZYFREE:
		frame = frame_at(m, e->value);
		return frame && (frame->flags & PG_LAZYFREE) && e->old_kind == PTE_PAGE &&
		       !(e->old_flags & PTEF_DIRTY);
	case PTE_WHY_UNMAP:
	case PTE_WHY_MOVE:
		return in_own_mm(m, mm_id);
	case PTE_WHY_EXIT:
		return !in_own_mm(m, mm_id);
	case PTE_WHY_SWAPOUT:
		return maps_file(m, pte);
	case PTE_WHY_TRUNCATE:
		vma = pte ? vma_containing(m, mm_id, pte->entry.b) : NULL;
		return vma && i_mmap_of(m, (uint32_t)vma->entry.a);
	case PTE_WHY_OOM:
		map_for_each (&m->ooms, oom) {
			if (oom->t && oom->mm_id == mm_id)
				return true;
		}
		return m->first_kill_id == UINT32_MAX;
	default:
		return false;
	}
}

/* What is mapped from swap has been read. */
static void check_read(struct model *m, uint32_t pfn)
{
	const struct frame *frame = frame_at(m, pfn);

	if (frame && !(frame->flags & PG_UPTODATE))
		violation(m, fmt("frame %u, mapped from swap", pfn), fmt("up to date"),
			  fmt("flags 0x%x", frame->flags));
}

void on_pte_set(struct model *m, const struct trace_ev_pte_set *e)
{
	pte_set_entry(m, e, ENTRY);
}

void pte_set_entry(struct model *m, const struct trace_ev_pte_set *e, enum entry_kind by)
{
	struct pte *pte = map_find(&m->ptes, e->mm_id, e->va);

	check_old(m, e->mm_id, e->va, pte, e->old_kind, e->old_flags);
	check_target(m, e->kind, e->value, by);
	check_vma(m, e);
	if (!why_is_legal(m, e, pte))
		violation(m, entry_name(e->mm_id, e->va),
			  fmt("a change that %s makes", why_text(e->why)),
			  fmt("%s to %s", kind_text(e->old_kind), kind_text(e->kind)));
	if (e->why == PTE_WHY_SWAPIN)
		check_read(m, e->value);
	check_source(m, e, pte, by);
	if (pte && (pte->kind != e->kind || pte->value != e->value))
		check_left(m, pte, e->why);
	fault_note_change(m, e, pte);
	pmd_check_entry(m, e->mm_id, e->va);
	if (pte) {
		if (pte->kind == PTE_SWAP && e->why == PTE_WHY_SWAPIN)
			swap_slot_used(m, pte->value);
		pte_write_span(m, pte, m->event->t, why_text(e->why));
	} else {
		pte = pte_new(m, e->mm_id, e->va);
	}
	pte->t_begin = m->event->t;
	pte->kind = e->kind;
	pte->value = e->value;
	pte->flags = e->flags;
	pte->why = e->why;
}

void on_pte_clear(struct model *m, const struct trace_ev_pte_clear *e)
{
	struct pte *pte = map_find(&m->ptes, e->mm_id, e->va);
	struct mm *mm = mm_known(m, e->mm_id);

	check_old(m, e->mm_id, e->va, pte, e->old_kind, e->old_flags);
	pmd_check_entry(m, e->mm_id, e->va);
	if (!clear_is_legal(m, e, pte))
		violation(m, entry_name(e->mm_id, e->va), fmt("a reason that holds"),
			  fmt("%s", why_text(e->why)));
	if (!pte)
		return;
	if (pte->value != e->value)
		violation(m, entry_name(e->mm_id, e->va), fmt("value %u", pte->value),
			  fmt("%u", e->value));
	check_left(m, pte, e->why);
	if (e->why == PTE_WHY_MOVE)
		m->moved[m->event->cpu] = (struct source){pte->value, pte->kind};
	pte_write_span(m, pte, m->event->t, why_text(e->why));
	if (mm)
		mm->nr_ptes--;
	map_remove(&m->ptes, pte);
}

/* The accessed bit of a 2 MiB page is that of all its parts. */
static void pmd_young(struct model *m, uint32_t mm_id, uint64_t va)
{
	for (uint32_t i = 0; i < HUGE_NR; i++) {
		struct pte *pte = map_find(&m->ptes, mm_id, va + i * UINT64_C(4096));

		if (pte)
			pte->flags &= (uint16_t)~PTEF_ACCESSED;
	}
}

void on_pte_young(struct model *m, const struct trace_ev_pte_young *e)
{
	struct pte *pte = map_find(&m->ptes, e->mm_id, e->va);
	struct frame *frame;

	if (!pte || pte->kind != PTE_PAGE || pte->value != e->pfn) {
		violation(
			m, entry_name(e->mm_id, e->va), fmt("maps frame %u", e->pfn),
			fmt("%s %u", kind_text(pte ? pte->kind : PTE_NONE), pte ? pte->value : 0));
		return;
	}
	if (pmd_exists(m, e->mm_id, e->va))
		pmd_young(m, e->mm_id, e->va);
	else
		pmd_check_entry(m, e->mm_id, e->va);
	pte->flags &= (uint16_t)~PTEF_ACCESSED;
	frame = frame_at(m, e->pfn);
	if (frame)
		frame->nr_young++;
}

/* The mapping that a present entry is: in the first baseline records come from nothing else. */
static void adopt_rmap(struct model *m, const struct trace_ev_state_pte *e)
{
	uint64_t key = (uint64_t)e->value << 32 | e->mm_id;
	struct rmap *rmap = map_find(&m->rmaps, key, e->va);
	struct frame *frame;

	if (!rmap) {
		disagreement(m, fmt("mapping of frame %u at 0x%" PRIx64, e->value, (uint64_t)e->va),
			     fmt("none"), fmt("listed"));
		rmap = map_insert(&m->rmaps, key, e->va);
		rmap->t_begin = m->baseline_t;
		rmap->mapping_id = e->mapping_id;
		frame = frame_at(m, e->value);
		if (frame)
			frame->mapcount++;
	}
	if (rmap->mapping_id != e->mapping_id)
		disagreement(m, fmt("mapping of frame %u at 0x%" PRIx64, e->value, (uint64_t)e->va),
			     fmt("anon_vma %u", rmap->mapping_id), fmt("%u", e->mapping_id));
	rmap->mapping_id = e->mapping_id;
	rmap->entry.generation = m->generation;
}

static void pte_set_from_baseline(struct model *m, struct pte *pte,
				  const struct trace_ev_state_pte *e)
{
	pte->t_begin = m->baseline_t;
	pte->kind = e->kind;
	pte->value = e->value;
	pte->flags = e->flags;
	pte->why = WHY_BASELINE;
}

void on_state_pte(struct model *m, const struct trace_ev_state_pte *e)
{
	struct pte *pte = map_find(&m->ptes, e->mm_id, e->va);

	if (!pte) {
		disagreement(m, entry_name(e->mm_id, e->va), fmt("empty"),
			     fmt("%s %u", kind_text(e->kind), e->value));
		pte_set_from_baseline(m, pte_new(m, e->mm_id, e->va), e);
	} else if (pte->kind != e->kind || pte->value != e->value ||
		   !flags_agree(pte->flags, e->flags)) {
		disagreement(m, entry_name(e->mm_id, e->va),
			     fmt("%s %u flags 0x%x", kind_text(pte->kind), pte->value, pte->flags),
			     fmt("%s %u flags 0x%x", kind_text(e->kind), e->value, e->flags));
		pte_write_span(m, pte, m->baseline_t, "baseline");
		pte_set_from_baseline(m, pte, e);
	}
	if (pte)
		pte->entry.generation = m->generation;
	if (e->kind == PTE_ZERO && zero_page_is(m, e->value) != e->value)
		violation(m, entry_name(e->mm_id, e->va), fmt("zero page %u", m->zero_pfn),
			  fmt("%u", e->value));
	if (e->kind != PTE_PAGE && e->mapping_id)
		violation(m, entry_name(e->mm_id, e->va), fmt("no anon_vma: no page"),
			  fmt("%u", e->mapping_id));
	if (e->kind == PTE_PAGE)
		adopt_rmap(m, e);
}

void ptes_sweep(struct model *m)
{
	map_sweep(m, &m->ptes, "entry of mm, va", pte_span_end);
}

void ptes_flush(struct model *m)
{
	map_flush(m, &m->ptes, pte_span_end);
}
