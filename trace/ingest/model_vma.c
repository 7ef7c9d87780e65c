/*
 * Address spaces and their VMAs. The ranges of an address space never overlap, not even between two
 * events: what makes room is emitted first (shrink before create, remove before grow).
 */
#include "trace/ingest/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WHY(why) enum_text(ENUM_ID_vma_why, why)

/* Index of the first range that begins above va. */
static uint32_t range_above(const struct mm *mm, uint64_t va)
{
	uint32_t low = 0, high = mm->nr_ranges;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (mm->ranges[middle].start > va)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

const struct vma *vma_containing(const struct model *m, uint32_t mm_id, uint64_t va)
{
	const struct mm *mm = map_find(&m->mms, mm_id, 0);
	uint32_t at = mm ? range_above(mm, va) : 0;

	if (at == 0 || mm->ranges[at - 1].end <= va)
		return NULL;
	return map_find(&m->vmas, mm->ranges[at - 1].vma_id, 0);
}

static void check_overlap(struct model *m, const struct mm *mm, uint32_t at,
			  const struct vma_range *range)
{
	const struct vma_range *other = NULL;

	if (at > 0 && mm->ranges[at - 1].end > range->start)
		other = &mm->ranges[at - 1];
	else if (at < mm->nr_ranges && mm->ranges[at].start < range->end)
		other = &mm->ranges[at];
	if (other)
		violation(m, fmt("vma %u", range->vma_id),
			  fmt("0x%" PRIx64 "-0x%" PRIx64 " is free", range->start, range->end),
			  fmt("vma %u at 0x%" PRIx64 "-0x%" PRIx64, other->vma_id, other->start,
			      other->end));
}

static void mm_add_range(struct model *m, struct mm *mm, const struct vma_range *range)
{
	uint32_t at = range_above(mm, range->start);

	if (mm->nr_ranges == mm->max_ranges) {
		mm->max_ranges = mm->max_ranges ? mm->max_ranges * 2 : 16;
		mm->ranges = xrealloc(mm->ranges, mm->max_ranges, sizeof(*mm->ranges));
	}
	check_overlap(m, mm, at, range);
	memmove(&mm->ranges[at + 1], &mm->ranges[at], (mm->nr_ranges - at) * sizeof(*mm->ranges));
	mm->ranges[at] = *range;
	mm->nr_ranges++;
}

static void mm_drop_range(struct mm *mm, uint32_t vma_id)
{
	for (uint32_t i = 0; i < mm->nr_ranges; i++) {
		if (mm->ranges[i].vma_id != vma_id)
			continue;
		mm->nr_ranges--;
		memmove(&mm->ranges[i], &mm->ranges[i + 1],
			(mm->nr_ranges - i) * sizeof(*mm->ranges));
		return;
	}
}

/* The top table is linked for as long as the address space is there. */
static void count_top_table(struct model *m, const struct mm *mm, int change)
{
	struct frame *frame = frame_at(m, mm->pgd_pfn);

	if (frame)
		frame->nr_tables += (uint32_t)change;
}

static void mm_new(struct model *m, uint32_t mm_id, uint32_t pgd_pfn)
{
	struct mm *mm = map_insert(&m->mms, mm_id, 0);

	mm->entry.generation = m->generation;
	mm->pgd_pfn = pgd_pfn;
	mm->t_begin = span_begin(m);
	count_top_table(m, mm, 1);
}

static void mm_span_end(struct model *m, void *record, uint64_t t)
{
	struct mm *mm = record;

	DB_INSERT(m->db, mm_span, INT(mm->entry.a), INT(mm->t_begin), INT(t), INT(mm->pgd_pfn));
	if (t == T_OPEN)
		return;
	count_top_table(m, mm, -1);
	free(mm->ranges);
	mm->ranges = NULL;
}

void on_mm_create(struct model *m, const struct trace_ev_mm_create *e)
{
	const struct frame *frame;

	if (map_find(&m->mms, e->mm_id, 0)) {
		violation(m, fmt("mm %u", e->mm_id), fmt("a new number"), fmt("exists"));
		return;
	}
	frame = frame_allocated(m, e->pgd_pfn);
	if (frame && (frame->kind != PAGE_PGTABLE || frame->nr_tables))
		violation(m, fmt("frame %u", e->pgd_pfn), fmt("an unused page table"),
			  frame->nr_tables
				  ? fmt("linked")
				  : fmt("kind %s", enum_text(ENUM_ID_page_kind, frame->kind)));
	mm_new(m, e->mm_id, e->pgd_pfn);
}

void on_mm_destroy(struct model *m, const struct trace_ev_mm_destroy *e)
{
	struct mm *mm = mm_known(m, e->mm_id);

	if (!mm)
		return;
	if (mm->nr_ranges || mm->nr_ptes || mm->nr_pgtables)
		violation(m, fmt("mm %u", e->mm_id), fmt("empty"),
			  fmt("%u VMAs, %u entries, %u page tables", mm->nr_ranges, mm->nr_ptes,
			      mm->nr_pgtables));
	mm_span_end(m, mm, m->event->t);
	map_remove(&m->mms, mm);
}

void on_state_mm(struct model *m, const struct trace_ev_state_mm *e)
{
	struct mm *mm = map_find(&m->mms, e->mm_id, 0);

	if (!mm) {
		disagreement(m, fmt("mm %u", e->mm_id), fmt("unknown"), fmt("listed"));
		mm_new(m, e->mm_id, e->pgd_pfn);
		return;
	}
	mm->entry.generation = m->generation;
	if (mm->pgd_pfn != e->pgd_pfn)
		disagreement(m, fmt("mm %u", e->mm_id), fmt("top table in frame %u", mm->pgd_pfn),
			     fmt("%u", e->pgd_pfn));
	mm->pgd_pfn = e->pgd_pfn;
}

static struct vma *vma_known(struct model *m, uint32_t vma_id)
{
	struct vma *vma = map_find(&m->vmas, vma_id, 0);

	if (!vma)
		violation(m, fmt("vma %u", vma_id), fmt("exists"), fmt("unknown"));
	return vma;
}

static void vma_write_span(struct model *m, const struct vma *vma, uint64_t t, const char *why_out)
{
	DB_INSERT(m->db, vma_span, INT(vma->entry.a), INT(vma->mm_id), INT(vma->start),
		  INT(vma->end), INT(vma->flags), INT(vma->t_begin), INT(t), INT(vma->anon_vma_id),
		  TEXT(vma->why_in), why_out ? TEXT(why_out) : NIL);
}

/* One span ends and, with what the caller changes next, another begins. */
static void vma_turn_span(struct model *m, struct vma *vma, uint64_t t, const char *why)
{
	vma_write_span(m, vma, t, why);
	vma->t_begin = t;
	vma->why_in = why;
}

/* At the end of the trace, or because a baseline did not list it. */
static void vma_span_end(struct model *m, void *record, uint64_t t)
{
	struct vma *vma = record;
	struct mm *mm;

	vma_write_span(m, vma, t, t == T_OPEN ? NULL : "baseline");
	mm = t == T_OPEN ? NULL : map_find(&m->mms, vma->mm_id, 0);
	if (mm)
		mm_drop_range(mm, (uint32_t)vma->entry.a);
}

static struct vma *vma_new(struct model *m, const struct vma_range *range, uint32_t mm_id,
			   uint32_t flags, const char *why)
{
	struct mm *mm = mm_known(m, mm_id);
	struct vma *vma = map_insert(&m->vmas, range->vma_id, 0);

	vma->entry.generation = m->generation;
	vma->mm_id = mm_id;
	vma->start = range->start;
	vma->end = range->end;
	vma->flags = flags;
	vma->t_begin = span_begin(m);
	vma->why_in = why;
	if (mm)
		mm_add_range(m, mm, range);
	return vma;
}

static void vma_set_range(struct model *m, struct vma *vma, uint64_t start, uint64_t end)
{
	struct mm *mm = map_find(&m->mms, vma->mm_id, 0);

	vma->start = start;
	vma->end = end;
	if (!mm)
		return;
	mm_drop_range(mm, (uint32_t)vma->entry.a);
	mm_add_range(m, mm, &(struct vma_range){start, end, (uint32_t)vma->entry.a});
}

static bool range_is_legal(struct model *m, uint32_t vma_id, uint64_t start, uint64_t end)
{
	if (start < end && start % 4096 == 0 && end % 4096 == 0)
		return true;
	violation(m, fmt("vma %u", vma_id), fmt("whole pages, at least one"),
		  fmt("0x%" PRIx64 "-0x%" PRIx64, start, end));
	return false;
}

/* Flags that a child does not inherit: mlock is its caller's affair. */
#define NOT_INHERITED (VM_LOCKED | VM_LOCKONFAULT)

/* A VMA of a child is like its parent's, the upper part of one that was cut like the lower. */
static void check_origin(struct model *m, const struct trace_ev_vma_create *e)
{
	const struct task *task = current_task(m);
	const struct vma *like = NULL;

	switch (e->why) {
	case VMA_WHY_FORK:
		like = task ? vma_containing(m, task->mm_id, e->va_start) : NULL;
		if (!task || task->mm_id == e->mm_id || !like || like->start != e->va_start ||
		    like->end != e->va_end || (like->flags & ~(uint32_t)NOT_INHERITED) != e->flags)
			break;
		return;
	case VMA_WHY_SPLIT:
		like = vma_containing(m, e->mm_id, e->va_start - 1);
		if (!like || like->flags != e->flags)
			break;
		return;
	case VMA_WHY_MMAP:
	case VMA_WHY_BRK:
	case VMA_WHY_MREMAP:
		if (!in_own_mm(m, e->mm_id))
			break;
		return;
	case VMA_WHY_EXEC:
		return;
	}
	violation(m, fmt("vma %u", e->vma_id), fmt("what it comes from: %s", WHY(e->why)),
		  like ? fmt("0x%" PRIx64 "-0x%" PRIx64 " flags 0x%x", like->start, like->end,
			     like->flags)
		       : fmt("none"));
}

/* How each reason may move the bounds. */
static bool resize_is_legal(const struct vma *vma, const struct trace_ev_vma_resize *e)
{
	switch (e->why) {
	case VMA_WHY_SPLIT:
		return e->va_start == vma->start && e->va_end < vma->end;
	case VMA_WHY_MERGE:
	case VMA_WHY_MMAP:
	case VMA_WHY_BRK:
	case VMA_WHY_MREMAP:
		return (e->va_start == vma->start && e->va_end > vma->end) ||
		       (e->va_start < vma->start && e->va_end == vma->end);
	case VMA_WHY_GROW:
		return e->va_start < vma->start && e->va_end == vma->end;
	default:
		return false;
	}
}

void on_vma_create(struct model *m, const struct trace_ev_vma_create *e)
{
	if (map_find(&m->vmas, e->vma_id, 0)) {
		violation(m, fmt("vma %u", e->vma_id), fmt("a new number"), fmt("exists"));
		return;
	}
	check_origin(m, e);
	if (range_is_legal(m, e->vma_id, e->va_start, e->va_end))
		vma_new(m, &(struct vma_range){e->va_start, e->va_end, e->vma_id}, e->mm_id,
			e->flags, WHY(e->why));
}

void on_vma_resize(struct model *m, const struct trace_ev_vma_resize *e)
{
	struct vma *vma = vma_known(m, e->vma_id);

	if (!vma || !range_is_legal(m, e->vma_id, e->va_start, e->va_end))
		return;
	if (!resize_is_legal(vma, e))
		violation(m, fmt("vma %u", e->vma_id),
			  fmt("%s of 0x%" PRIx64 "-0x%" PRIx64, WHY(e->why), vma->start, vma->end),
			  fmt("0x%" PRIx64 "-0x%" PRIx64, (uint64_t)e->va_start,
			      (uint64_t)e->va_end));
	if (e->why == VMA_WHY_GROW)
		fault_note_growth(m);
	vma_turn_span(m, vma, m->event->t, WHY(e->why));
	i_mmap_move(m, e->vma_id, ((int64_t)e->va_start - (int64_t)vma->start) / 4096);
	vma_set_range(m, vma, e->va_start, e->va_end);
}

void on_vma_protect(struct model *m, const struct trace_ev_vma_protect *e)
{
	struct vma *vma = vma_known(m, e->vma_id);

	if (!vma)
		return;
	if (vma->flags == e->flags)
		violation(m, fmt("vma %u", e->vma_id), fmt("other flags than 0x%x", vma->flags),
			  fmt("the same"));
	vma_turn_span(m, vma, m->event->t, WHY(VMA_WHY_PROTECT));
	vma->flags = e->flags;
}

void on_anon_vma_attach(struct model *m, const struct trace_ev_anon_vma_attach *e)
{
	struct vma *vma = vma_known(m, e->vma_id);

	if (e->anon_vma_id && !map_find(&m->avcs, e->vma_id, e->anon_vma_id))
		violation(m, fmt("vma %u", e->vma_id), fmt("linked to anon_vma %u", e->anon_vma_id),
			  fmt("no link"));
	if (!vma)
		return;
	if (vma->anon_vma_id == e->anon_vma_id)
		violation(m, fmt("vma %u", e->vma_id),
			  fmt("another anon_vma than %u", vma->anon_vma_id), fmt("the same"));
	vma_turn_span(m, vma, m->event->t, "attach");
	vma->anon_vma_id = e->anon_vma_id;
}

void on_vma_remove(struct model *m, const struct trace_ev_vma_remove *e)
{
	struct vma *vma = vma_known(m, e->vma_id);
	struct mm *mm;

	if (!vma)
		return;
	if (vma->nr_links)
		violation(m, fmt("vma %u", e->vma_id), fmt("no chain links"),
			  fmt("%u links", vma->nr_links));
	if (e->why != VMA_WHY_EXIT && e->why != VMA_WHY_UNMAP && e->why != VMA_WHY_MERGE)
		violation(m, fmt("vma %u", e->vma_id), fmt("exit, unmap or merge"),
			  fmt("%s", WHY(e->why)));
	else if ((e->why == VMA_WHY_EXIT) == in_own_mm(m, vma->mm_id))
		violation(m, fmt("vma %u", e->vma_id),
			  in_own_mm(m, vma->mm_id) ? fmt("its task lives")
						   : fmt("its task is no more"),
			  fmt("%s", WHY(e->why)));
	vma_write_span(m, vma, m->event->t, WHY(e->why));
	mm = map_find(&m->mms, vma->mm_id, 0);
	if (mm)
		mm_drop_range(mm, e->vma_id);
	map_remove(&m->vmas, vma);
}

void on_state_vma(struct model *m, const struct trace_ev_state_vma *e)
{
	struct vma *vma = map_find(&m->vmas, e->vma_id, 0);

	if (!range_is_legal(m, e->vma_id, e->va_start, e->va_end))
		return;
	if (!vma) {
		disagreement(m, fmt("vma %u", e->vma_id), fmt("unknown"), fmt("listed"));
		vma = vma_new(m, &(struct vma_range){e->va_start, e->va_end, e->vma_id}, e->mm_id,
			      e->flags, "baseline");
		vma->anon_vma_id = e->anon_vma_id;
		return;
	}
	vma->entry.generation = m->generation;
	if (vma->mm_id != e->mm_id)
		disagreement(m, fmt("vma %u", e->vma_id), fmt("mm %u", vma->mm_id),
			     fmt("mm %u", e->mm_id));
	if (vma->start == e->va_start && vma->end == e->va_end && vma->flags == e->flags &&
	    vma->anon_vma_id == e->anon_vma_id)
		return;
	disagreement(m, fmt("vma %u", e->vma_id),
		     fmt("0x%" PRIx64 "-0x%" PRIx64 " flags 0x%x anon_vma %u", vma->start, vma->end,
			 vma->flags, vma->anon_vma_id),
		     fmt("0x%" PRIx64 "-0x%" PRIx64 " flags 0x%x anon_vma %u",
			 (uint64_t)e->va_start, (uint64_t)e->va_end, e->flags, e->anon_vma_id));
	vma_turn_span(m, vma, m->baseline_t, "baseline");
	vma->flags = e->flags;
	vma->anon_vma_id = e->anon_vma_id;
	vma_set_range(m, vma, e->va_start, e->va_end);
}

void address_spaces_sweep(struct model *m)
{
	map_sweep(m, &m->vmas, "vma", vma_span_end);
	map_sweep(m, &m->mms, "mm", mm_span_end);
}

void address_spaces_flush(struct model *m)
{
	map_flush(m, &m->vmas, vma_span_end);
	map_flush(m, &m->mms, mm_span_end);
}
