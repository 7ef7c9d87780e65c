/*
 * LRU lists: which page is on which list, and where.
 *
 * The places of a list only ever grow at its head and shrink at its tail, so an insertion between
 * two pages, or at a place that was taken before, is illegal even when the page that had it is
 * gone.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static const char *list_text(uint8_t list)
{
	return list == LRU_NONE ? "none" : enum_text(ENUM_ID_lru_list, list);
}

static void lru_span_end(struct model *m, uint32_t pfn, const struct frame *frame, uint64_t t,
			 const char *why_out)
{
	const char *why_in = frame->lru_why == WHY_BASELINE
				     ? "baseline"
				     : enum_text(ENUM_ID_lru_why, frame->lru_why);

	DB_INSERT(m->db, lru_span, INT(pfn), TEXT(list_text(frame->list)), INT(frame->lru_pos),
		  INT(frame->lru_t), INT(t), TEXT(why_in), why_out ? TEXT(why_out) : NIL,
		  INT(page_nr_frames(frame)));
}

static bool list_exists(struct model *m, uint32_t list)
{
	if (list < NR_LRU_LISTS)
		return true;
	violation(m, fmt("list %u", list), fmt("below %d", NR_LRU_LISTS), fmt("%u", list));
	return false;
}

/* The head takes the next higher place, the tail the next lower; by how much is known once that end was seen to take one. */
static bool place_is_legal(const struct lru_ends *ends, int64_t pos)
{
	if (!ends->known)
		return true;
	if (pos > ends->hi)
		return !ends->hi_exact || pos == ends->hi + 1;
	return pos < ends->lo && (!ends->lo_exact || pos == ends->lo - 1);
}

static void take_place(struct lru_ends *ends, int64_t pos)
{
	if (ends->known && pos > ends->hi)
		ends->hi_exact = true;
	if (ends->known && pos < ends->lo)
		ends->lo_exact = true;
}

/* A page that moves leaves and enters for one reason; one that comes new, or from swap, was on no list before. */
static void check_why(struct model *m, const struct frame *frame,
		      const struct trace_ev_lru_insert *e)
{
	bool first = e->why == LRU_WHY_NEW || e->why == LRU_WHY_SWAPIN || e->why == LRU_WHY_MIGRATE;
	bool active = e->list == LRU_ACTIVE_ANON || e->list == LRU_ACTIVE_FILE;

	if (frame->lru_out_why == LRU_WHY_UNKNOWN ? !first : e->why != frame->lru_out_why)
		violation(m, fmt("frame %u", e->pfn),
			  frame->lru_out_why == LRU_WHY_UNKNOWN
				  ? fmt("new or swapin")
				  : fmt("%s, as it left",
					enum_text(ENUM_ID_lru_why, frame->lru_out_why)),
			  fmt("%s", enum_text(ENUM_ID_lru_why, e->why)));
	if ((e->list == LRU_ISOLATED) != (e->why == LRU_WHY_ISOLATE) ||
	    (e->list == LRU_UNEVICTABLE) !=
		    (e->why == LRU_WHY_MLOCK || e->why == LRU_WHY_CULL ||
		     (e->why == LRU_WHY_NEW && e->list == LRU_UNEVICTABLE)) ||
	    (active && (e->why == LRU_WHY_DEACTIVATE || e->why == LRU_WHY_SECOND_CHANCE)))
		violation(m, fmt("frame %u", e->pfn),
			  fmt("a list that %s leads to", enum_text(ENUM_ID_lru_why, e->why)),
			  fmt("%s", list_text(e->list)));
	if (e->why == LRU_WHY_MIGRATE && !is_compacting(m))
		violation(m, fmt("frame %u, content moved there", e->pfn),
			  fmt("by a task that compacts"), fmt("by another"));
	if (e->why == LRU_WHY_ACCESSED && (!active || frame->flags & PG_REFERENCED))
		violation(m, fmt("frame %u, used again", e->pfn),
			  fmt("active, not referenced any more"),
			  fmt("%s, flags 0x%x", list_text(e->list), frame->flags));
	if (e->why == LRU_WHY_SECOND_CHANCE && !(frame->flags & PG_REFERENCED))
		violation(m, fmt("frame %u", e->pfn), fmt("referenced"),
			  fmt("flags 0x%x", frame->flags));
}

static void extend(struct lru_ends *ends, int64_t pos)
{
	if (!ends->known || pos > ends->hi)
		ends->hi = pos;
	if (!ends->known || pos < ends->lo)
		ends->lo = pos;
	ends->known = true;
}

void on_lru_insert(struct model *m, const struct trace_ev_lru_insert *e)
{
	struct frame *frame = frame_allocated(m, e->pfn);
	struct lru_ends *ends;

	if (!frame || !list_exists(m, e->list))
		return;
	if (frame->list != LRU_NONE) {
		violation(m, fmt("frame %u", e->pfn), fmt("on no list"),
			  fmt("on %s", list_text(frame->list)));
		lru_span_end(m, e->pfn, frame, m->event->t, enum_text(ENUM_ID_lru_why, e->why));
	}
	ends = &m->ends[e->list];
	if (!place_is_legal(ends, e->pos))
		violation(m, fmt("frame %u on %s", e->pfn, list_text(e->list)),
			  fmt("above %" PRId64 " or below %" PRId64, ends->hi, ends->lo),
			  fmt("place %" PRId64, (int64_t)e->pos));
	check_why(m, frame, e);
	take_place(ends, e->pos);
	extend(ends, e->pos);
	frame->verdict = VERDICT_NONE;
	frame->nr_young = 0;
	frame->look_pass = 0;
	frame->list = e->list;
	frame->lru_pos = e->pos;
	frame->lru_why = e->why;
	frame->lru_t = m->event->t;
}

static bool leaves_isolation(uint8_t why)
{
	return why != LRU_WHY_ISOLATE && why != LRU_WHY_MLOCK && why != LRU_WHY_MUNLOCK &&
	       why != LRU_WHY_ACCESSED;
}

/* Whoever takes the last locked mapping away takes the page off the unevictable list first. */
static bool leaves_list(uint8_t list, uint8_t why)
{
	if (list == LRU_UNEVICTABLE)
		return why == LRU_WHY_MUNLOCK;
	if (why == LRU_WHY_ACCESSED)
		return list == LRU_INACTIVE_ANON;
	return why == LRU_WHY_FREE || why == LRU_WHY_MLOCK || why == LRU_WHY_ISOLATE;
}

void on_lru_remove(struct model *m, const struct trace_ev_lru_remove *e)
{
	struct frame *frame = frame_at(m, e->pfn);

	if (!frame || !list_exists(m, e->list))
		return;
	if (frame->list != e->list)
		violation(m, fmt("frame %u", e->pfn), fmt("on %s", list_text(frame->list)),
			  fmt("taken off %s", list_text(e->list)));
	if (frame->list == LRU_NONE)
		return;
	if (e->why == LRU_WHY_MIGRATE)
		count_migrated(m, e->pfn);
	if ((e->why == LRU_WHY_NEW || e->why == LRU_WHY_SWAPIN) ||
	    (frame->list == LRU_ISOLATED ? !leaves_isolation(e->why)
					 : !leaves_list(frame->list, e->why)))
		violation(m, fmt("frame %u", e->pfn),
			  fmt("a reason to leave %s", list_text(e->list)),
			  fmt("%s", enum_text(ENUM_ID_lru_why, e->why)));
	if (frame->list == LRU_ISOLATED)
		look_check_end(m, e->pfn, frame, e->why);
	lru_span_end(m, e->pfn, frame, m->event->t, enum_text(ENUM_ID_lru_why, e->why));
	frame->from_list = e->why == LRU_WHY_ISOLATE ? e->list : LRU_NONE;
	frame->lru_out_why = e->why;
	frame->list = LRU_NONE;
}

static void list_part(struct model *m, const struct trace_ev_page_split *e, uint32_t i, int64_t pos)
{
	struct frame *part = frame_at(m, e->pfn + i);

	part->lru_generation = m->generation;
	part->list = e->list;
	part->lru_pos = pos;
	part->lru_why = LRU_WHY_SPLIT;
	part->lru_t = m->event->t;
}

void lru_split(struct model *m, const struct trace_ev_page_split *e)
{
	struct frame *frame = frame_at(m, e->pfn);
	struct lru_ends *ends = &m->ends[e->list];
	uint8_t on = frame->list == LRU_ISOLATED ? frame->from_list : frame->list;
	int64_t step = e->pos_last > e->pos ? 1 : -1;

	if (!list_exists(m, e->list))
		return;
	if (on != LRU_NONE && on != e->list)
		violation(m, fmt("parts of frame %u", e->pfn), fmt("on %s", list_text(on)),
			  fmt("on %s", list_text(e->list)));
	if (frame->list == LRU_NONE)
		violation(m, fmt("frame %u, being split", e->pfn), fmt("on a list"),
			  fmt("on none"));
	if (!place_is_legal(ends, e->pos) || (e->pos_last - e->pos) * step != HUGE_NR - 2 ||
	    (ends->known && (step > 0) != (e->pos > ends->hi)))
		violation(m, fmt("parts of frame %u on %s", e->pfn, list_text(e->list)),
			  fmt("511 places from %" PRId64 " up or %" PRId64 " down", ends->hi,
			      ends->lo),
			  fmt("%" PRId64 " to %" PRId64, (int64_t)e->pos, (int64_t)e->pos_last));
	take_place(ends, e->pos);
	extend(ends, e->pos);
	extend(ends, e->pos_last);
	if (frame->list != LRU_NONE) {
		lru_span_end(m, e->pfn, frame, m->event->t,
			     enum_text(ENUM_ID_lru_why, LRU_WHY_SPLIT));
		frame->lru_t = m->event->t;
		frame->lru_why = LRU_WHY_SPLIT;
	}
	for (uint32_t i = 1; i < HUGE_NR; i++)
		list_part(m, e, i, e->pos + step * (int64_t)(i - 1));
}

void on_state_lru(struct model *m, const struct trace_ev_state_lru *e)
{
	struct frame *frame = frame_at(m, e->pfn);

	if (!frame || !list_exists(m, e->list))
		return;
	frame->lru_generation = m->generation;
	extend(&m->ends[e->list], e->pos);
	if (frame->list == e->list && frame->lru_pos == e->pos)
		return;
	frame->lru_out_why = LRU_WHY_UNKNOWN;
	disagreement(m, fmt("frame %u", e->pfn),
		     fmt("on %s at %" PRId64, list_text(frame->list), frame->lru_pos),
		     fmt("on %s at %" PRId64, list_text((uint8_t)e->list), (int64_t)e->pos));
	if (frame->list != LRU_NONE)
		lru_span_end(m, e->pfn, frame, m->baseline_t, "baseline");
	frame->list = (uint8_t)e->list;
	frame->lru_pos = e->pos;
	frame->lru_why = WHY_BASELINE;
	frame->lru_t = m->baseline_t;
}

void lru_sweep(struct model *m)
{
	struct frame *frame;
	uint32_t pfn;

	sparse_for_each (&m->frames, pfn, frame) {
		if (frame->list == LRU_NONE || frame->lru_generation == m->generation)
			continue;
		disagreement(m, fmt("frame %u", pfn), fmt("on %s", list_text(frame->list)),
			     fmt("on no list"));
		lru_span_end(m, pfn, frame, m->baseline_t, "baseline");
		frame->list = LRU_NONE;
	}
}

void lru_flush(struct model *m)
{
	const struct frame *frame;
	uint32_t pfn;

	sparse_for_each (&m->frames, pfn, frame) {
		if (frame->list != LRU_NONE)
			lru_span_end(m, pfn, frame, T_OPEN, NULL);
	}
}
