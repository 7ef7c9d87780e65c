/*
 * Frames: free in the buddy lists, free on a CPU's list, or allocated; and the flags of allocated
 * ones.
 *
 *   buddy     --mm_page_alloc-->        allocated     --mm_page_free-->       buddy
 *   pcp(cpu)  --mm_page_alloc, pcp=1--> allocated     --mm_page_free, pcp=1--> pcp(cpu)
 *   pool      --mm_page_alloc, pcp=2--> allocated     --mm_page_free, pcp=2--> pool
 *   buddy     --mm_page_zero-->         pool          --mm_page_pcpu_drain-->  buddy
 *   buddy     --mm_page_pcpu_refill-->  pcp(cpu)      --mm_page_pcpu_drain-->  buddy
 *   buddy(n)  --buddy_split-->          2 buddy(n-1)  --buddy_merge-->         buddy(n)
 *
 * The pool of zeroed frames is the list of a CPU of its own number.
 *
 * The state of a block stands in its first frame; the others are its tail.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

#define MAX_ORDER 10
/* Flags that other events imply; the kernel emits no page_flags for them. */
#define IMPLIED_FLAGS (PG_LRU | PG_ISOLATED | PG_BUDDY | PG_PCP | PG_SLAB | PG_RESERVED)
#define NO_CPU        0xffff
#define ZERO_POOL_CPU 0xfffe
#define ZERO_POOL_PCP 2

static struct text state_text(const struct frame *frame)
{
	switch (frame->state) {
	case FRAME_TAIL:
		return fmt("inside a block");
	case FRAME_BUDDY:
		return fmt("free, order %u", frame->order);
	case FRAME_PCP:
		return frame->cpu == ZERO_POOL_CPU ? fmt("free in the pool of zeroed frames")
						   : fmt("free on the list of CPU %u", frame->cpu);
	case FRAME_ALLOCATED:
		return fmt("allocated, order %u, kind %s", frame->order,
			   enum_text(ENUM_ID_page_kind, frame->kind));
	default:
		return fmt("unknown");
	}
}

static void flags_end(struct model *m, uint32_t pfn, const struct frame *frame, uint64_t t)
{
	if (frame->flags)
		DB_INSERT(m->db, page_flags_span, INT(pfn), INT(frame->flags), INT(frame->flags_t),
			  INT(t));
}

/* The block that begins at pfn, if one does, is over. */
static void block_end(struct model *m, uint32_t pfn, const struct frame *frame, uint64_t t)
{
	switch (frame->state) {
	case FRAME_BUDDY:
		DB_INSERT(m->db, free_span, INT(pfn), INT(frame->order), INT(frame->state_t),
			  INT(t));
		break;
	case FRAME_PCP:
		DB_INSERT(m->db, pcp_span, INT(pfn),
			  frame->cpu == ZERO_POOL_CPU ? NIL : INT(frame->cpu), INT(frame->state_t),
			  INT(t));
		break;
	case FRAME_ALLOCATED:
		flags_end(m, pfn, frame, t);
		DB_INSERT(m->db, page_life, INT(pfn), INT(frame->state_t), INT(t),
			  TEXT(enum_text(ENUM_ID_page_kind, frame->kind)), INT(frame->order),
			  INT(frame->life_id), frame->cpu == NO_CPU ? NIL : INT(frame->cpu),
			  INT(frame->pcp), INT(frame->reserve));
		break;
	default:
		break;
	}
}

/*
 * Makes pfn the first frame of a block, on the list of `cpu` if it is FRAME_PCP, and ends what was
 * there; NULL when the block cannot be.
 */
static struct frame *set_block(struct model *m, uint32_t pfn, enum frame_state state,
			       uint32_t order, uint16_t cpu)
{
	uint64_t t = span_begin(m);
	struct frame *frame;

	if (order > MAX_ORDER || pfn & ((1u << order) - 1)) {
		violation(m, fmt("frame %u", pfn),
			  fmt("aligned to its order, at most %d", MAX_ORDER),
			  fmt("order %u", order));
		return NULL;
	}
	/* The last frame first: the array may move when it grows. */
	if (!frame_at(m, pfn + (1u << order) - 1))
		return NULL;
	for (uint32_t i = 1; i < 1u << order; i++) {
		frame = frame_at(m, pfn + i);
		block_end(m, pfn + i, frame, t);
		frame->state = FRAME_TAIL;
		frame->flags = 0;
	}
	frame = frame_at(m, pfn);
	block_end(m, pfn, frame, t);
	frame->state = (uint8_t)state;
	frame->order = (uint8_t)order;
	frame->cpu = cpu;
	frame->state_t = t;
	frame->flags = 0;
	return frame;
}

/* Demands that pfn begins a block in this state and order (and, for FRAME_PCP, on the list of
 * `cpu`). */
static void check_block(struct model *m, uint32_t pfn, enum frame_state state, uint32_t order,
			uint32_t cpu)
{
	struct frame want = {
		.state = (uint8_t)state, .order = (uint8_t)order, .cpu = (uint16_t)cpu};
	const struct frame *frame = frame_at(m, pfn);

	if (!frame || (frame->state == state && frame->order == order &&
		       (state != FRAME_PCP || frame->cpu == cpu)))
		return;
	violation(m, fmt("frame %u", pfn), state_text(&want), state_text(frame));
}

void flags_settle(struct model *m, uint32_t pfn, struct frame *frame)
{
	if (frame->flags_twice_set || frame->flags_twice_cleared)
		violation(m, fmt("flags of frame %u", pfn), fmt("set and cleared in turn"),
			  fmt("0x%x set twice, 0x%x cleared twice", frame->flags_twice_set,
			      frame->flags_twice_cleared));
	frame->flags_twice_set = frame->flags_twice_cleared = 0;
}

/* Which list an allocation or a free by this CPU means. */
static uint16_t list_cpu(const struct model *m, uint8_t pcp)
{
	return pcp == ZERO_POOL_PCP ? ZERO_POOL_CPU : (uint16_t)m->event->cpu;
}

void on_mm_page_alloc(struct model *m, const struct trace_ev_mm_page_alloc *e)
{
	struct frame *frame;

	check_block(m, e->pfn, e->pcp ? FRAME_PCP : FRAME_BUDDY, e->order, list_cpu(m, e->pcp));
	frame = set_block(m, e->pfn, FRAME_ALLOCATED, e->order, (uint16_t)m->event->cpu);
	if (!frame)
		return;
	if (e->pcp > 2 || e->reserve > 1)
		violation(m, fmt("frame %u", e->pfn), fmt("a list and whether below min"),
			  fmt("%u, %u", e->pcp, e->reserve));
	look_forget(frame);
	frame->kind = e->kind;
	frame->pcp = e->pcp;
	frame->reserve = e->reserve;
	frame->life_id = m->event->rank;
}

uint32_t page_nr_frames(const struct frame *frame)
{
	return frame->state == FRAME_ALLOCATED && frame->kind == PAGE_ANON &&
			       frame->order == HUGE_ORDER
		       ? HUGE_NR
		       : 1;
}

/* The block becomes pages of one frame. What is said of the first frame goes on. */
void on_page_split(struct model *m, const struct trace_ev_page_split *e)
{
	struct frame *frame = frame_allocated(m, e->pfn), *part;

	if (!frame)
		return;
	if (page_nr_frames(frame) != HUGE_NR || !frame->mapcount) {
		violation(m, fmt("frame %u, being split", e->pfn),
			  fmt("a mapped page of 512 frames"),
			  fmt("order %u, %u mappings", frame->order, frame->mapcount));
		return;
	}
	mapcount_settle(m, e->pfn);
	lru_split(m, e);
	block_end(m, e->pfn, frame, m->event->t);
	for (uint32_t i = 0; i < HUGE_NR; i++) {
		part = frame_at(m, e->pfn + i);
		if (i)
			look_forget(part);
		part->state = FRAME_ALLOCATED;
		part->order = 0;
		part->kind = PAGE_ANON;
		part->cpu = (uint16_t)m->event->cpu;
		part->pcp = part->reserve = 0;
		part->generation = m->generation;
		part->state_t = part->flags_t = m->event->t;
		part->life_id = m->event->rank;
	}
}

/* A page that comes free must have left everything that knows it. */
static void check_unused(struct model *m, uint32_t pfn, const struct frame *frame)
{
	struct text object = fmt("frame %u, being freed", pfn);

	for (uint32_t i = 0; i < page_nr_frames(frame); i++) {
		uint32_t mapcount = frame_at(m, pfn + i)->mapcount;

		if (mapcount)
			violation(m, object, fmt("no mapping of frame %u", pfn + i),
				  fmt("%u mappings", mapcount));
	}
	if (frame->list != LRU_NONE)
		violation(m, object, fmt("on no list"),
			  fmt("on %s", enum_text(ENUM_ID_lru_list, frame->list)));
	if (frame->mapping_id)
		violation(m, object, fmt("in no mapping"), fmt("in mapping %u", frame->mapping_id));
	if (frame->slot != NO_SLOT)
		violation(m, object, fmt("not in the swap cache"),
			  fmt("holds slot %u", frame->slot));
	if (frame->flags & (PG_LOCKED | PG_WRITEBACK | PG_SWAPCACHE) && !frame->flags_twice_set)
		violation(m, object, fmt("not locked, written or in the swap cache"),
			  fmt("flags 0x%x", frame->flags));
	if (frame->lru_out_why != LRU_WHY_UNKNOWN && frame->lru_out_why != LRU_WHY_FREE &&
	    frame->lru_out_why != LRU_WHY_RECLAIM && frame->lru_out_why != LRU_WHY_MIGRATE)
		violation(m, object, fmt("taken off its list to be freed"),
			  fmt("%s", enum_text(ENUM_ID_lru_why, frame->lru_out_why)));
	slab_check_free(m, pfn, frame);
	if (frame->nr_tables)
		violation(m, object, fmt("no page table"), fmt("a table that is linked"));
}

void on_mm_page_free(struct model *m, const struct trace_ev_mm_page_free *e)
{
	struct frame *frame = frame_allocated(m, e->pfn);

	if (frame) {
		if (frame->order != e->order || frame->kind != e->kind)
			violation(m, fmt("frame %u", e->pfn), state_text(frame),
				  fmt("freed with order %u, kind %s", e->order,
				      enum_text(ENUM_ID_page_kind, e->kind)));
		mapcount_settle(m, e->pfn);
		check_unused(m, e->pfn, frame);
		flags_settle(m, e->pfn, frame);
	}
	set_block(m, e->pfn, e->pcp ? FRAME_PCP : FRAME_BUDDY, e->order, list_cpu(m, e->pcp));
}

void on_mm_page_zero(struct model *m, const struct trace_ev_mm_page_zero *e)
{
	check_block(m, e->pfn, FRAME_BUDDY, 0, 0);
	set_block(m, e->pfn, FRAME_PCP, 0, ZERO_POOL_CPU);
}

void on_mm_page_pcpu_refill(struct model *m, const struct trace_ev_mm_page_pcpu_refill *e)
{
	check_block(m, e->pfn, FRAME_BUDDY, 0, 0);
	set_block(m, e->pfn, FRAME_PCP, 0, (uint16_t)m->event->cpu);
}

void on_mm_page_pcpu_drain(struct model *m, const struct trace_ev_mm_page_pcpu_drain *e)
{
	check_block(m, e->pfn, FRAME_PCP, 0, e->cpu);
	set_block(m, e->pfn, FRAME_BUDDY, 0, NO_CPU);
}

void on_buddy_split(struct model *m, const struct trace_ev_buddy_split *e)
{
	if (e->order == 0 || e->order > MAX_ORDER) {
		violation(m, fmt("frame %u", e->pfn), fmt("an order that can be split"),
			  fmt("order %u", e->order));
		return;
	}
	check_block(m, e->pfn, FRAME_BUDDY, e->order, 0);
	set_block(m, e->pfn + (1u << (e->order - 1)), FRAME_BUDDY, e->order - 1, NO_CPU);
	set_block(m, e->pfn, FRAME_BUDDY, e->order - 1, NO_CPU);
}

void on_buddy_merge(struct model *m, const struct trace_ev_buddy_merge *e)
{
	if (e->order >= MAX_ORDER) {
		violation(m, fmt("frame %u", e->pfn), fmt("an order that can be merged"),
			  fmt("order %u", e->order));
		return;
	}
	check_block(m, e->pfn, FRAME_BUDDY, e->order, 0);
	check_block(m, e->pfn + (1u << e->order), FRAME_BUDDY, e->order, 0);
	set_block(m, e->pfn, FRAME_BUDDY, e->order + 1, NO_CPU);
}

/*
 * Bits change by atomic operations without a lock, so two CPUs may change a bit in one order and
 * stamp in the other: set, set, clear instead of set, clear, set. One such step ahead is remembered
 * and must be undone by a later event.
 */
void on_page_flags(struct model *m, const struct trace_ev_page_flags *e)
{
	struct frame *frame = frame_allocated(m, e->pfn);
	uint16_t set, cleared;
	const struct slot *slot;

	if (!frame)
		return;
	if ((frame->flags_twice_set & e->set) || (frame->flags_twice_cleared & e->cleared))
		violation(m, fmt("flags of frame %u", e->pfn), fmt("0x%x", frame->flags),
			  fmt("0x%x set, 0x%x cleared for the third time", e->set, e->cleared));
	if ((!e->set && !e->cleared) || e->set & e->cleared ||
	    (e->set | e->cleared) & IMPLIED_FLAGS || (frame->read_failed && e->set & PG_UPTODATE))
		violation(m, fmt("flags of frame %u", e->pfn),
			  frame->read_failed ? fmt("not up to date: its read failed")
					     : fmt("some change of its own"),
			  fmt("0x%x set, 0x%x cleared", e->set, e->cleared));
	slot = e->cleared & PG_WRITEBACK && frame->slot != NO_SLOT ? slot_at(m, frame->slot) : NULL;
	if (slot && slot->out.open)
		violation(m, fmt("frame %u, no longer being written", e->pfn),
			  fmt("the write has ended"), fmt("under way"));
	set = e->set & (uint16_t)~frame->flags_twice_cleared;
	cleared = e->cleared & (uint16_t)~frame->flags_twice_set;
	frame->flags_twice_set =
		(frame->flags_twice_set & (uint16_t)~e->cleared) | (set & frame->flags);
	frame->flags_twice_cleared = (frame->flags_twice_cleared & (uint16_t)~e->set) |
				     (cleared & (uint16_t)~frame->flags);
	flags_end(m, e->pfn, frame, m->event->t);
	frame->flags = (frame->flags | set) & (uint16_t)~cleared;
	frame->flags_t = m->event->t;
}

/* Takes over what a baseline says about a block; what the model thought of it ends. */
static struct frame *adopt_block(struct model *m, uint32_t pfn, const struct frame *want)
{
	struct frame *frame = frame_at(m, pfn);

	if (!frame)
		return NULL;
	m->nr_frames_listed += 1u << (want->order & 31);
	if (pfn + (1u << (want->order & 31)) > m->max_pfn_listed)
		m->max_pfn_listed = pfn + (1u << (want->order & 31));
	if (frame->state == want->state && frame->order == want->order &&
	    (want->state != FRAME_PCP || frame->cpu == want->cpu) &&
	    (want->state != FRAME_ALLOCATED || frame->kind == want->kind)) {
		frame->generation = m->generation;
		return frame;
	}
	disagreement(m, fmt("frame %u", pfn), state_text(frame), state_text(want));
	frame = set_block(m, pfn, want->state, want->order, want->cpu);
	if (!frame)
		return NULL;
	frame->generation = m->generation;
	frame->kind = want->kind;
	frame->life_id = m->event->rank;
	frame->pcp = frame->reserve = 0;
	return frame;
}

void on_state_page(struct model *m, const struct trace_ev_state_page *e)
{
	struct frame want = {
		.state = FRAME_ALLOCATED, .order = e->order, .kind = e->kind, .cpu = NO_CPU};
	struct frame *frame = adopt_block(m, e->pfn, &want);
	uint16_t flags = e->flags & (uint16_t)~IMPLIED_FLAGS;

	if (!frame || frame->flags == flags)
		return;
	disagreement(m, fmt("flags of frame %u", e->pfn), fmt("0x%x", frame->flags),
		     fmt("0x%x", flags));
	flags_end(m, e->pfn, frame, m->baseline_t);
	frame->flags = flags;
	frame->flags_t = m->baseline_t;
}

void on_state_free(struct model *m, const struct trace_ev_state_free *e)
{
	struct frame want = {.state = FRAME_PCP, .order = e->order, .cpu = e->pcp_cpu};

	if (e->pcp_cpu == NO_CPU)
		want.state = FRAME_BUDDY;
	adopt_block(m, e->pfn, &want);
}

void frames_sweep(struct model *m)
{
	struct frame *frame;
	uint32_t pfn;

	sparse_for_each (&m->frames, pfn, frame) {
		if (frame->state < FRAME_BUDDY || frame->generation == m->generation)
			continue;
		disagreement(m, fmt("frame %u", pfn), state_text(frame), fmt("not listed"));
		block_end(m, pfn, frame, m->baseline_t);
		frame->state = FRAME_UNKNOWN;
		frame->flags = 0;
	}
}

void frames_check_none_of(struct model *m, uint32_t cpu)
{
	const struct frame *frame;
	uint32_t pfn;

	sparse_for_each (&m->frames, pfn, frame)
		if (frame->state == FRAME_PCP && frame->cpu == cpu)
			violation(m, fmt("frame %u", pfn), fmt("on no list of CPU %u", cpu),
				  state_text(frame));
}

void frames_flush(struct model *m)
{
	const struct frame *frame;
	uint32_t pfn;

	sparse_for_each (&m->frames, pfn, frame)
		block_end(m, pfn, frame, T_OPEN);
}
