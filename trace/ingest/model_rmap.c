/*
 * Reverse mappings: which entries map a page, and how many.
 *
 * The set of mappings is exact: each is added and removed under the lock of its entry. The count
 * that an event carries is not: two entries of one page lie under two locks, so two CPUs may count
 * in one order and stamp in the other. The model therefore asks only that *some* order of the
 * events explains their counts. Events whose counts do not follow wait in a window until others of
 * the same page explain them; what is not explained when the window is full, the page is freed or
 * the machine stands still, is a violation. Counting by the model alone was rejected: it would
 * believe a kernel whose count is wrong.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static uint64_t rmap_key(uint32_t pfn, uint32_t mm_id)
{
	return (uint64_t)pfn << 32 | mm_id;
}

static struct text mapping_name(uint32_t pfn, uint32_t mm_id, uint64_t va)
{
	return fmt("mapping of frame %u at 0x%" PRIx64 " in mm %u", pfn, va, mm_id);
}

static void rmap_span_end(struct model *m, void *record, uint64_t t)
{
	const struct rmap *rmap = record;
	struct frame *frame;

	DB_INSERT(m->db, rmap_span, INT(rmap->entry.a >> 32), INT(rmap->entry.a & UINT32_MAX),
		  INT(rmap->entry.b), INT(rmap->mapping_id), INT(rmap->t_begin), INT(t));
	if (t == T_OPEN)
		return;
	frame = frame_at(m, (uint32_t)(rmap->entry.a >> 32));
	if (frame)
		frame->mapcount--;
}

/* Whether some order of the waiting events, each CPU's in its own order, leads from `count` through
 * all their counts. */
static bool explained(const struct count_window *window, uint32_t placed, int64_t count)
{
	if (placed == (1u << window->nr) - 1)
		return true;
	for (uint32_t i = 0; i < window->nr; i++) {
		bool blocked = placed >> i & 1 ||
			       window->waiting[i].found != count + window->waiting[i].change;

		for (uint32_t j = 0; j < i && !blocked; j++)
			blocked = !(placed >> j & 1) &&
				  window->waiting[j].cpu == window->waiting[i].cpu;
		if (!blocked && explained(window, placed | 1u << i, window->waiting[i].found))
			return true;
	}
	return false;
}

void mapcount_settle(struct model *m, uint32_t pfn)
{
	struct count_window *window = map_find(&m->count_windows, pfn, 0);

	if (!window)
		return;
	violation(m, fmt("frame %u", pfn),
		  fmt("mapcount %" PRId64 " in event %" PRIu64,
		      window->base + window->waiting[0].change, window->waiting[0].rank),
		  fmt("%" PRId64, window->waiting[0].found));
	map_remove(&m->count_windows, window);
}

/* Compares the count that an event carries with the model's, before (`base`) and after `change`. */
static void check_count(struct model *m, uint32_t pfn, int64_t base, int change, int64_t found)
{
	struct count_window *window = map_find(&m->count_windows, pfn, 0);

	if (!window && base + change == found)
		return;
	if (!window) {
		window = map_insert(&m->count_windows, pfn, 0);
		window->base = base;
	}
	window->waiting[window->nr++] =
		(struct waiting_count){m->event->rank, found, change, m->event->cpu};
	if (explained(window, 0, window->base))
		map_remove(&m->count_windows, window);
	else if (window->nr == MAX_WAITING_COUNTS)
		mapcount_settle(m, pfn);
}

static void rmap_new(struct model *m, const struct trace_ev_rmap_add *e, uint32_t part)
{
	uint32_t pfn = e->pfn + part;
	struct rmap *rmap =
		map_insert(&m->rmaps, rmap_key(pfn, e->mm_id), e->va + part * UINT64_C(4096));
	struct frame *frame = frame_at(m, pfn);

	rmap->entry.generation = m->generation;
	rmap->mapping_id = e->mapping_id;
	rmap->t_begin = m->event->t;
	if (frame)
		frame->mapcount++;
}

/* Whoever follows the page's anon_vma finds the mapping only through a link to its VMA. */
static void check_chain(struct model *m, const struct trace_ev_rmap_add *e)
{
	const struct vma *vma = vma_containing(m, e->mm_id, e->va);

	if (!vma || !map_find(&m->avcs, vma->entry.a, e->mapping_id) || !vma->anon_vma_id)
		violation(m, mapping_name(e->pfn, e->mm_id, e->va),
			  fmt("a VMA with an anon_vma, linked to %u", e->mapping_id),
			  vma ? fmt("vma %" PRIu64 ", anon_vma %u", vma->entry.a, vma->anon_vma_id)
			      : fmt("none"));
}

/* The same for a page of a file, by where the VMA and the page lie in it. */
static void check_file(struct model *m, const struct frame *frame,
		       const struct trace_ev_rmap_add *e)
{
	const struct vma *vma = vma_containing(m, e->mm_id, e->va);
	const struct i_mmap *link = vma ? i_mmap_of(m, (uint32_t)vma->entry.a) : NULL;
	uint64_t pgoff = link ? link->pgoff + (e->va - vma->start) / 4096 : 0;

	if (!link || link->mapping_id != e->mapping_id || frame->mapping_id != e->mapping_id ||
	    frame->pgoff != pgoff)
		violation(m, mapping_name(e->pfn, e->mm_id, e->va),
			  link ? fmt("page %" PRIu64 " of mapping %u", pgoff, link->mapping_id)
			       : fmt("a VMA of a file"),
			  fmt("page %" PRIu64 " of mapping %u, by mapping %u", frame->pgoff,
			      frame->mapping_id, e->mapping_id));
}

/* An entry is set before its mapping is counted, but for one that mremap is about to move: there is none yet. */
static void check_entered(struct model *m, const struct trace_ev_rmap_add *e)
{
	const struct pte *pte = map_find(&m->ptes, e->mm_id, e->va);

	if (pte && (pte->kind != PTE_PAGE || pte->value != e->pfn))
		violation(m, mapping_name(e->pfn, e->mm_id, e->va),
			  fmt("an entry with it, or none"),
			  fmt("%s %u", enum_text(ENUM_ID_pte_kind, pte->kind), pte->value));
}

void on_rmap_add(struct model *m, const struct trace_ev_rmap_add *e)
{
	struct frame *frame = frame_allocated(m, e->pfn);
	uint32_t nr = frame ? page_nr_frames(frame) : 1;

	mm_known(m, e->mm_id);
	if (frame && is_file_page(frame))
		check_file(m, frame, e);
	else
		check_chain(m, e);
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t va = e->va + i * UINT64_C(4096);

		if (map_find(&m->rmaps, rmap_key(e->pfn + i, e->mm_id), va)) {
			violation(m, mapping_name(e->pfn + i, e->mm_id, va), fmt("none"),
				  fmt("added before"));
			return;
		}
	}
	if (nr > 1 && !pmd_maps(m, e->mm_id, e->va, e->pfn))
		violation(m, mapping_name(e->pfn, e->mm_id, e->va), fmt("by an entry of level 2"),
			  fmt("none"));
	if (nr == 1)
		check_entered(m, e);
	if (frame)
		check_count(m, e->pfn, frame->mapcount, 1, e->mapcount);
	for (uint32_t i = 0; i < nr; i++)
		rmap_new(m, e, i);
}

/* Ends the mapping of one frame. */
static void rmap_end(struct model *m, const struct trace_ev_rmap_remove *e, uint32_t part)
{
	uint32_t pfn = e->pfn + part;
	uint64_t va = e->va + part * UINT64_C(4096);
	struct rmap *rmap = map_find(&m->rmaps, rmap_key(pfn, e->mm_id), va);

	if (!rmap) {
		violation(m, mapping_name(pfn, e->mm_id, va), fmt("added before"), fmt("none"));
		return;
	}
	if (rmap->mapping_id != e->mapping_id)
		violation(m, mapping_name(pfn, e->mm_id, va), fmt("anon_vma %u", rmap->mapping_id),
			  fmt("%u", e->mapping_id));
	rmap_span_end(m, rmap, m->event->t);
	map_remove(&m->rmaps, rmap);
}

/* A copy on write uncounts the page that it will replace, whatever else takes a page out uncounts it afterwards; only
 * where compaction moves it, another one is there already. */
static void check_not_another(struct model *m, const struct trace_ev_rmap_remove *e)
{
	const struct pte *pte = map_find(&m->ptes, e->mm_id, e->va);

	if (pte && pte->kind == PTE_PAGE && pte->value != e->pfn && !is_compacting(m))
		violation(m, mapping_name(e->pfn, e->mm_id, e->va),
			  fmt("an entry with it, or none"), fmt("frame %u", pte->value));
}

void on_rmap_remove(struct model *m, const struct trace_ev_rmap_remove *e)
{
	struct frame *frame = frame_at(m, e->pfn);
	uint32_t nr = frame ? page_nr_frames(frame) : 1;

	if (frame && map_find(&m->rmaps, rmap_key(e->pfn, e->mm_id), e->va))
		check_count(m, e->pfn, frame->mapcount, -1, e->mapcount);
	if (nr == 1)
		check_not_another(m, e);
	for (uint32_t i = 0; i < nr; i++)
		rmap_end(m, e, i);
}

void rmaps_settle(struct model *m)
{
	struct count_window *window;

	while ((window = map_next(&m->count_windows, NULL)))
		mapcount_settle(m, (uint32_t)window->entry.a);
}

void rmaps_sweep(struct model *m)
{
	map_sweep(m, &m->rmaps, "mapping of pfn << 32 | mm, va", rmap_span_end);
}

void rmaps_flush(struct model *m)
{
	map_flush(m, &m->rmaps, rmap_span_end);
}
