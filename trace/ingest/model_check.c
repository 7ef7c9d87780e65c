/*
 * What must agree whenever the machine stands still: page tables with reverse mappings, pages of files
 * with the page cache, and swap references with the entries, files and the cache that hold them. The single events cannot show it: a
 * mapping that was counted but never entered is legal until then.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static void check_entries(struct model *m)
{
	const struct pte *pte;

	map_for_each (&m->ptes, pte) {
		uint32_t mm_id = (uint32_t)pte->entry.a;

		if (pte->kind == PTE_SWAP && pte->value < MAX_FRAMES)
			((struct slot *)sparse_at(&m->slots, pte->value))->holders++;
		if (pte->kind == PTE_PAGE &&
		    !map_find(&m->rmaps, (uint64_t)pte->value << 32 | mm_id, pte->entry.b))
			violation(m, fmt("frame %u", pte->value),
				  fmt("a mapping at 0x%" PRIx64 " in mm %u", pte->entry.b, mm_id),
				  fmt("an entry without one"));
	}
}

static void check_mappings(struct model *m)
{
	const struct rmap *rmap;

	map_for_each (&m->rmaps, rmap) {
		uint32_t pfn = (uint32_t)(rmap->entry.a >> 32);
		uint32_t mm_id = (uint32_t)rmap->entry.a;
		const struct pte *pte = map_find(&m->ptes, mm_id, rmap->entry.b);

		if (!pte || pte->kind != PTE_PAGE || pte->value != pfn)
			violation(m, fmt("frame %u", pfn),
				  fmt("an entry at 0x%" PRIx64 " in mm %u", rmap->entry.b, mm_id),
				  fmt("a mapping without one"));
	}
}

/* A mapped page of a file is in the mapping it is mapped by, and one of a mapping in no slot. */
static void check_files(struct model *m)
{
	const struct rmap *rmap;
	const struct cached *cached;

	map_for_each (&m->rmaps, rmap) {
		uint32_t pfn = (uint32_t)(rmap->entry.a >> 32);
		const struct frame *frame = frame_at(m, pfn);

		if (frame && is_file_page(frame) && frame->mapping_id != rmap->mapping_id)
			violation(m, fmt("frame %u, mapped", pfn),
				  fmt("in mapping %u", rmap->mapping_id),
				  fmt("in %u", frame->mapping_id));
	}
	map_for_each (&m->cached, cached) {
		const struct frame *frame;

		if (cached->kind == PTE_SWAP) {
			if (cached->value < MAX_FRAMES)
				((struct slot *)sparse_at(&m->slots, cached->value))->holders++;
			continue;
		}
		frame = frame_at(m, cached->value);
		if (frame && (frame->slot != NO_SLOT || frame->mapping_id != cached->entry.a))
			violation(m, fmt("frame %u", cached->value),
				  fmt("in mapping %" PRIu64 ", no slot", cached->entry.a),
				  fmt("in %u, slot %d", frame->mapping_id, (int32_t)frame->slot));
	}
}

static void check_slots(struct model *m)
{
	struct slot *slot;
	uint32_t i;

	sparse_for_each (&m->slots, i, slot) {
		uint32_t want = slot->holders + (slot->pfn != NO_FRAME ? 1 : 0);

		if (slot->used ? slot->refs != want : slot->holders != 0)
			violation(m, fmt("slot %u", i),
				  fmt("%u references: %u entries and places, %s", want,
				      slot->holders,
				      slot->pfn == NO_FRAME ? "not cached" : "cached"),
				  fmt("%u", slot->refs));
		slot->holders = 0;
	}
}

void model_forget(struct model *m)
{
	struct frame *frame;
	struct slot *slot;
	struct task *task;
	uint32_t i;

	map_for_each (&m->tasks, task) {
		task->fresh = task->faulted = task->reclaimed = task->slabs_told = false;
		task->nr_slabs_freed = 0;
		task->reclaim_t = 0;
		task->pass_id = 0;
		task->queue = 0;
	}
	sparse_for_each (&m->frames, i, frame)
		look_forget(frame);
	sparse_for_each (&m->slots, i, slot) {
		slot->out.seen = slot->in.seen = slot->out.open = slot->in.open = false;
		slot->cache_change = 0;
		slot->out_pass = 0;
		slot->alloc_pfn = NO_FRAME;
	}
	for (i = 0; i < MAX_REQUESTS; i++)
		m->requests[i] = (struct request){0};
	for (i = 0; i < NR_LRU_LISTS; i++)
		m->ends[i].hi_exact = m->ends[i].lo_exact = false;
	map_destroy(&m->signals);
	map_init(&m->signals, sizeof(struct signals));
	m->swap_size_known = m->init_ended = m->init_is_one_voice = false;
	m->kswapd = KSWAPD_UNKNOWN;
	m->first_pass_id = m->first_kill_id = UINT32_MAX;
	m->baseline_rank = m->event->rank;
}

void model_check(struct model *m)
{
	struct frame *frame;
	uint32_t pfn;

	/* With events missing, every difference would be told again at each barrier. */
	if (m->event->t >= m->loss_t)
		return;
	check_entries(m);
	check_mappings(m);
	check_files(m);
	check_slots(m);
	rmaps_settle(m);
	sparse_for_each (&m->frames, pfn, frame)
		flags_settle(m, pfn, frame);
}
