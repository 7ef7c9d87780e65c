#include "tests/ingest/guest_memory.h"

uint32_t roll(struct guest *g, uint32_t sides)
{
	g->random = g->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(g->random >> 33) % sides;
}

uint64_t entry_va(uint32_t index)
{
	return GUEST_VA + (uint64_t)index * 4096;
}

/* ---- frames ---- */

uint32_t alloc_frame(struct guest *g, uint32_t cpu, enum page_kind kind)
{
	uint32_t start = 2 + roll(g, BLOCK_PFN - 2);

	for (uint32_t i = 0; i < BLOCK_PFN - 2; i++) {
		uint32_t pfn = 2 + (start - 2 + i) % (BLOCK_PFN - 2);
		struct guest_frame *frame = &g->frames[pfn];

		if (frame->used)
			continue;
		if (frame->pcp && frame->pcp_cpu != cpu) {
			EMIT(g->w, cpu, mm_page_pcpu_drain, .pfn = pfn, .cpu = frame->pcp_cpu);
			frame->pcp = false;
		}
		if (!frame->pcp && roll(g, 2)) {
			EMIT(g->w, cpu, mm_page_pcpu_refill, .pfn = pfn);
			frame->pcp = true;
		}
		EMIT(g->w, cpu, mm_page_alloc, .pfn = pfn, .kind = kind, .pcp = frame->pcp);
		*frame = (struct guest_frame){.used = true, .kind = (uint8_t)kind, .list = NO_LIST};
		g->vmstat[VMSTAT_PGALLOC]++;
		return pfn;
	}
	return 0;
}

void free_frame(struct guest *g, uint32_t cpu, uint32_t pfn)
{
	struct guest_frame *frame = &g->frames[pfn];
	bool pcp = roll(g, 2);

	EMIT(g->w, cpu, mm_page_free, .pfn = pfn, .kind = frame->kind, .pcp = pcp);
	*frame = (struct guest_frame){.pcp = pcp, .pcp_cpu = (uint16_t)cpu, .list = NO_LIST};
	g->vmstat[VMSTAT_PGFREE]++;
}

void set_flags(struct guest *g, uint32_t cpu, uint32_t pfn, uint16_t flags)
{
	uint16_t set = flags & (uint16_t)~g->frames[pfn].flags;
	uint16_t cleared = g->frames[pfn].flags & (uint16_t)~flags;

	if (set || cleared)
		EMIT(g->w, cpu, page_flags, .pfn = pfn, .set = set, .cleared = cleared);
	g->frames[pfn].flags = flags;
}

void split_and_merge(struct guest *g, uint32_t cpu)
{
	for (uint32_t order = BLOCK_ORDER; order > 0; order--)
		EMIT(g->w, cpu, buddy_split, .pfn = BLOCK_PFN, .order = order);
	for (uint32_t order = 0; order < BLOCK_ORDER; order++)
		EMIT(g->w, cpu, buddy_merge, .pfn = BLOCK_PFN, .order = order);
}

/* ---- lists, mappings, entries ---- */

void list_add(struct guest *g, uint32_t cpu, uint32_t pfn, uint8_t list, uint8_t why)
{
	bool head = roll(g, 4) != 0;

	g->frames[pfn].list = list;
	g->frames[pfn].pos = head ? ++g->hi[list] : --g->lo[list];
	EMIT(g->w, cpu, lru_insert, .pos = g->frames[pfn].pos, .pfn = pfn, .list = list,
	     .why = why);
}

static void list_remove(struct guest *g, uint32_t cpu, uint32_t pfn, uint8_t why)
{
	EMIT(g->w, cpu, lru_remove, .pfn = pfn, .list = g->frames[pfn].list, .why = why);
	g->frames[pfn].list = NO_LIST;
}

void map_page(struct guest *g, const struct guest_task *t, uint32_t cpu, uint32_t i, uint32_t pfn)
{
	struct guest_frame *frame = &g->frames[pfn];

	if (!frame->mapping_id)
		frame->mapping_id = t->anon_vma_id;
	frame->mapcount++;
	EMIT(g->w, cpu, rmap_add, .va = entry_va(i), .pfn = pfn, .mm_id = t->mm_id,
	     .mapping_id = frame->mapping_id, .mapcount = (int32_t)frame->mapcount);
}

void unmap_page(struct guest *g, const struct guest_task *t, uint32_t cpu, uint32_t i, uint32_t pfn)
{
	struct guest_frame *frame = &g->frames[pfn];

	frame->mapcount--;
	EMIT(g->w, cpu, rmap_remove, .va = entry_va(i), .pfn = pfn, .mm_id = t->mm_id,
	     .mapping_id = frame->mapping_id, .mapcount = (int32_t)frame->mapcount);
}

void set_entry(struct guest *g, struct guest_task *t, uint32_t cpu, uint32_t i,
	       struct guest_entry entry, uint8_t why)
{
	struct guest_entry *old = &t->entries[i];
	/* The CPU sets these two by itself between two events. */
	uint16_t hardware = old->kind == PTE_PAGE && roll(g, 2) ? PTEF_ACCESSED | PTEF_DIRTY : 0;

	EMIT(g->w, cpu, pte_set, .va = entry_va(i), .mm_id = t->mm_id, .value = entry.value,
	     .flags = entry.flags, .old_flags = old->flags | hardware, .kind = entry.kind,
	     .old_kind = old->kind, .why = why);
	*old = entry;
}

void slot_ref(struct guest *g, uint32_t cpu, uint32_t slot, int step, uint8_t why)
{
	g->slots[slot].refs += (uint32_t)step;
	EMIT(g->w, cpu, swap_slot_refs, .slot = slot, .refs = (uint16_t)g->slots[slot].refs,
	     .why = why);
	if (g->slots[slot].refs == 0)
		EMIT(g->w, cpu, swap_slot_free, .slot = slot);
}

static void uncache(struct guest *g, uint32_t cpu, uint32_t pfn)
{
	uint32_t slot = g->frames[pfn].slot;

	EMIT(g->w, cpu, swap_cache_remove, .slot = slot, .pfn = pfn);
	g->slots[slot].pfn = 0;
	g->frames[pfn].slot = 0;
	slot_ref(g, cpu, slot, -1, SLOT_WHY_CACHE);
}

void release_page(struct guest *g, uint32_t cpu, uint32_t pfn)
{
	struct guest_frame *frame = &g->frames[pfn];

	if (frame->slot && (g->slots[frame->slot].refs == 1 || frame->mapcount == 0))
		uncache(g, cpu, pfn);
	if (frame->mapcount)
		return;
	if (frame->list != NO_LIST)
		list_remove(g, cpu, pfn, LRU_WHY_FREE);
	free_frame(g, cpu, pfn);
}

/* ---- reclaim ---- */

/* Every entry that maps the page becomes a swap entry. */
static void unmap_all(struct guest *g, uint32_t cpu, uint32_t pfn, uint32_t slot)
{
	for (uint32_t n = 0; n < GUEST_TASKS; n++) {
		struct guest_task *t = &g->tasks[n];

		for (uint32_t i = 0; t->alive && i < GUEST_PAGES; i++) {
			if (t->entries[i].kind != PTE_PAGE || t->entries[i].value != pfn)
				continue;
			slot_ref(g, cpu, slot, 1, SLOT_WHY_UNMAP);
			set_entry(g, t, cpu, i,
				  (struct guest_entry){.kind = PTE_SWAP, .value = slot},
				  PTE_WHY_SWAPOUT);
			unmap_page(g, t, cpu, i, pfn);
		}
	}
}

static uint32_t cache_page(struct guest *g, uint32_t cpu, uint32_t pfn)
{
	for (uint32_t slot = 1; slot <= GUEST_SLOTS; slot++) {
		if (g->slots[slot].refs)
			continue;
		EMIT(g->w, cpu, swap_slot_alloc, .slot = slot, .pfn = pfn);
		EMIT(g->w, cpu, swap_cache_add, .slot = slot, .pfn = pfn);
		g->slots[slot] = (struct guest_slot){.refs = 1, .pfn = pfn};
		g->frames[pfn].slot = slot;
		return slot;
	}
	return 0;
}

static void decide(struct guest *g, uint32_t cpu, uint32_t pfn, uint8_t verdict)
{
	g->pass.nr_scanned++;
	g->pass.nr_freed += verdict == RECLAIM_FREED;
	g->pass.nr_written += verdict == RECLAIM_WRITE;
	g->pass.nr_activated += verdict == RECLAIM_ACTIVATE;
	EMIT(g->w, cpu, reclaim_decision, .pfn = pfn, .pass_id = g->next_pass,
	     .list = LRU_INACTIVE_ANON, .verdict = verdict);
}

static void evict_page(struct guest *g, uint32_t cpu, uint32_t pfn, uint8_t kind)
{
	bool write = g->frames[pfn].slot == 0;
	uint32_t slot = write ? cache_page(g, cpu, pfn) : g->frames[pfn].slot;

	g->vmstat[VMSTAT_PGSCAN_KSWAPD + kind]++;
	if (!slot) {
		decide(g, cpu, pfn, RECLAIM_KEEP_NO_SWAP);
		list_remove(g, cpu, pfn, LRU_WHY_PUTBACK);
		list_add(g, cpu, pfn, LRU_INACTIVE_ANON, LRU_WHY_PUTBACK);
		return;
	}
	decide(g, cpu, pfn, write ? RECLAIM_WRITE : RECLAIM_FREED);
	unmap_all(g, cpu, pfn, slot);
	if (write) {
		set_flags(g, cpu, pfn, g->frames[pfn].flags | PG_WRITEBACK);
		EMIT(g->w, cpu, swap_out_begin, .pfn = pfn, .slot = slot, .pass_id = g->next_pass);
		g->vmstat[VMSTAT_PSWPOUT]++;
		EMIT(g->w, cpu, swap_out_end, .pfn = pfn, .slot = slot);
		set_flags(g, cpu, pfn, g->frames[pfn].flags & (uint16_t)~PG_WRITEBACK);
	}
	EMIT(g->w, cpu, page_evicted, .pfn = pfn, .slot = slot, .pass_id = g->next_pass,
	     .kind = kind, .verdict = write ? RECLAIM_WRITE : RECLAIM_FREED);
	g->vmstat[VMSTAT_PGSTEAL_KSWAPD + kind]++;
	uncache(g, cpu, pfn);
	list_remove(g, cpu, pfn, LRU_WHY_RECLAIM);
	free_frame(g, cpu, pfn);
}

/* The page at the inactive tail, or 0. */
static uint32_t inactive_tail(const struct guest *g)
{
	uint32_t best = 0;

	for (uint32_t pfn = 2; pfn < GUEST_FRAMES; pfn++) {
		if (g->frames[pfn].list == LRU_INACTIVE_ANON &&
		    (!best || g->frames[pfn].pos < g->frames[best].pos))
			best = pfn;
	}
	return best;
}

void reclaim(struct guest *g, const struct guest_task *t, uint32_t nr_pages)
{
	uint8_t kind = (uint8_t)roll(g, 2);

	if (kind == RECLAIM_DIRECT) {
		EMIT(g->w, t->cpu, mm_vmscan_direct_reclaim_begin, .pid = t->pid);
		g->vmstat[VMSTAT_ALLOCSTALL]++;
	} else {
		EMIT(g->w, t->cpu, mm_vmscan_wakeup_kswapd, .nr_free = 0);
		EMIT(g->w, t->cpu, mm_vmscan_kswapd_wake, .nr_free = 0);
		g->vmstat[VMSTAT_PAGEOUTRUN]++;
	}
	g->pass = (struct trace_ev_reclaim_pass_end){0};
	EMIT(g->w, t->cpu, reclaim_pass_begin, .pass_id = ++g->next_pass, .kind = kind,
	     .pid = t->pid);
	for (; nr_pages; nr_pages--) {
		uint32_t pfn = inactive_tail(g);

		if (!pfn)
			break;
		list_remove(g, t->cpu, pfn, LRU_WHY_ISOLATE);
		list_add(g, t->cpu, pfn, LRU_ISOLATED, LRU_WHY_ISOLATE);
		EMIT(g->w, t->cpu, lru_referenced, .pfn = pfn,
		     .mappings = (uint16_t)g->frames[pfn].mapcount, .pass_id = g->next_pass);
		if (roll(g, 3)) {
			evict_page(g, t->cpu, pfn, kind);
			continue;
		}
		decide(g, t->cpu, pfn, RECLAIM_ACTIVATE);
		g->vmstat[VMSTAT_PGACTIVATE]++;
		g->vmstat[VMSTAT_PGSCAN_KSWAPD + kind]++;
		list_remove(g, t->cpu, pfn, LRU_WHY_REFERENCED);
		list_add(g, t->cpu, pfn, roll(g, 2) ? LRU_ACTIVE_ANON : LRU_INACTIVE_ANON,
			 LRU_WHY_REFERENCED);
	}
	g->pass.pass_id = g->next_pass;
	writer_event(g->w, t->cpu, TRACE_ID_reclaim_pass_end, &g->pass, sizeof(g->pass));
	if (kind == RECLAIM_DIRECT)
		EMIT(g->w, t->cpu, mm_vmscan_direct_reclaim_end, .pid = t->pid);
	else
		EMIT(g->w, t->cpu, mm_vmscan_kswapd_sleep, .nr_free = 0);
}
