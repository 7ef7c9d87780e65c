/*
 * Swap slots: their references, what the swap cache holds for them, and the reads and writes under
 * way.
 *
 * swap_slot_alloc gives one reference, the cache's; from then on swap_slot_refs carries the count,
 * one step at a time, down to 0, which swap_slot_free follows. One life of a slot, from alloc to
 * free, holds one content.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static struct slot *slot_used(struct model *m, uint32_t number)
{
	struct slot *slot = slot_at(m, number);

	if (slot && !slot->used) {
		violation(m, fmt("slot %u", number), fmt("allocated"), fmt("free"));
		return NULL;
	}
	return slot;
}

/* One span per count, so that a slot's references are known at any time. Nothing refers to a slot
 * at 0: no span. */
static void refs_end(struct model *m, uint32_t number, const struct slot *slot, uint64_t t)
{
	if (slot->refs)
		DB_INSERT(m->db, swap_span, INT(number), INT(slot->refs_t), INT(t), INT(slot->refs),
			  INT(slot->life_id));
}

static void cache_write(struct model *m, uint32_t number, const struct slot *slot, uint64_t t)
{
	if (slot->pfn != NO_FRAME)
		DB_INSERT(m->db, swap_cache_span, INT(number), INT(slot->pfn), INT(slot->cache_t),
			  INT(t));
}

static void cache_end(struct model *m, uint32_t number, struct slot *slot, uint64_t t)
{
	struct frame *frame = frame_at(m, slot->pfn);

	cache_write(m, number, slot, t);
	if (frame && frame->slot == number)
		frame->slot = NO_SLOT;
	slot->last_pfn = slot->pfn;
	slot->pfn = NO_FRAME;
}

static void cache_begin(struct model *m, uint32_t number, struct slot *slot, uint32_t pfn)
{
	struct frame *frame = frame_at(m, pfn);

	slot->pfn = pfn;
	slot->cache_t = span_begin(m);
	if (frame)
		frame->slot = number;
}

static void life_begin(struct model *m, struct slot *slot, uint32_t refs)
{
	*slot = (struct slot){.used = true,
			      .refs = refs,
			      .pfn = NO_FRAME,
			      .alloc_pfn = NO_FRAME,
			      .last_pfn = NO_FRAME,
			      .generation = m->generation,
			      .life_id = m->event->rank,
			      .refs_t = span_begin(m)};
}

static void life_end(struct model *m, uint32_t number, struct slot *slot, uint64_t t)
{
	refs_end(m, number, slot, t);
	if (slot->pfn != NO_FRAME)
		cache_end(m, number, slot, t);
	refault_end(m, &slot->refault, -1, -1);
	slot->used = false;
	slot->refs = 0;
}

void on_swap_slot_alloc(struct model *m, const struct trace_ev_swap_slot_alloc *e)
{
	struct slot *slot = slot_at(m, e->slot);

	if (!slot)
		return;
	if (m->swap_told && !m->swap_is_on)
		violation(m, fmt("slot %u", e->slot), fmt("swap on"), fmt("off"));
	if (slot->used) {
		violation(m, fmt("slot %u", e->slot), fmt("free"),
			  fmt("%u references", slot->refs));
		life_end(m, e->slot, slot, m->event->t);
	}
	frame_allocated(m, e->pfn);
	life_begin(m, slot, 1);
	slot->alloc_pfn = e->pfn;
}

void on_swap_slot_free(struct model *m, const struct trace_ev_swap_slot_free *e)
{
	struct slot *slot = slot_used(m, e->slot);

	if (!slot)
		return;
	if (slot->refs || slot->pfn != NO_FRAME)
		violation(m, fmt("slot %u, being freed", e->slot), fmt("no reference, not cached"),
			  fmt("%u references, %s", slot->refs,
			      slot->pfn == NO_FRAME ? "not cached" : "cached"));
	life_end(m, e->slot, slot, m->event->t);
}

/* The step that a reason allows: +1, -1, or 0 for either. */
static int refs_step(uint8_t why)
{
	switch (why) {
	case SLOT_WHY_UNMAP:
	case SLOT_WHY_FORK:
	case SLOT_WHY_SHMEM_OUT:
		return 1;
	case SLOT_WHY_SWAPIN:
	case SLOT_WHY_ZAP:
	case SLOT_WHY_SHMEM_IN:
	case SLOT_WHY_TRUNCATE:
		return -1;
	default:
		return 0;
	}
}

void on_swap_slot_refs(struct model *m, const struct trace_ev_swap_slot_refs *e)
{
	struct slot *slot = slot_used(m, e->slot);
	int64_t step, legal = refs_step(e->why);

	if (!slot)
		return;
	step = (int64_t)e->refs - slot->refs;
	if (legal ? step != legal : step != 1 && step != -1)
		violation(m, fmt("slot %u", e->slot),
			  fmt("%u references, one step away (%s)", slot->refs,
			      enum_text(ENUM_ID_slot_why, e->why)),
			  fmt("%u", e->refs));
	if (e->why == SLOT_WHY_CACHE) {
		if (step != slot->cache_change)
			violation(m, fmt("slot %u", e->slot),
				  fmt("the cache changed by %d", slot->cache_change),
				  fmt("%d", (int)step));
		slot->cache_change = 0;
	}
	refs_end(m, e->slot, slot, m->event->t);
	slot->refs = e->refs;
	slot->refs_t = m->event->t;
}

/* The cache's reference is counted as soon as it is taken or given up. */
static void check_followed(struct model *m, uint32_t number, const struct slot *slot)
{
	if (slot->cache_change)
		violation(m, fmt("slot %u", number), fmt("references counted for the cache"),
			  fmt("not yet"));
}

void on_swap_cache_add(struct model *m, const struct trace_ev_swap_cache_add *e)
{
	struct slot *slot = slot_used(m, e->slot);
	struct frame *frame = frame_allocated(m, e->pfn);

	if (!slot)
		return;
	if (frame && frame->slot != NO_SLOT)
		violation(m, fmt("frame %u", e->pfn), fmt("in no slot"),
			  fmt("slot %u", frame->slot));
	if (slot->pfn != NO_FRAME) {
		violation(m, fmt("slot %u", e->slot), fmt("not cached"),
			  fmt("in frame %u", slot->pfn));
		cache_end(m, e->slot, slot, m->event->t);
	}
	if (slot->alloc_pfn != NO_FRAME && slot->alloc_pfn != e->pfn)
		violation(m, fmt("slot %u", e->slot), fmt("taken for frame %u", slot->alloc_pfn),
			  fmt("frame %u", e->pfn));
	check_followed(m, e->slot, slot);
	/* A slot that was just taken has the cache's reference already. */
	slot->cache_change = slot->alloc_pfn == NO_FRAME;
	slot->alloc_pfn = NO_FRAME;
	cache_begin(m, e->slot, slot, e->pfn);
}

void on_swap_cache_remove(struct model *m, const struct trace_ev_swap_cache_remove *e)
{
	struct slot *slot = slot_used(m, e->slot);

	if (!slot)
		return;
	if (slot->pfn != e->pfn)
		violation(m, fmt("slot %u", e->slot),
			  slot->pfn == NO_FRAME ? fmt("not cached") : fmt("in frame %u", slot->pfn),
			  fmt("in frame %u", e->pfn));
	if (slot->out.open || slot->in.open)
		violation(m, fmt("slot %u, leaving the cache", e->slot), fmt("no I/O under way"),
			  slot->out.open ? fmt("a write") : fmt("a read"));
	slot->out.open = slot->in.open = false;
	check_followed(m, e->slot, slot);
	slot->cache_change = -1;
	if (slot->pfn != NO_FRAME)
		cache_end(m, e->slot, slot, m->event->t);
	refault_end(m, &slot->refault, -1, -1);
}

/* Reading and writing happen between a slot and the page that the cache holds for it. */
static struct slot *slot_caching(struct model *m, uint32_t number, uint32_t pfn)
{
	struct slot *slot = slot_used(m, number);

	if (slot && slot->pfn != pfn)
		violation(m, fmt("slot %u", number), fmt("cached in frame %u", pfn),
			  slot->pfn == NO_FRAME ? fmt("not cached")
						: fmt("in frame %u", slot->pfn));
	return slot;
}

/* A page that is sent is whole, and marked as being written. */
static void check_written(struct model *m, uint32_t pfn)
{
	const struct frame *frame = frame_allocated(m, pfn);
	uint16_t want = PG_WRITEBACK | PG_UPTODATE;

	if (frame && (frame->flags & (want | PG_DIRTY)) != want)
		violation(m, fmt("frame %u, being written", pfn),
			  fmt("flags 0x%x, not dirty", want), fmt("0x%x", frame->flags));
}

void on_swap_out_begin(struct model *m, const struct trace_ev_swap_out_begin *e)
{
	struct slot *slot = slot_caching(m, e->slot, e->pfn);

	if (!slot)
		return;
	if (slot->out.open)
		violation(m, fmt("slot %u", e->slot), fmt("no write under way"), fmt("one"));
	pass_running(m, e->pass_id);
	check_written(m, e->pfn);
	slot->out.open = slot->out.seen = true;
	slot->out.pfn = e->pfn;
	slot->out.pass_id = e->pass_id;
	slot->out.t = m->event->t;
}

void on_swap_out_end(struct model *m, const struct trace_ev_swap_out_end *e)
{
	struct slot *slot = slot_caching(m, e->slot, e->pfn);

	if (!slot)
		return;
	if (!slot->out.open) {
		/* A write that began before tracing did has no beginning. */
		if (slot->life_id > m->baseline_rank || slot->out.seen)
			violation(m, fmt("slot %u", e->slot), fmt("a write under way"),
				  fmt("none"));
		return;
	}
	slot->out.open = false;
	slot->out_pass = slot->out.pass_id;
	slot->out_error = e->error;
	DB_INSERT(m->db, swap_io, TEXT("out"), INT(e->slot), INT(e->pfn), INT(slot->out.t),
		  INT(m->event->t), INT(e->error), INT(slot->out.pass_id), NIL, INT(0));
}

void on_swap_in_begin(struct model *m, const struct trace_ev_swap_in_begin *e)
{
	struct slot *slot = slot_caching(m, e->slot, e->pfn);

	if (!slot)
		return;
	if (slot->in.open)
		violation(m, fmt("slot %u", e->slot), fmt("no read under way"), fmt("one"));
	check_runs_here(m, e->pid);
	fault_check_read(m, e->slot, e->readahead != 0);
	slot->in.open = slot->in.seen = true;
	slot->in.pfn = e->pfn;
	slot->in.readahead = e->readahead != 0;
	slot->in.pid = e->pid;
	slot->in.t = m->event->t;
	if (!slot->eviction_id)
		return;
	refault_end(m, &slot->refault, -1, -1);
	slot->refault = (struct refault){.open = true,
					 .readahead = e->readahead != 0,
					 .slot = e->slot,
					 .pfn = e->pfn,
					 .t = m->event->t,
					 .eviction_id = slot->eviction_id,
					 .distance = m->nr_evictions - slot->eviction_n};
	slot->eviction_id = 0;
}

void on_swap_in_end(struct model *m, const struct trace_ev_swap_in_end *e)
{
	struct slot *slot = slot_caching(m, e->slot, e->pfn);
	struct frame *frame;

	if (!slot)
		return;
	if (!slot->in.open) {
		if (slot->life_id > m->baseline_rank || slot->in.seen)
			violation(m, fmt("slot %u", e->slot), fmt("a read under way"), fmt("none"));
		return;
	}
	frame = frame_at(m, e->pfn);
	if (frame)
		frame->read_failed = e->error != 0;
	slot->in.open = false;
	DB_INSERT(m->db, swap_io, TEXT("in"), INT(e->slot), INT(e->pfn), INT(slot->in.t),
		  INT(m->event->t), INT(e->error), NIL, INT(slot->in.pid), INT(slot->in.readahead));
}

void swap_slot_used(struct model *m, uint32_t number)
{
	struct slot *slot = slot_at(m, number);
	struct task *task = current_task(m);

	if (!slot || !slot->refault.open)
		return;
	if (!task || !task->nr_faults) {
		refault_end(m, &slot->refault, -1, task ? (int32_t)task->entry.a : -1);
		return;
	}
	/* The fault that waited gets it; how long is known when it ends. A fault maps one slot. */
	refault_end(m, &task->faults[task->nr_faults - 1].refault, -1, (int32_t)task->entry.a);
	task->faults[task->nr_faults - 1].refault = slot->refault;
	slot->refault.open = false;
}

static void swap_switched(struct model *m, bool on, uint32_t nr_slots)
{
	if (!on && m->swap_size_known && m->swap_size != nr_slots)
		violation(m, fmt("swap"), fmt("%u slots", m->swap_size), fmt("%u", nr_slots));
	m->swap_size_known = true;
	m->swap_size = on ? nr_slots : 0;
	if (m->swap_told && m->swap_is_on == on)
		violation(m, fmt("swap"), on ? fmt("off") : fmt("on"), on ? fmt("on") : fmt("off"));
	m->swap_told = true;
	m->swap_is_on = on;
}

void on_swap_on(struct model *m, const struct trace_ev_swap_on *e)
{
	swap_switched(m, true, e->nr_slots);
	/* Slots have the same numbers each time: the limit is that of the largest area. */
	if (e->nr_slots > m->machine.nr_slots)
		m->machine.nr_slots = e->nr_slots;
}

void on_swap_off(struct model *m, const struct trace_ev_swap_off *e)
{
	const struct slot *slot;
	uint32_t i, used = 0;

	swap_switched(m, false, e->nr_slots);
	sparse_for_each (&m->slots, i, slot)
		used += slot->used;
	if (used)
		violation(m, fmt("swap"), fmt("no slot in use"), fmt("%u", used));
}

void on_state_swap(struct model *m, const struct trace_ev_state_swap *e)
{
	struct slot *slot = slot_at(m, e->slot);
	uint32_t pfn = e->pfn ? e->pfn : NO_FRAME;

	if (!slot)
		return;
	if (!slot->used || slot->refs != e->refs || slot->pfn != pfn) {
		disagreement(m, fmt("slot %u", e->slot),
			     fmt("%u references, cached in %d", slot->refs, (int32_t)slot->pfn),
			     fmt("%u references, cached in %d", e->refs, (int32_t)pfn));
		if (slot->used)
			life_end(m, e->slot, slot, m->baseline_t);
		life_begin(m, slot, e->refs);
		if (pfn != NO_FRAME)
			cache_begin(m, e->slot, slot, pfn);
	}
	slot->generation = m->generation;
}

void slots_sweep(struct model *m)
{
	struct slot *slot;
	uint32_t i;

	sparse_for_each (&m->slots, i, slot) {
		if (!slot->used || slot->generation == m->generation)
			continue;
		disagreement(m, fmt("slot %u", i), fmt("%u references", slot->refs),
			     fmt("not listed"));
		life_end(m, i, slot, m->baseline_t);
	}
}

void slots_flush(struct model *m)
{
	const struct slot *slot;
	uint32_t i;

	sparse_for_each (&m->slots, i, slot) {
		if (!slot->used)
			continue;
		refs_end(m, i, slot, T_OPEN);
		cache_write(m, i, slot, T_OPEN);
		refault_write(m, &slot->refault, -1, -1);
	}
}
