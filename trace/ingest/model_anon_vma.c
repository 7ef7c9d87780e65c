/*
 * anon_vmas and the chain links that tie VMAs to them: the way from an anonymous page to everything
 * that may map it.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static void anon_vma_new(struct model *m, uint32_t anon_vma_id, uint32_t root_id)
{
	struct anon_vma *anon_vma = map_insert(&m->anon_vmas, anon_vma_id, 0);

	anon_vma->entry.generation = m->generation;
	anon_vma->root_id = root_id;
	anon_vma->t_begin = span_begin(m);
}

static void anon_vma_span_end(struct model *m, void *record, uint64_t t)
{
	const struct anon_vma *anon_vma = record;

	DB_INSERT(m->db, anon_vma_span, INT(anon_vma->entry.a), INT(anon_vma->root_id),
		  INT(anon_vma->t_begin), INT(t));
}

void on_anon_vma_create(struct model *m, const struct trace_ev_anon_vma_create *e)
{
	if (map_find(&m->anon_vmas, e->anon_vma_id, 0)) {
		violation(m, fmt("anon_vma %u", e->anon_vma_id), fmt("a new number"),
			  fmt("exists"));
		return;
	}
	if (e->root_id != e->anon_vma_id && !map_find(&m->anon_vmas, e->root_id, 0))
		violation(m, fmt("anon_vma %u", e->anon_vma_id), fmt("root %u exists", e->root_id),
			  fmt("unknown"));
	anon_vma_new(m, e->anon_vma_id, e->root_id);
}

void on_anon_vma_free(struct model *m, const struct trace_ev_anon_vma_free *e)
{
	struct anon_vma *anon_vma = map_find(&m->anon_vmas, e->anon_vma_id, 0);

	if (!anon_vma) {
		violation(m, fmt("anon_vma %u", e->anon_vma_id), fmt("exists"), fmt("unknown"));
		return;
	}
	if (anon_vma->nr_links)
		violation(m, fmt("anon_vma %u", e->anon_vma_id), fmt("no chain links"),
			  fmt("%u links", anon_vma->nr_links));
	anon_vma_span_end(m, anon_vma, m->event->t);
	map_remove(&m->anon_vmas, anon_vma);
}

void on_state_anon_vma(struct model *m, const struct trace_ev_state_anon_vma *e)
{
	struct anon_vma *anon_vma = map_find(&m->anon_vmas, e->anon_vma_id, 0);

	if (!anon_vma) {
		disagreement(m, fmt("anon_vma %u", e->anon_vma_id), fmt("unknown"), fmt("listed"));
		anon_vma_new(m, e->anon_vma_id, e->root_id);
		return;
	}
	anon_vma->entry.generation = m->generation;
	if (anon_vma->root_id != e->root_id)
		disagreement(m, fmt("anon_vma %u", e->anon_vma_id),
			     fmt("root %u", anon_vma->root_id), fmt("root %u", e->root_id));
	anon_vma->root_id = e->root_id;
}

/* Counts a link in, or out of, both its ends. */
static void count_link(struct model *m, uint32_t vma_id, uint32_t anon_vma_id, int change)
{
	struct vma *vma = map_find(&m->vmas, vma_id, 0);
	struct anon_vma *anon_vma = map_find(&m->anon_vmas, anon_vma_id, 0);

	if (vma)
		vma->nr_links += (uint32_t)change;
	if (anon_vma)
		anon_vma->nr_links += (uint32_t)change;
}

static void avc_new(struct model *m, uint32_t vma_id, uint32_t anon_vma_id)
{
	struct avc *avc = map_insert(&m->avcs, vma_id, anon_vma_id);

	avc->entry.generation = m->generation;
	avc->t_begin = span_begin(m);
	count_link(m, vma_id, anon_vma_id, 1);
}

static void avc_span_end(struct model *m, void *record, uint64_t t)
{
	const struct avc *avc = record;

	DB_INSERT(m->db, avc_span, INT(avc->entry.a), INT(avc->entry.b), INT(avc->t_begin), INT(t));
	if (t != T_OPEN)
		count_link(m, (uint32_t)avc->entry.a, (uint32_t)avc->entry.b, -1);
}

/* All that one VMA is linked to shares one root, and so one lock. */
static void check_root(struct model *m, uint32_t vma_id, const struct anon_vma *anon_vma)
{
	const struct vma *vma = map_find(&m->vmas, vma_id, 0);
	const struct avc *own =
		vma && vma->anon_vma_id ? map_find(&m->avcs, vma_id, vma->anon_vma_id) : NULL;
	const struct anon_vma *other = own ? map_find(&m->anon_vmas, vma->anon_vma_id, 0) : NULL;
	const struct anon_vma *root = map_find(&m->anon_vmas, anon_vma->root_id, 0);

	if ((root && root->root_id != anon_vma->root_id) ||
	    (other && other->root_id != anon_vma->root_id))
		violation(m, fmt("anon_vma %" PRIu64, anon_vma->entry.a),
			  fmt("one root for all of vma %u", vma_id),
			  fmt("root %u", anon_vma->root_id));
}

void on_avc_link(struct model *m, const struct trace_ev_avc_link *e)
{
	struct text link = fmt("vma %u to anon_vma %u", e->vma_id, e->anon_vma_id);
	const struct anon_vma *anon_vma;

	if (!map_find(&m->vmas, e->vma_id, 0))
		violation(m, link, fmt("the VMA exists"), fmt("unknown"));
	anon_vma = map_find(&m->anon_vmas, e->anon_vma_id, 0);
	if (!anon_vma)
		violation(m, link, fmt("the anon_vma exists"), fmt("unknown"));
	else
		check_root(m, e->vma_id, anon_vma);
	if (map_find(&m->avcs, e->vma_id, e->anon_vma_id))
		violation(m, link, fmt("not linked"), fmt("linked"));
	else
		avc_new(m, e->vma_id, e->anon_vma_id);
}

void on_avc_unlink(struct model *m, const struct trace_ev_avc_unlink *e)
{
	struct avc *avc = map_find(&m->avcs, e->vma_id, e->anon_vma_id);

	if (!avc) {
		violation(m, fmt("vma %u to anon_vma %u", e->vma_id, e->anon_vma_id), fmt("linked"),
			  fmt("not linked"));
		return;
	}
	avc_span_end(m, avc, m->event->t);
	map_remove(&m->avcs, avc);
}

void on_state_avc(struct model *m, const struct trace_ev_state_avc *e)
{
	struct avc *avc = map_find(&m->avcs, e->vma_id, e->anon_vma_id);

	if (avc) {
		avc->entry.generation = m->generation;
		return;
	}
	disagreement(m, fmt("vma %u to anon_vma %u", e->vma_id, e->anon_vma_id), fmt("not linked"),
		     fmt("linked"));
	avc_new(m, e->vma_id, e->anon_vma_id);
}

void anon_vmas_sweep(struct model *m)
{
	/* Links count in both ends, and the ends may be swept before their links: each end that is
	 * gone counts nothing. */
	map_sweep(m, &m->avcs, "chain link", avc_span_end);
	map_sweep(m, &m->anon_vmas, "anon_vma", anon_vma_span_end);
}

void anon_vmas_flush(struct model *m)
{
	map_flush(m, &m->avcs, avc_span_end);
	map_flush(m, &m->anon_vmas, anon_vma_span_end);
}
