#include "trace/ingest/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Events that are legal while all CPUs are parked. */
static bool legal_in_baseline(uint16_t id)
{
	return id >= TRACE_ID_state_task || id == TRACE_ID_state_end ||
	       id == TRACE_ID_trace_stall || id == TRACE_ID_vmstat;
}

static void dispatch(struct model *m, const struct event *event)
{
	switch (event->id) {
#define X(name)                               \
	case TRACE_ID_##name:                 \
		on_##name(m, event->payload); \
		break;
		REPLAYED_EVENTS(X)
#undef X
	default:
		break;
	}
}

static void frame_init(void *record)
{
	struct frame *frame = record;

	frame->list = LRU_NONE;
	frame->slot = NO_SLOT;
}

static void slot_init(void *record)
{
	struct slot *slot = record;

	slot->pfn = NO_FRAME;
}

static void model_init(struct model *m)
{
	sparse_init(&m->frames, sizeof(struct frame), frame_init);
	sparse_init(&m->slots, sizeof(struct slot), slot_init);
	map_init(&m->tasks, sizeof(struct task));
	map_init(&m->mms, sizeof(struct mm));
	map_init(&m->vmas, sizeof(struct vma));
	map_init(&m->anon_vmas, sizeof(struct anon_vma));
	map_init(&m->avcs, sizeof(struct avc));
	map_init(&m->ptes, sizeof(struct pte));
	map_init(&m->rmaps, sizeof(struct rmap));
	map_init(&m->count_windows, sizeof(struct count_window));
	map_init(&m->pgtables, sizeof(struct pgtable));
	map_init(&m->pmds, sizeof(struct pmd));
	map_init(&m->passes, sizeof(struct pass));
	map_init(&m->ooms, sizeof(struct oom));
}

static void model_clear(struct model *m)
{
	struct mm *mm;

	map_for_each (&m->mms, mm)
		free(mm->ranges);
	map_destroy(&m->tasks);
	map_destroy(&m->mms);
	map_destroy(&m->vmas);
	map_destroy(&m->anon_vmas);
	map_destroy(&m->avcs);
	map_destroy(&m->ptes);
	map_destroy(&m->rmaps);
	map_destroy(&m->count_windows);
	map_destroy(&m->pgtables);
	map_destroy(&m->pmds);
	map_destroy(&m->passes);
	map_destroy(&m->ooms);
	sparse_destroy(&m->frames);
	sparse_destroy(&m->slots);
}

void on_session_begin(struct model *m, const struct trace_ev_session_begin *e)
{
	m->machine = *e;
}

void on_session_end(struct model *m, const struct trace_ev_session_end *e)
{
	m->end = *e;
	m->ended = true;
	if (m->phase == PHASE_LIVE)
		model_check(m);
}

void on_trace_barrier(struct model *m, const struct trace_ev_trace_barrier *e)
{
	bool next = m->barriers_untold ? e->n > m->nr_barriers : e->n == m->nr_barriers + 1;

	if (!next && m->nr_barriers)
		violation(m, fmt("barrier"), fmt("number %" PRIu64, m->nr_barriers + 1),
			  fmt("%" PRIu64, (uint64_t)e->n));
	m->nr_barriers = e->n;
	m->barriers_untold = false;
	if (m->phase == PHASE_LIVE)
		model_check(m);
}

/* As if new. What is counted over the whole trace stays. */
static void forget(struct model *m)
{
	model_clear(m);
	model_init(m);
	memset(m->current, 0, sizeof(m->current));
	memset(m->ends, 0, sizeof(m->ends));
	m->first_pass_id = UINT32_MAX;
	m->kswapd_t = 0;
	m->kswapd_awake = false;
	m->barriers_untold = true;
	m->phase = PHASE_BEFORE;
}

void on_trace_off(struct model *m, const struct trace_ev_trace_off *e)
{
	if (e->n != m->generation)
		violation(m, fmt("pause"), fmt("after baseline %u", m->generation),
			  fmt("%" PRIu64, (uint64_t)e->n));
	if (m->phase == PHASE_LIVE)
		model_check(m);
	db_end_open_spans(m->db, m->event->t);
	replay_end(m);
	db_end_open_spans(m->db, T_OPEN);
	forget(m);
}

void on_trace_stall(struct model *m, const struct trace_ev_trace_stall *e)
{
	m->stalled_ns[m->event->cpu] += e->stalled_ns;
	fault_add_stall(m, e->stalled_ns);
}

void on_state_begin(struct model *m, const struct trace_ev_state_begin *e)
{
	if (e->n != m->generation + 1)
		violation(m, fmt("baseline"), fmt("number %u", m->generation + 1),
			  fmt("%" PRIu64, (uint64_t)e->n));
	if (m->phase == PHASE_BUILD || m->phase == PHASE_COMPARE)
		violation(m, fmt("baseline %" PRIu64, (uint64_t)e->n),
			  fmt("the one before has ended"), fmt("no state_end"));
	if (m->phase == PHASE_LIVE)
		model_check(m);
	m->phase = m->phase == PHASE_BEFORE ? PHASE_BUILD : PHASE_COMPARE;
	m->generation++;
	m->baseline_t = m->event->t;
	m->baseline_records = 0;
}

void on_state_end(struct model *m, const struct trace_ev_state_end *e)
{
	if (m->phase != PHASE_BUILD && m->phase != PHASE_COMPARE) {
		violation(m, fmt("baseline"), fmt("begun"), fmt("only its end"));
		return;
	}
	if (e->records != m->baseline_records)
		violation(m, fmt("baseline %u", m->generation),
			  fmt("%" PRIu64 " records", (uint64_t)e->records),
			  fmt("%" PRIu64, m->baseline_records));
	anon_vmas_sweep(m);
	ptes_sweep(m);
	rmaps_sweep(m);
	pgtables_sweep(m);
	address_spaces_sweep(m);
	tasks_sweep(m);
	lru_sweep(m);
	slots_sweep(m);
	frames_sweep(m);
	if (m->phase == PHASE_BUILD)
		m->baseline_rank = m->event->rank;
	m->phase = PHASE_LIVE;
	model_check(m);
}

struct model *replay_new(struct db *db, const struct layout *layout, uint64_t keyframe_events)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->db = db;
	m->migrations_told = layout->known[TRACE_ID_sched_migrate_task];
	m->keyframe_events = m->next_keyframe = keyframe_events;
	m->loss_t = UINT64_MAX;
	m->first_pass_id = UINT32_MAX;
	model_init(m);
	return m;
}

/* Before an event: a keyframe, if it is time for one and one may be (keyframe.h). */
static void take_keyframe(struct model *m, const struct event *event)
{
	if (m->phase == PHASE_LIVE && m->last_rank >= m->next_keyframe && event->t > m->last_t) {
		db_keyframe(m->db, m->last_t, m->last_rank);
		m->next_keyframe = m->last_rank + m->keyframe_events;
	}
	m->last_t = event->t;
	m->last_rank = event->rank;
}

void replay_event(struct model *m, const struct event *event, uint64_t loss_t)
{
	bool is_session = event->id < TRACE_ID_sched_process_fork;

	take_keyframe(m, event);
	m->event = event;
	m->loss_t = loss_t;
	if (event->id >= TRACE_ID_LIMIT)
		return;
	if (m->phase == PHASE_BUILD || m->phase == PHASE_COMPARE) {
		if (!legal_in_baseline(event->id))
			violation(m, fmt("baseline %u", m->generation), fmt("all CPUs parked"),
				  fmt("an event in between"));
		if (event->id >= TRACE_ID_state_task)
			m->baseline_records++;
	} else if (event->id >= TRACE_ID_state_task) {
		violation(m, fmt("state record"), fmt("inside a baseline"), fmt("outside"));
		return;
	}
	/* Without a baseline nothing is known, so nothing can be told about a change. */
	if (m->phase != PHASE_BEFORE || is_session)
		dispatch(m, event);
}

void replay_end(struct model *m)
{
	tasks_flush(m);
	anon_vmas_flush(m);
	ptes_flush(m);
	rmaps_flush(m);
	pgtables_flush(m);
	pmds_flush(m);
	address_spaces_flush(m);
	lru_flush(m);
	slots_flush(m);
	frames_flush(m);
	reclaim_flush(m);
	ooms_flush(m);
}

void replay_free(struct model *m)
{
	if (!m)
		return;
	model_clear(m);
	free(m);
}
