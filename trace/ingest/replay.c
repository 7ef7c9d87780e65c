#include "trace/ingest/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a baseline lists. */
static bool is_state_record(uint16_t id)
{
	return id >= TRACE_ID_state_task || id == TRACE_ID_state_thread;
}

/* Events that are legal while all CPUs are parked. */
static bool legal_in_baseline(uint16_t id)
{
	return is_state_record(id) || id == TRACE_ID_state_end || id == TRACE_ID_trace_stall ||
	       id == TRACE_ID_vmstat;
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
	look_forget(frame);
}

static void slot_init(void *record)
{
	struct slot *slot = record;

	slot->pfn = slot->alloc_pfn = slot->last_pfn = NO_FRAME;
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
	map_init(&m->mappings, sizeof(struct mapping));
	map_init(&m->cached, sizeof(struct cached));
	map_init(&m->i_mmaps, sizeof(struct i_mmap));
	map_init(&m->signals, sizeof(struct signals));
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
	map_destroy(&m->mappings);
	map_destroy(&m->cached);
	map_destroy(&m->i_mmaps);
	map_destroy(&m->signals);
	sparse_destroy(&m->frames);
	sparse_destroy(&m->slots);
}

static void make_masks(uint64_t masks[TRACE_ID_LIMIT][8])
{
	for (size_t i = 0; i < nr_event_infos; i++) {
		const struct event_info *info = &event_infos[i];
		uint32_t offset = 0;

		for (uint32_t f = 0; f < info->nr_fields; offset += info->fields[f++].size) {
			uint64_t bytes = info->fields[f].size < 8
						 ? (UINT64_C(1) << info->fields[f].size * 8) - 1
						 : UINT64_MAX;

			if (info->fields[f].role == FIELD_PAD && offset / 8 < 8)
				masks[info->id][offset / 8] |= bytes << offset % 8 * 8;
		}
	}
}

/* Padding is zero: masks of the bytes that are, by event. */
static void check_padding(struct model *m, const struct event *event)
{
	static uint64_t masks[TRACE_ID_LIMIT][8];
	static bool made;
	const uint64_t *words = event->payload;

	if (!made)
		make_masks(masks);
	made = true;
	for (uint32_t i = 0; i < event->size / 8u && i < 8; i++) {
		if (words[i] & masks[event->id][i])
			violation(m, fmt("padding"), fmt("zero"),
				  fmt("0x%" PRIx64, words[i] & masks[event->id][i]));
	}
}

/* The kernel tells all its counters, always in the same order. */
void on_vmstat(struct model *m, const struct trace_ev_vmstat *e)
{
	if (e->item == 0 && m->vmstat_next && !m->nr_vmstat)
		m->nr_vmstat = m->vmstat_next;
	if (e->item != m->vmstat_next && !(e->item == 0 && m->vmstat_next == m->nr_vmstat))
		violation(m, fmt("counter"), fmt("number %u", m->vmstat_next), fmt("%u", e->item));
	m->vmstat_next = e->item + 1;
}

void on_sys_unimplemented(struct model *m, const struct trace_ev_sys_unimplemented *e)
{
	check_runs_here(m, e->pid);
}

void on_session_begin(struct model *m, const struct trace_ev_session_begin *e)
{
	if (m->machine.nr_cpus)
		violation(m, fmt("session"), fmt("begins once"), fmt("again"));
	if (e->watermark_min > e->watermark_low || e->watermark_low > e->watermark_high)
		violation(m, fmt("watermarks"), fmt("min, low, high ascend"),
			  fmt("%u, %u, %u", e->watermark_min, e->watermark_low, e->watermark_high));
	m->machine = *e;
	m->swap_size_known = true;
	m->swap_size = e->nr_slots;
}

void on_session_end(struct model *m, const struct trace_ev_session_end *e)
{
	if (e->reason == SESSION_EXIT && m->init_is_one_voice && e->status != m->init_status)
		violation(m, fmt("session"), fmt("status %d of init", m->init_status),
			  fmt("%d", e->status));
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
	memset(m->requests, 0, sizeof(m->requests));
	m->first_pass_id = m->first_kill_id = UINT32_MAX;
	m->kswapd_t = 0;
	m->kswapd = KSWAPD_UNKNOWN;
	m->barriers_untold = true;
	m->swap_told = m->swap_size_known = false;
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
	if (!m->machine.nr_cpus)
		violation(m, fmt("session"), fmt("session_begin"),
			  fmt("none before the first baseline"));
	m->cpus_listed = 0;
	m->nr_cpus_listed = m->nr_frames_listed = m->max_pfn_listed = 0;
	m->phase = m->phase == PHASE_BEFORE ? PHASE_BUILD : PHASE_COMPARE;
	m->generation++;
	m->baseline_t = m->event->t;
	m->baseline_records = 0;
	m->baseline_violations = m->nr_violations;
}

/* What the baseline listed makes up the machine that session_begin told of. */
static void check_machine(struct model *m)
{
	const struct trace_ev_session_begin *machine = &m->machine;
	uint64_t all = (UINT64_C(1) << (machine->nr_cpus % 64)) - 1;

	/* What the first one does not list was taken off before. */
	if (m->phase == PHASE_BUILD && m->hotplug_told)
		m->cpus_off = all & ~m->cpus_listed;
	if (m->cpus_listed != (all & ~m->cpus_off))
		violation(m, fmt("baseline %u", m->generation),
			  fmt("CPUs %" PRIx64, all & ~m->cpus_off),
			  fmt("%" PRIx64, m->cpus_listed));
	if (m->nr_cpus_listed + (uint32_t)__builtin_popcountll(m->cpus_off) != machine->nr_cpus ||
	    m->nr_frames_listed != machine->nr_frames || m->max_pfn_listed != machine->max_pfn)
		violation(m, fmt("baseline %u", m->generation),
			  fmt("%u CPUs, %u frames below %u", machine->nr_cpus, machine->nr_frames,
			      machine->max_pfn),
			  fmt("%u, %u, %u", m->nr_cpus_listed, m->nr_frames_listed,
			      m->max_pfn_listed));
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
	check_machine(m);
	anon_vmas_sweep(m);
	caches_sweep(m);
	ptes_sweep(m);
	rmaps_sweep(m);
	pgtables_sweep(m);
	pmds_sweep(m);
	address_spaces_sweep(m);
	tasks_sweep(m);
	lru_sweep(m);
	slots_sweep(m);
	frames_sweep(m);
	if (m->phase == PHASE_BUILD)
		m->baseline_rank = m->event->rank;
	else if (m->nr_violations > m->baseline_violations)
		model_forget(m);
	m->phase = PHASE_LIVE;
	model_check(m);
}

struct model *replay_new(struct db *db, const struct layout *layout, uint64_t keyframe_events)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->db = db;
	m->migrations_told = layout->known[TRACE_ID_sched_migrate_task];
	m->hotplug_told = layout->known[TRACE_ID_cpu_offline];
	m->files_told = layout->known[TRACE_ID_i_mmap_link];
	m->groups_told = layout->known[TRACE_ID_task_newtask];
	m->keyframe_events = m->next_keyframe = keyframe_events;
	m->loss_t = UINT64_MAX;
	m->first_pass_id = m->first_kill_id = UINT32_MAX;
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
	check_padding(m, event);
	if (cpu_is_off(m, event->cpu) && m->phase == PHASE_LIVE)
		violation(m, fmt("CPU %u", event->cpu), fmt("taken off"), fmt("tells an event"));
	if (m->ended)
		violation(m, fmt("session"), fmt("nothing behind session_end"), fmt("an event"));
	if (m->phase == PHASE_BUILD || m->phase == PHASE_COMPARE) {
		if (!legal_in_baseline(event->id))
			violation(m, fmt("baseline %u", m->generation), fmt("all CPUs parked"),
				  fmt("an event in between"));
		if (is_state_record(event->id))
			m->baseline_records++;
	} else if (is_state_record(event->id)) {
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
	caches_flush(m);
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
