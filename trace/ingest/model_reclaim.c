/*
 * Reclaim: passes, direct reclaim, kswapd's waking hours, and what became of the pages: evictions
 * and refaults.
 *
 * A refault is an evicted content that was read back. Its latency is that of the fault that put the
 * page into an entry first; one that was only read ahead, and dropped or not yet used, has none.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

#define FIRST_PRIORITY 12 /* Linux's DEF_PRIORITY */
#define MAX_ORDER      10

static void check_order(struct model *m, uint32_t order)
{
	if (order > MAX_ORDER)
		violation(m, fmt("allocation"), fmt("of order %d at most", MAX_ORDER),
			  fmt("%u", order));
}

/* Who runs a pass: kswapd while it is awake, a task in direct reclaim, or one that called madvise. */
static void check_reclaimer(struct model *m, struct task *task,
			    const struct trace_ev_reclaim_pass_begin *e)
{
	bool is_kswapd = m->kswapd == KSWAPD_AWAKE && m->kswapd_pid == e->pid;
	/* Until then it may be in one that began before tracing. */
	bool known = task->reclaimed || task->t_begin > m->baseline_t;

	check_runs_here(m, e->pid);
	if (task->pass_id)
		violation(m, fmt("task %d", e->pid), fmt("in no pass"),
			  fmt("in pass %u", task->pass_id));
	if ((m->kswapd != KSWAPD_UNKNOWN && (e->kind == RECLAIM_KSWAPD) != is_kswapd) ||
	    (known && (e->kind == RECLAIM_DIRECT) != task->reclaiming))
		violation(m, fmt("pass %u of task %d", e->pass_id, e->pid),
			  is_kswapd          ? fmt("kswapd")
			  : task->reclaiming ? fmt("direct")
					     : fmt("neither kswapd nor direct"),
			  fmt("%s", enum_text(ENUM_ID_reclaim_kind, e->kind)));
	task->pass_id = e->pass_id;
	if (e->priority > FIRST_PRIORITY)
		violation(m, fmt("pass %u", e->pass_id), fmt("priority up to %d", FIRST_PRIORITY),
			  fmt("%u", e->priority));
}

void on_reclaim_pass_begin(struct model *m, const struct trace_ev_reclaim_pass_begin *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	struct pass *pass;

	if (task)
		check_reclaimer(m, task, e);
	else
		violation(m, fmt("task %d", e->pid), fmt("exists"), fmt("unknown"));
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

static void check_counts(struct model *m, const struct pass *pass,
			 const struct trace_ev_reclaim_pass_end *e)
{
	const struct trace_ev_reclaim_pass_end *seen = &pass->seen;

	if (e->nr_scanned != seen->nr_scanned || e->nr_freed != seen->nr_freed ||
	    e->nr_written != seen->nr_written || e->nr_activated != seen->nr_activated ||
	    e->nr_deactivated != seen->nr_deactivated ||
	    e->nr_active_scanned != seen->nr_active_scanned)
		violation(m,
			  fmt("pass %u: scanned, freed, written, activated, deactivated, active",
			      e->pass_id),
			  fmt("%u %u %u %u %u %u", seen->nr_scanned, seen->nr_freed,
			      seen->nr_written, seen->nr_activated, seen->nr_deactivated,
			      seen->nr_active_scanned),
			  fmt("%u %u %u %u %u %u", e->nr_scanned, e->nr_freed, e->nr_written,
			      e->nr_activated, e->nr_deactivated, e->nr_active_scanned));
}

void on_reclaim_pass_end(struct model *m, const struct trace_ev_reclaim_pass_end *e)
{
	struct pass *pass = map_find(&m->passes, e->pass_id, 0);
	struct task *task;

	if (!pass) {
		/* Passes that began before tracing did have numbers below all that began since. */
		if (e->pass_id >= m->first_pass_id)
			violation(m, fmt("pass %u", e->pass_id), fmt("under way"), fmt("unknown"));
		return;
	}
	task = map_find(&m->tasks, (uint32_t)pass->pid, 0);
	if (task)
		task->pass_id = 0;
	check_runs_here(m, pass->pid);
	check_counts(m, pass, e);
	pass_write(m, pass, m->event->t, e);
	map_remove(&m->passes, pass);
}

void on_mm_vmscan_direct_reclaim_begin(struct model *m,
				       const struct trace_ev_mm_vmscan_direct_reclaim_begin *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	check_runs_here(m, e->pid);
	if (!task || task->reclaiming) {
		violation(m, fmt("task %d", e->pid), fmt("exists, not reclaiming"),
			  task ? fmt("reclaims already") : fmt("unknown"));
		return;
	}
	check_order(m, e->order);
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
	check_runs_here(m, e->pid);
	if (task->pass_id)
		violation(m, fmt("task %d", e->pid), fmt("in no pass"),
			  fmt("in pass %u", task->pass_id));
	task->reclaiming = false;
	task->reclaimed = true;
	fault_add_reclaim(task, m->event->t - task->reclaim_t);
	DB_INSERT(m->db, direct_reclaim, INT(e->pid), INT(task->reclaim_t), INT(m->event->t),
		  INT(task->reclaim_order), INT(e->nr_reclaimed), INT(m->event->cpu));
}

/* Woken, working, asleep: each follows the one before. */
static void kswapd_turns(struct model *m, enum kswapd_state from, enum kswapd_state to)
{
	static const char *const names[] = {"unknown", "asleep", "woken", "awake"};

	if (m->kswapd != KSWAPD_UNKNOWN && m->kswapd != from)
		violation(m, fmt("kswapd"), fmt("%s", names[from]), fmt("%s", names[m->kswapd]));
	m->kswapd = to;
}

void on_mm_vmscan_wakeup_kswapd(struct model *m, const struct trace_ev_mm_vmscan_wakeup_kswapd *e)
{
	check_order(m, e->order);
	kswapd_turns(m, KSWAPD_ASLEEP, KSWAPD_WOKEN);
}

void on_mm_vmscan_kswapd_wake(struct model *m, const struct trace_ev_mm_vmscan_kswapd_wake *e)
{
	kswapd_turns(m, KSWAPD_WOKEN, KSWAPD_AWAKE);
	m->kswapd_pid = m->current[m->event->cpu];
	m->kswapd_t = m->event->t;
	m->kswapd_free = e->nr_free;
}

void on_mm_vmscan_kswapd_sleep(struct model *m, const struct trace_ev_mm_vmscan_kswapd_sleep *e)
{
	if (m->kswapd == KSWAPD_AWAKE)
		check_runs_here(m, m->kswapd_pid);
	if (m->kswapd == KSWAPD_AWAKE)
		DB_INSERT(m->db, kswapd_span, INT(m->kswapd_t), INT(m->event->t),
			  INT(m->kswapd_free), INT(e->nr_free));
	kswapd_turns(m, KSWAPD_AWAKE, KSWAPD_ASLEEP);
}

/* The page that leaves is the one whose content the slot has: the pass that is under way frees it, or one that wrote it. */
static void check_evicted(struct model *m, const struct slot *slot,
			  const struct trace_ev_page_evicted *e)
{
	const struct frame *frame = frame_allocated(m, e->pfn);
	const struct pass *pass = map_find(&m->passes, e->pass_id, 0);

	if (frame && frame->list != LRU_ISOLATED)
		violation(m, fmt("frame %u, evicted", e->pfn), fmt("isolated"),
			  fmt("list %u", frame->list));
	if (slot->pfn != e->pfn && slot->last_pfn != e->pfn)
		violation(m, fmt("slot %u", e->slot), fmt("content of frame %u", e->pfn),
			  fmt("of frame %d", (int32_t)slot->last_pfn));
	if (pass && pass->kind != e->kind)
		violation(m, fmt("pass %u", e->pass_id),
			  fmt("%s", enum_text(ENUM_ID_reclaim_kind, pass->kind)),
			  fmt("%s", enum_text(ENUM_ID_reclaim_kind, e->kind)));
	if (e->verdict == RECLAIM_FREED)
		pass_running(m, e->pass_id);
	else if (e->verdict != RECLAIM_WRITE ||
		 (slot->out_pass && (slot->out_pass != e->pass_id || slot->out_error)))
		violation(m, fmt("frame %u, evicted", e->pfn),
			  fmt("written by pass %u", e->pass_id),
			  fmt("%s; last written by pass %u, error %d",
			      enum_text(ENUM_ID_reclaim_verdict, e->verdict), slot->out_pass,
			      slot->out_error));
}

void on_page_evicted(struct model *m, const struct trace_ev_page_evicted *e)
{
	struct slot *slot = slot_at(m, e->slot);

	if (!slot)
		return;
	if (!slot->used)
		violation(m, fmt("slot %u", e->slot), fmt("holds the evicted content"),
			  fmt("free"));
	else
		check_evicted(m, slot, e);
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
	if (m->kswapd == KSWAPD_AWAKE)
		DB_INSERT(m->db, kswapd_span, INT(m->kswapd_t), INT(T_OPEN), INT(m->kswapd_free),
			  NIL);
}
