/*
 * Reclaim: passes, direct reclaim, kswapd's waking hours, and what became of the pages: evictions
 * and refaults.
 *
 * A refault is an evicted content that was read back. Its latency is that of the fault that put the
 * page into an entry first; one that was only read ahead, and dropped or not yet used, has none.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

void on_reclaim_pass_begin(struct model *m, const struct trace_ev_reclaim_pass_begin *e)
{
	struct pass *pass;

	if (map_find(&m->passes, e->pass_id, 0)) {
		violation(m, fmt("pass %u", e->pass_id), fmt("a new number"), fmt("under way"));
		return;
	}
	pass = map_insert(&m->passes, e->pass_id, 0);
	pass->kind = e->kind;
	pass->pid = e->pid;
	pass->priority = e->priority;
	pass->nr_free = e->nr_free;
	pass->cpu = m->event->cpu;
	pass->t_begin = m->event->t;
	if (e->pass_id < m->first_pass_id)
		m->first_pass_id = e->pass_id;
}

/* `end` is NULL for a pass that the trace does not see the end of. */
static void pass_write(struct model *m, const struct pass *pass, uint64_t t,
		       const struct trace_ev_reclaim_pass_end *end)
{
	if (!DB_INSERT_NEW(m->db, reclaim_pass, INT(pass->entry.a),
			   TEXT(enum_text(ENUM_ID_reclaim_kind, pass->kind)), INT(pass->pid),
			   INT(pass->cpu), INT(pass->priority), INT(pass->t_begin), INT(t),
			   end ? INT(end->nr_scanned) : NIL, end ? INT(end->nr_freed) : NIL,
			   end ? INT(end->nr_written) : NIL, end ? INT(end->nr_activated) : NIL,
			   end ? INT(end->nr_deactivated) : NIL,
			   end ? INT(end->nr_active_scanned) : NIL, INT(pass->nr_free),
			   end ? INT(end->nr_free) : NIL) &&
	    end)
		violation(m, fmt("pass %" PRIu64, pass->entry.a), fmt("a new number"),
			  fmt("that of an earlier pass"));
}

void on_reclaim_pass_end(struct model *m, const struct trace_ev_reclaim_pass_end *e)
{
	struct pass *pass = map_find(&m->passes, e->pass_id, 0);

	if (!pass) {
		/* Passes that began before tracing did have numbers below all that began since. */
		if (e->pass_id >= m->first_pass_id)
			violation(m, fmt("pass %u", e->pass_id), fmt("under way"), fmt("unknown"));
		return;
	}
	pass_write(m, pass, m->event->t, e);
	map_remove(&m->passes, pass);
}

void on_reclaim_decision(struct model *m, const struct trace_ev_reclaim_decision *e)
{
	frame_allocated(m, e->pfn);
	if (!map_find(&m->passes, e->pass_id, 0) && e->pass_id >= m->first_pass_id)
		violation(m, fmt("pass %u", e->pass_id), fmt("under way"), fmt("unknown"));
}

void on_mm_vmscan_direct_reclaim_begin(struct model *m,
				       const struct trace_ev_mm_vmscan_direct_reclaim_begin *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	if (!task || task->reclaiming) {
		violation(m, fmt("task %d", e->pid), fmt("exists, not reclaiming"),
			  task ? fmt("reclaims already") : fmt("unknown"));
		return;
	}
	task->reclaiming = task->reclaimed = true;
	task->reclaim_t = m->event->t;
	task->reclaim_order = e->order;
}

void on_mm_vmscan_direct_reclaim_end(struct model *m,
				     const struct trace_ev_mm_vmscan_direct_reclaim_end *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	if (!task || !task->reclaiming) {
		/* One that began before tracing did has no beginning, and the task did nothing since. */
		if (!task || task->t_begin > m->baseline_t || task->reclaimed || task->faulted)
			violation(m, fmt("task %d", e->pid), fmt("reclaiming"), fmt("not"));
		return;
	}
	task->reclaiming = false;
	fault_add_reclaim(task, m->event->t - task->reclaim_t);
	DB_INSERT(m->db, direct_reclaim, INT(e->pid), INT(task->reclaim_t), INT(m->event->t),
		  INT(task->reclaim_order), INT(e->nr_reclaimed), INT(m->event->cpu));
}

void on_mm_vmscan_kswapd_wake(struct model *m, const struct trace_ev_mm_vmscan_kswapd_wake *e)
{
	if (m->kswapd_awake)
		violation(m, fmt("kswapd"), fmt("asleep"), fmt("awake"));
	m->kswapd_awake = true;
	m->kswapd_t = m->event->t;
	m->kswapd_free = e->nr_free;
}

void on_mm_vmscan_kswapd_sleep(struct model *m, const struct trace_ev_mm_vmscan_kswapd_sleep *e)
{
	/* kswapd_t is 0 until it was first seen to wake: at the baseline it may have been awake. */
	if (!m->kswapd_awake && m->kswapd_t)
		violation(m, fmt("kswapd"), fmt("awake"), fmt("asleep"));
	if (m->kswapd_awake)
		DB_INSERT(m->db, kswapd_span, INT(m->kswapd_t), INT(m->event->t),
			  INT(m->kswapd_free), INT(e->nr_free));
	m->kswapd_awake = false;
}

void on_page_evicted(struct model *m, const struct trace_ev_page_evicted *e)
{
	struct slot *slot = slot_at(m, e->slot);

	if (!slot)
		return;
	if (!slot->used)
		violation(m, fmt("slot %u", e->slot), fmt("holds the evicted content"),
			  fmt("free"));
	slot->eviction_id = m->event->rank;
	slot->eviction_n = ++m->nr_evictions;
	DB_INSERT(m->db, eviction, INT(m->event->rank), INT(m->event->t), INT(e->pfn), INT(e->slot),
		  TEXT(enum_text(ENUM_ID_reclaim_verdict, e->verdict)), INT(e->pass_id),
		  TEXT(enum_text(ENUM_ID_reclaim_kind, e->kind)), INT(slot->life_id),
		  INT(m->nr_evictions));
}

void refault_write(struct model *m, const struct refault *refault, int64_t latency_ns, int32_t pid)
{
	if (!refault->open)
		return;
	DB_INSERT(m->db, refault, INT(refault->t), INT(refault->eviction_id),
		  INT(refault->distance), latency_ns < 0 ? NIL : INT(latency_ns),
		  INT(refault->slot), INT(refault->pfn), pid < 0 ? NIL : INT(pid),
		  INT(refault->readahead));
}

void refault_end(struct model *m, struct refault *refault, int64_t latency_ns, int32_t pid)
{
	refault_write(m, refault, latency_ns, pid);
	refault->open = false;
}

void reclaim_flush(struct model *m)
{
	struct pass *pass;

	map_for_each (&m->passes, pass)
		pass_write(m, pass, T_OPEN, NULL);
	if (m->kswapd_awake)
		DB_INSERT(m->db, kswapd_span, INT(m->kswapd_t), INT(T_OPEN), INT(m->kswapd_free),
			  NIL);
}
