/*
 * What a reclaim pass does with each page: it isolates it, asks its mappings, decides, and puts it back or lets it go. The
 * events of these steps repeat each other, so each can be held against the others: the look counts the accessed bits that
 * were found, the decision needs a look, the list that the page goes to follows from the decision, and the end of the pass
 * counts its decisions.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

void look_forget(struct frame *frame)
{
	frame->from_list = LRU_NONE;
	frame->lru_out_why = LRU_WHY_UNKNOWN;
	frame->verdict = VERDICT_NONE;
	frame->read_failed = false;
	frame->nr_young = 0;
	frame->look_pass = 0;
	frame->slab = 0;
}

struct pass *pass_running(struct model *m, uint32_t pass_id)
{
	struct pass *pass = map_find(&m->passes, pass_id, 0);

	if (pass)
		check_runs_here(m, pass->pid);
	else if (pass_id >= m->first_pass_id)
		violation(m, fmt("pass %u", pass_id), fmt("under way"), fmt("unknown"));
	return pass;
}

static struct frame *frame_isolated(struct model *m, uint32_t pfn, uint8_t from_list)
{
	struct frame *frame = frame_allocated(m, pfn);

	if (frame && frame->list != LRU_ISOLATED) {
		violation(m, fmt("frame %u", pfn), fmt("isolated"), fmt("list %u", frame->list));
		return NULL;
	}
	if (frame && frame->from_list != LRU_NONE && frame->from_list != from_list)
		violation(m, fmt("frame %u", pfn),
			  fmt("from %s", enum_text(ENUM_ID_lru_list, frame->from_list)),
			  fmt("from %s", enum_text(ENUM_ID_lru_list, from_list)));
	return frame;
}

void on_lru_referenced(struct model *m, const struct trace_ev_lru_referenced *e)
{
	struct frame *frame = frame_isolated(m, e->pfn, e->list);

	pass_running(m, e->pass_id);
	if (!frame)
		return;
	if (e->referenced > e->mappings)
		violation(m, fmt("frame %u", e->pfn), fmt("at most %u referenced", e->mappings),
			  fmt("%u", e->referenced));
	/* Whether the isolation was seen, and so all that was found since. */
	if (frame->from_list != LRU_NONE && e->referenced != frame->nr_young)
		violation(m, fmt("frame %u", e->pfn), fmt("%u referenced", frame->nr_young),
			  fmt("%u", e->referenced));
	if (frame->look_pass)
		violation(m, fmt("frame %u", e->pfn), fmt("one look"),
			  fmt("another by pass %u", e->pass_id));
	frame->look_pass = e->pass_id;
	frame->nr_young = 0;
}

/* Of these a pass has not looked at the mappings. */
static bool decided_unseen(uint8_t verdict)
{
	return verdict == RECLAIM_KEEP_LOCKED || verdict == RECLAIM_KEEP_WRITEBACK;
}

static void check_decision(struct model *m, const struct pass *pass, const struct frame *frame,
			   const struct trace_ev_reclaim_decision *e)
{
	bool active = e->verdict == RECLAIM_DEACTIVATE || e->verdict == RECLAIM_ROTATE;
	bool looked = frame->look_pass == e->pass_id;

	/* Of either list. */
	if (e->verdict == RECLAIM_UNEVICTABLE || e->verdict == RECLAIM_KEEP_LOCKED)
		active = e->list == LRU_ACTIVE_ANON;
	if (pass->kind != RECLAIM_MADVISE && frame->from_list != LRU_NONE &&
	    (looked == decided_unseen(e->verdict) || active != (e->list == LRU_ACTIVE_ANON)))
		violation(m,
			  fmt("frame %u, %s by pass %u", e->pfn,
			      enum_text(ENUM_ID_reclaim_verdict, e->verdict), e->pass_id),
			  fmt("%s, from the %s list",
			      decided_unseen(e->verdict) ? "not looked at" : "looked at",
			      active ? "active" : "inactive"),
			  fmt("%s, from %s", looked ? "looked at" : "not looked at",
			      enum_text(ENUM_ID_lru_list, e->list)));
}

static void count_decision(struct pass *pass, const struct trace_ev_reclaim_decision *e)
{
	struct trace_ev_reclaim_pass_end *seen = &pass->seen;

	if (e->verdict == RECLAIM_DEACTIVATE || e->verdict == RECLAIM_ROTATE ||
	    (e->list == LRU_ACTIVE_ANON && pass->kind != RECLAIM_MADVISE &&
	     (e->verdict == RECLAIM_UNEVICTABLE || e->verdict == RECLAIM_KEEP_LOCKED)))
		seen->nr_active_scanned++;
	else
		seen->nr_scanned++;
	switch (e->verdict) {
	case RECLAIM_FREED:
	case RECLAIM_DROPPED:
	case RECLAIM_LAZYFREED:
		seen->nr_freed++;
		break;
	case RECLAIM_WRITE:
		seen->nr_written++;
		break;
	case RECLAIM_ACTIVATE:
		seen->nr_activated++;
		break;
	case RECLAIM_DEACTIVATE:
		seen->nr_deactivated++;
		break;
	}
}

void on_reclaim_decision(struct model *m, const struct trace_ev_reclaim_decision *e)
{
	struct frame *frame = frame_isolated(m, e->pfn, e->list);
	struct pass *pass = pass_running(m, e->pass_id);
	const struct slot *slot;

	if (pass)
		count_decision(pass, e);
	if (!frame)
		return;
	if (pass)
		check_decision(m, pass, frame, e);
	slot = e->verdict == RECLAIM_WRITE && frame->slot != NO_SLOT ? slot_at(m, frame->slot)
								     : NULL;
	if (slot && slot->out.open && slot->out.pass_id != e->pass_id)
		violation(m, fmt("frame %u", e->pfn), fmt("written by pass %u", e->pass_id),
			  fmt("by pass %u", slot->out.pass_id));
	if (frame->verdict != VERDICT_NONE)
		violation(m, fmt("frame %u", e->pfn), fmt("one decision"),
			  fmt("another, by pass %u", e->pass_id));
	if (e->verdict == RECLAIM_LAZYFREED && (!(frame->flags & PG_LAZYFREE) || frame->mapcount))
		violation(m, fmt("frame %u", e->pfn), fmt("lazyfree, not mapped"),
			  fmt("flags 0x%x, mapcount %u", frame->flags, frame->mapcount));
	frame->verdict = e->verdict;
}

void look_check_end(struct model *m, uint32_t pfn, const struct frame *frame, uint8_t why)
{
	bool legal;

	switch (frame->verdict) {
	case VERDICT_NONE:
		return;
	case RECLAIM_ACTIVATE:
	case RECLAIM_ROTATE:
		legal = why == LRU_WHY_REFERENCED;
		break;
	case RECLAIM_KEEP_REFERENCED:
		legal = why == LRU_WHY_SECOND_CHANCE;
		break;
	case RECLAIM_DEACTIVATE:
		legal = why == LRU_WHY_DEACTIVATE;
		break;
	case RECLAIM_UNEVICTABLE:
		legal = why == LRU_WHY_CULL;
		break;
	case RECLAIM_FREED:
	case RECLAIM_DROPPED:
	case RECLAIM_LAZYFREED:
		legal = why == LRU_WHY_RECLAIM || why == LRU_WHY_FREE;
		break;
	case RECLAIM_WRITE:
		legal = why == LRU_WHY_RECLAIM || why == LRU_WHY_FREE || why == LRU_WHY_PUTBACK ||
			why == LRU_WHY_WRITE_FAILED;
		break;
	default:
		legal = why == LRU_WHY_PUTBACK || why == LRU_WHY_FREE;
	}
	if (!legal)
		violation(m, fmt("frame %u", pfn),
			  fmt("as decided: %s", enum_text(ENUM_ID_reclaim_verdict, frame->verdict)),
			  fmt("%s", enum_text(ENUM_ID_lru_why, why)));
}
