/*
 * Page-table pages below the top one: which frame holds which part of which address space's tree.
 * The top one comes and goes with its address space.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static uint64_t table_key(uint32_t mm_id, uint32_t level)
{
	return (uint64_t)mm_id << 8 | (level & 0xff);
}

static struct text table_name(uint32_t mm_id, uint32_t level, uint64_t va)
{
	return fmt("level %u table of 0x%" PRIx64 " in mm %u", level, va, mm_id);
}

bool pgtable_exists(const struct model *m, uint32_t mm_id, uint32_t level, uint64_t va)
{
	return map_find(&m->pgtables, table_key(mm_id, level), va);
}

static void pgtable_new(struct model *m, uint32_t mm_id, uint32_t level, uint64_t va, uint32_t pfn)
{
	struct pgtable *table = map_insert(&m->pgtables, table_key(mm_id, level), va);
	struct frame *frame = frame_at(m, pfn);
	struct mm *mm = mm_known(m, mm_id);

	table->entry.generation = m->generation;
	table->pfn = pfn;
	table->t_begin = span_begin(m);
	if (frame)
		frame->nr_tables++;
	if (mm)
		mm->nr_pgtables++;
}

static void pgtable_span_end(struct model *m, void *record, uint64_t t)
{
	const struct pgtable *table = record;
	struct frame *frame;
	struct mm *mm;

	DB_INSERT(m->db, pgtable_span, INT(table->entry.a >> 8), INT(table->entry.b),
		  INT(table->entry.a & 0xff), INT(table->pfn), INT(table->t_begin), INT(t));
	if (t == T_OPEN)
		return;
	mm = map_find(&m->mms, table->entry.a >> 8, 0);
	frame = frame_at(m, table->pfn);
	if (mm)
		mm->nr_pgtables--;
	if (frame)
		frame->nr_tables--;
}

void on_pgtable_alloc(struct model *m, const struct trace_ev_pgtable_alloc *e)
{
	struct frame *frame = frame_allocated(m, e->pfn);

	if (map_find(&m->pgtables, table_key(e->mm_id, e->level), e->va)) {
		violation(m, table_name(e->mm_id, e->level, e->va), fmt("none"),
			  fmt("there is one"));
		return;
	}
	if (frame && frame->kind != PAGE_PGTABLE)
		violation(m, fmt("frame %u", e->pfn), fmt("of kind pgtable"),
			  fmt("%s", enum_text(ENUM_ID_page_kind, frame->kind)));
	if (frame && frame->nr_tables)
		violation(m, fmt("frame %u", e->pfn), fmt("no table yet"), fmt("linked elsewhere"));
	pgtable_new(m, e->mm_id, e->level, e->va, e->pfn);
}

void on_pgtable_free(struct model *m, const struct trace_ev_pgtable_free *e)
{
	struct pgtable *table = map_find(&m->pgtables, table_key(e->mm_id, e->level), e->va);

	if (!table || table->pfn != e->pfn)
		violation(m, table_name(e->mm_id, e->level, e->va), fmt("in frame %u", e->pfn),
			  table ? fmt("in frame %u", table->pfn) : fmt("none"));
	if (!table)
		return;
	pgtable_span_end(m, table, m->event->t);
	map_remove(&m->pgtables, table);
}

void on_state_pgtable(struct model *m, const struct trace_ev_state_pgtable *e)
{
	struct pgtable *table = map_find(&m->pgtables, table_key(e->mm_id, e->level), e->va);

	if (table && table->pfn == e->pfn) {
		table->entry.generation = m->generation;
		return;
	}
	disagreement(m, table_name(e->mm_id, e->level, e->va),
		     table ? fmt("in frame %u", table->pfn) : fmt("none"),
		     fmt("in frame %u", e->pfn));
	if (table) {
		pgtable_span_end(m, table, m->baseline_t);
		map_remove(&m->pgtables, table);
	}
	pgtable_new(m, e->mm_id, e->level, e->va, e->pfn);
}

/* Whether entries of several address spaces, or of one, are flushed for that reason. */
static bool flush_is_legal(struct model *m, const struct trace_ev_tlb_flush *e)
{
	bool own = in_own_mm(m, e->mm_id);

	switch (e->reason) {
	case TLB_RECLAIM:
		return !e->mm_id;
	case TLB_AGING:
	case TLB_MIGRATE:
		return true;
	case TLB_FORK:
	case TLB_PROTECT:
	case TLB_MOVE:
		return own;
	case TLB_EXIT:
		return e->mm_id && !own;
	default:
		return e->mm_id;
	}
}

/* What the CPUs hold is not modelled; who may hold something is. */
void on_tlb_flush(struct model *m, const struct trace_ev_tlb_flush *e)
{
	uint64_t there = (UINT64_C(1) << m->machine.nr_cpus % 64) - 1;
	uint64_t here = UINT64_C(1) << m->event->cpu % 64;

	if (e->mm_id)
		mm_known(m, e->mm_id);
	if (!e->cpus || e->cpus & ~(there & ~m->cpus_off) ||
	    (e->mm_id && in_own_mm(m, e->mm_id) && !(e->cpus & here)))
		violation(m, fmt("TLB entries of mm %u", e->mm_id),
			  fmt("CPUs of %" PRIx64 ", this one if it may have some",
			      there & ~m->cpus_off),
			  fmt("%" PRIx64, (uint64_t)e->cpus));
	if (!flush_is_legal(m, e))
		violation(m, fmt("TLB entries of mm %u", e->mm_id), fmt("a reason that holds"),
			  fmt("%s", enum_text(ENUM_ID_tlb_why, e->reason)));
}

void pgtables_sweep(struct model *m)
{
	map_sweep(m, &m->pgtables, "table of mm << 8 | level, va", pgtable_span_end);
}

void pgtables_flush(struct model *m)
{
	map_flush(m, &m->pgtables, pgtable_span_end);
}
