/*
 * Frames of the slab caches: which cache took them gives them back, before they are freed.
 */
#include "trace/ingest/model.h"

/* FNV-1a; never 0. */
static uint32_t name_hash(const char name[16])
{
	uint32_t hash = 2166136261u;

	for (int i = 0; i < 16; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return hash | 1;
}

static struct frame *slab_frame(struct model *m, uint32_t pfn, uint32_t order)
{
	struct frame *frame = frame_allocated(m, pfn);

	if (frame && (frame->kind != PAGE_SLAB || frame->order != order))
		violation(m, fmt("frame %u", pfn), fmt("allocated for slabs, order %u", order),
			  fmt("for %s, order %u", enum_text(ENUM_ID_page_kind, frame->kind),
			      frame->order));
	return frame;
}

void on_slab_grow(struct model *m, const struct trace_ev_slab_grow *e)
{
	struct frame *frame = slab_frame(m, e->pfn, e->order);

	if (!frame)
		return;
	if (frame->slab)
		violation(m, fmt("frame %u", e->pfn), fmt("in no slab cache"), fmt("in one"));
	frame->slab = name_hash(e->cache);
}

void on_slab_shrink(struct model *m, const struct trace_ev_slab_shrink *e)
{
	struct frame *frame = slab_frame(m, e->pfn, e->order);
	struct task *task;

	if (!frame)
		return;
	/* Which cache has a frame that was there before tracing is not known. */
	if (frame->slab ? frame->slab != name_hash(e->cache) : frame->life_id > m->baseline_rank)
		violation(m, fmt("frame %u", e->pfn), fmt("in the cache that took it"),
			  fmt("%.16s", e->cache));
	frame->slab = 0;
	task = current_task(m);
	if (task)
		task->nr_slabs_freed++;
}

void on_mm_shrink_slab_end(struct model *m, const struct trace_ev_mm_shrink_slab_end *e)
{
	struct task *task = current_task(m);
	bool whole;

	if (!task)
		return;
	/* The first one may have begun before tracing. What a task gave back because it freed the last object is among what it was
	 * seen to give back, and not counted here. */
	whole = task->slabs_told || task->t_begin > m->baseline_t;
	if (!e->nr_freed || (whole && e->nr_freed > task->nr_slabs_freed))
		violation(m, fmt("slabs"), fmt("at most %u given back", task->nr_slabs_freed),
			  fmt("%u", e->nr_freed));
	task->slabs_told = true;
	task->nr_slabs_freed = 0;
}

void slab_check_free(struct model *m, uint32_t pfn, const struct frame *frame)
{
	if (frame->slab)
		violation(m, fmt("frame %u, being freed", pfn), fmt("in no slab cache"),
			  fmt("in one"));
}
