/*
 * 2 MiB pages of programs. To the model they are 512 entries like any others, so whatever looks at
 * entries need not know of them; here stands which of them are one entry of level 2, with no table
 * below. pmd_set, pmd_change and pmd_clear are replayed as their 512 parts; a split and a merge change no
 * entry, only whether there is a table.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

#define PARTS     HUGE_NR
#define PAGE_SIZE 4096
#define PMD_SIZE  (PARTS * (uint64_t)PAGE_SIZE)

#define HARDWARE_BITS (PTEF_ACCESSED | PTEF_DIRTY)

static struct text pmd_name(uint32_t mm_id, uint64_t va)
{
	return fmt("2 MiB page at 0x%" PRIx64 " in mm %u", va, mm_id);
}

static struct pmd *pmd_at(const struct model *m, uint32_t mm_id, uint64_t va)
{
	return map_find(&m->pmds, mm_id, va & ~(PMD_SIZE - 1));
}

void pmd_check_entry(struct model *m, uint32_t mm_id, uint64_t va)
{
	if (m->pmds.count && pmd_at(m, mm_id, va))
		violation(m, pmd_name(mm_id, va & ~(PMD_SIZE - 1)), fmt("split before"),
			  fmt("its entry of 0x%" PRIx64 " changed", va));
}

bool pmd_exists(const struct model *m, uint32_t mm_id, uint64_t va)
{
	return m->pmds.count && map_find(&m->pmds, mm_id, va);
}

bool pmd_maps(const struct model *m, uint32_t mm_id, uint64_t va, uint32_t pfn)
{
	const struct pmd *pmd = map_find(&m->pmds, mm_id, va);

	return pmd && pmd->pfn == pfn;
}

/* Whether the numbers can be those of a 2 MiB page. */
static bool is_aligned(struct model *m, uint32_t mm_id, uint64_t va, uint32_t pfn)
{
	if (va % PMD_SIZE == 0 && pfn % PARTS == 0)
		return true;
	violation(m, pmd_name(mm_id, va), fmt("address and frame by 2 MiB"), fmt("frame %u", pfn));
	return false;
}

static void pmd_span_end(struct model *m, void *record, uint64_t t)
{
	const struct pmd *pmd = record;

	DB_INSERT(m->db, pmd_span, INT(pmd->entry.a), INT(pmd->entry.b), INT(pmd->pfn),
		  INT(pmd->flags), INT(pmd->t_begin), INT(t));
}

static void pmd_new(struct model *m, uint32_t mm_id, uint64_t va, uint32_t pfn, uint16_t flags)
{
	struct pmd *pmd = map_insert(&m->pmds, mm_id, va);

	pmd->entry.generation = m->generation;
	pmd->t_begin = span_begin(m);
	pmd->pfn = pfn;
	pmd->flags = flags;
}

/* The page that an event takes apart or away, removed from the model; false, told, when there is
 * none with that frame. */
static bool pmd_end(struct model *m, uint32_t mm_id, uint64_t va, uint32_t pfn)
{
	struct pmd *pmd = map_find(&m->pmds, mm_id, va);

	if (!pmd || pmd->pfn != pfn) {
		violation(m, pmd_name(mm_id, va), fmt("of frame %u", pfn),
			  pmd ? fmt("of frame %u", pmd->pfn) : fmt("none"));
		return false;
	}
	pmd_span_end(m, pmd, m->event->t);
	map_remove(&m->pmds, pmd);
	return true;
}

/* Enters the 512 parts; e->old_flags are those of parts of kind `old_kind`. */
static void set_parts(struct model *m, const struct trace_ev_pmd_change *e, uint8_t old_kind)
{
	for (uint32_t i = 0; i < PARTS; i++)
		pte_set_entry(m,
			      &(struct trace_ev_pte_set){.va = e->va + i * (uint64_t)PAGE_SIZE,
							 .mm_id = e->mm_id,
							 .value = e->pfn + i,
							 .flags = e->flags,
							 .old_flags = e->old_flags,
							 .kind = PTE_PAGE,
							 .old_kind = old_kind,
							 .why = e->why},
			      PART_OF_PMD);
}

void on_pmd_set(struct model *m, const struct trace_ev_pmd_set *e)
{
	if (!is_aligned(m, e->mm_id, e->va, e->pfn))
		return;
	if (pmd_at(m, e->mm_id, e->va) || pgtable_exists(m, e->mm_id, 1, e->va)) {
		violation(m, pmd_name(e->mm_id, e->va), fmt("an empty entry of level 2"),
			  fmt("a page or a table"));
		return;
	}
	set_parts(m,
		  &(struct trace_ev_pmd_change){.va = e->va,
						.mm_id = e->mm_id,
						.pfn = e->pfn,
						.flags = e->flags,
						.why = e->why},
		  PTE_NONE);
	pmd_new(m, e->mm_id, e->va, e->pfn, e->flags);
}

void on_pmd_change(struct model *m, const struct trace_ev_pmd_change *e)
{
	if (!is_aligned(m, e->mm_id, e->va, e->pfn) || !pmd_end(m, e->mm_id, e->va, e->pfn))
		return;
	set_parts(m, e, PTE_PAGE);
	pmd_new(m, e->mm_id, e->va, e->pfn, e->flags);
}

void on_pmd_clear(struct model *m, const struct trace_ev_pmd_clear *e)
{
	if (!is_aligned(m, e->mm_id, e->va, e->pfn) || !pmd_end(m, e->mm_id, e->va, e->pfn))
		return;
	/* A move splits it first. */
	if (e->why == PTE_WHY_MOVE)
		violation(m, pmd_name(e->mm_id, e->va), fmt("split before it moves"), fmt("whole"));
	for (uint32_t i = 0; i < PARTS; i++)
		on_pte_clear(m, &(struct trace_ev_pte_clear){.va = e->va + i * (uint64_t)PAGE_SIZE,
							     .mm_id = e->mm_id,
							     .value = e->pfn + i,
							     .old_flags = e->old_flags,
							     .old_kind = PTE_PAGE,
							     .why = e->why});
}

/* The entries that a 2 MiB page stands for: consecutive frames, and flags that the CPU may have added
 * to; the event says by which. */
static void check_parts(struct model *m, uint32_t mm_id, uint64_t va, uint32_t pfn, uint16_t flags)
{
	for (uint32_t i = 0; i < PARTS; i++) {
		struct pte *pte = map_find(&m->ptes, mm_id, va + i * (uint64_t)PAGE_SIZE);

		if (pte && pte->kind == PTE_PAGE && pte->value == pfn + i &&
		    ((pte->flags ^ flags) & ~HARDWARE_BITS) == 0 && (pte->flags & ~flags) == 0) {
			pte->flags = flags;
			continue;
		}
		violation(m, pmd_name(mm_id, va),
			  fmt("entry %u: frame %u, flags within 0x%x", i, pfn + i, flags),
			  pte ? fmt("%u, flags 0x%x", pte->value, pte->flags) : fmt("none"));
		return;
	}
}

void on_pmd_split(struct model *m, const struct trace_ev_pmd_split *e)
{
	if (!is_aligned(m, e->mm_id, e->va, e->pfn) || !pmd_end(m, e->mm_id, e->va, e->pfn))
		return;
	check_parts(m, e->mm_id, e->va, e->pfn, e->flags);
	on_pgtable_alloc(m,
			 &(struct trace_ev_pgtable_alloc){
				 .va = e->va, .mm_id = e->mm_id, .pfn = e->table_pfn, .level = 1});
}

void on_pmd_merge(struct model *m, const struct trace_ev_pmd_merge *e)
{
	if (!is_aligned(m, e->mm_id, e->va, e->pfn))
		return;
	if (pmd_at(m, e->mm_id, e->va)) {
		violation(m, pmd_name(e->mm_id, e->va), fmt("none yet"), fmt("there is one"));
		return;
	}
	check_parts(m, e->mm_id, e->va, e->pfn, e->flags);
	on_pgtable_free(m,
			&(struct trace_ev_pgtable_free){
				.va = e->va, .mm_id = e->mm_id, .pfn = e->table_pfn, .level = 1});
	pmd_new(m, e->mm_id, e->va, e->pfn, e->flags);
}

void on_state_pmd(struct model *m, const struct trace_ev_state_pmd *e)
{
	struct pmd *pmd = map_find(&m->pmds, e->mm_id, e->va);

	if (!is_aligned(m, e->mm_id, e->va, e->pfn))
		return;
	if (!pmd || pmd->pfn != e->pfn) {
		disagreement(m, pmd_name(e->mm_id, e->va),
			     pmd ? fmt("of frame %u", pmd->pfn) : fmt("none"),
			     fmt("of frame %u", e->pfn));
		if (pmd) {
			pmd_span_end(m, pmd, m->baseline_t);
			map_remove(&m->pmds, pmd);
		}
		pmd_new(m, e->mm_id, e->va, e->pfn, e->flags);
	} else {
		pmd->entry.generation = m->generation;
	}
	for (uint32_t i = 0; i < PARTS; i++)
		on_state_pte(m, &(struct trace_ev_state_pte){.va = e->va + i * (uint64_t)PAGE_SIZE,
							     .mm_id = e->mm_id,
							     .value = e->pfn + i,
							     .mapping_id = e->mapping_id,
							     .flags = e->flags,
							     .kind = PTE_PAGE});
}

void pmds_sweep(struct model *m)
{
	map_sweep(m, &m->pmds, "2 MiB page of mm, va", pmd_span_end);
}

void pmds_flush(struct model *m)
{
	map_flush(m, &m->pmds, pmd_span_end);
}
