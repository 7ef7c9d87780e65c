#include "tests/ingest/guest.h"

#include <string.h>

#include "tests/ingest/guest_memory.h"

/* ---- faults ---- */

static const struct guest_entry writable = {.kind = PTE_PAGE,
					    .flags = PTEF_WRITE | PTEF_ACCESSED | PTEF_DIRTY};

static void map_new(struct guest *g, struct guest_task *t, uint32_t i, uint32_t pfn, uint8_t why)
{
	struct guest_entry entry = writable;

	entry.value = pfn;
	set_flags(g, t->cpu, pfn, PG_UPTODATE);
	set_entry(g, t, t->cpu, i, entry, why);
	map_page(g, t, t->cpu, i, pfn);
	list_add(g, t->cpu, pfn, LRU_INACTIVE_ANON, LRU_WHY_NEW);
}

/* Write to a page that others map too: copied; else made writable. */
static enum fault_kind fault_cow(struct guest *g, struct guest_task *t, uint32_t i, uint32_t copy)
{
	uint32_t old = t->entries[i].value;

	if (g->frames[old].mapcount == 1) {
		struct guest_entry entry = writable;

		entry.value = old;
		set_entry(g, t, t->cpu, i, entry, PTE_WHY_COW);
		free_frame(g, t->cpu, copy);
		return FAULT_REUSE;
	}
	unmap_page(g, t, t->cpu, i, old);
	map_new(g, t, i, copy, PTE_WHY_COW);
	return FAULT_COW;
}

static void read_slot(struct guest *g, struct guest_task *t, uint32_t slot, uint32_t pfn)
{
	EMIT(g->w, t->cpu, swap_cache_add, .slot = slot, .pfn = pfn);
	g->slots[slot].pfn = pfn;
	g->frames[pfn].slot = slot;
	slot_ref(g, t->cpu, slot, 1, SLOT_WHY_CACHE);
	EMIT(g->w, t->cpu, swap_in_begin, .pfn = pfn, .slot = slot, .pid = t->pid);
	g->vmstat[VMSTAT_PSWPIN]++;
	EMIT(g->w, t->cpu, swap_in_end, .pfn = pfn, .slot = slot);
	set_flags(g, t->cpu, pfn, PG_UPTODATE);
	list_add(g, t->cpu, pfn, LRU_INACTIVE_ANON, LRU_WHY_SWAPIN);
}

/* Returns whether the disk was needed; a spare frame that was not is freed. */
static bool fault_swap(struct guest *g, struct guest_task *t, uint32_t i, uint32_t spare)
{
	uint32_t slot = t->entries[i].value;
	bool major = g->slots[slot].pfn == 0;
	struct guest_entry entry = {.kind = PTE_PAGE, .flags = PTEF_ACCESSED};

	if (major)
		read_slot(g, t, slot, spare);
	else
		free_frame(g, t->cpu, spare);
	entry.value = g->slots[slot].pfn;
	if (!g->frames[entry.value].mapping_id)
		g->frames[entry.value].mapping_id = t->root_id;
	set_entry(g, t, t->cpu, i, entry, PTE_WHY_SWAPIN);
	map_page(g, t, t->cpu, i, entry.value);
	slot_ref(g, t->cpu, slot, -1, SLOT_WHY_SWAPIN);
	release_page(g, t->cpu, entry.value);
	return major;
}

static void fault(struct guest *g, struct guest_task *t, uint32_t i)
{
	uint64_t begin = g->w->now;
	uint8_t kind = FAULT_ANON, result = FAULT_MINOR;
	uint32_t pfn;

	EMIT(g->w, t->cpu, page_fault_user, .address = entry_va(i) + 8, .ip = GUEST_VA,
	     .error_code = 6, .pid = t->pid);
	pfn = alloc_frame(g, t->cpu, PAGE_ANON);
	while (!pfn) {
		reclaim(g, t, 16);
		pfn = alloc_frame(g, t->cpu, PAGE_ANON);
	}
	switch (t->entries[i].kind) {
	case PTE_SWAP:
		result = fault_swap(g, t, i, pfn) ? FAULT_MAJOR : FAULT_MINOR;
		kind = result == FAULT_MAJOR ? FAULT_SWAP : FAULT_SWAP_CACHE;
		break;
	case PTE_PAGE:
		kind = (uint8_t)fault_cow(g, t, i, pfn);
		break;
	default:
		map_new(g, t, i, pfn, PTE_WHY_FAULT);
	}
	g->vmstat[VMSTAT_PGFAULT]++;
	g->vmstat[VMSTAT_PGMAJFAULT] += result == FAULT_MAJOR;
	EMIT(g->w, t->cpu, page_fault_end, .address = entry_va(i) + 8,
	     .latency_ns = g->w->now - begin, .pid = t->pid, .kind = kind, .result = result);
}

/* ---- tasks ---- */

static void run_task(struct guest *g, struct guest_task *t)
{
	if (g->current[t->cpu] == t->pid)
		return;
	EMIT(g->w, t->cpu, sched_switch, .prev_pid = g->current[t->cpu], .next_pid = t->pid);
	g->current[t->cpu] = t->pid;
}

static void link_anon_vma(struct guest *g, struct guest_task *t, uint32_t cpu, uint32_t id)
{
	t->chain[t->nr_chain++] = id;
	g->anon_vma_links[id]++;
	EMIT(g->w, cpu, avc_link, .vma_id = t->vma_id, .anon_vma_id = id);
}

static void new_address_space(struct guest *g, struct guest_task *t, uint32_t cpu, uint32_t root_id)
{
	t->mm_id = ++g->next_mm;
	t->vma_id = ++g->next_vma;
	t->anon_vma_id = ++g->next_anon_vma;
	t->root_id = root_id ? root_id : t->anon_vma_id;
	EMIT(g->w, cpu, mm_create, .mm_id = t->mm_id, .pgd_pfn = t->pgd_pfn);
	EMIT(g->w, cpu, pgtable_alloc, .va = 0, .mm_id = t->mm_id, .pfn = t->table_pfn, .level = 1);
	EMIT(g->w, cpu, vma_create, .va_start = GUEST_VA, .va_end = entry_va(GUEST_PAGES / 2),
	     .vma_id = t->vma_id, .mm_id = t->mm_id, .flags = VM_READ, .why = VMA_WHY_EXEC);
	EMIT(g->w, cpu, vma_resize, .va_start = GUEST_VA, .va_end = entry_va(GUEST_PAGES),
	     .vma_id = t->vma_id, .why = VMA_WHY_MERGE);
	EMIT(g->w, cpu, vma_protect, .vma_id = t->vma_id, .flags = VM_READ | VM_WRITE | VM_EXEC);
	g->anon_vma_root[t->anon_vma_id] = t->root_id;
	EMIT(g->w, cpu, anon_vma_create, .anon_vma_id = t->anon_vma_id, .root_id = t->root_id);
}

/* Entries of the parent, write-protected in both. */
static void copy_entries(struct guest *g, struct guest_task *child, struct guest_task *parent)
{
	for (uint32_t i = 0; i < GUEST_PAGES; i++) {
		struct guest_entry entry = parent->entries[i];

		entry.flags &= (uint16_t)~PTEF_WRITE;
		if (entry.kind == PTE_SWAP)
			slot_ref(g, parent->cpu, entry.value, 1, SLOT_WHY_FORK);
		if (entry.kind == PTE_PAGE)
			set_entry(g, parent, parent->cpu, i, entry, PTE_WHY_FORK_PARENT);
		if (entry.kind != PTE_NONE)
			set_entry(g, child, parent->cpu, i, entry, PTE_WHY_FORK_CHILD);
		if (entry.kind == PTE_PAGE)
			map_page(g, child, parent->cpu, i, entry.value);
	}
}

static void fork_task(struct guest *g, struct guest_task *child, struct guest_task *parent)
{
	uint32_t cpu = parent->cpu, pgd = alloc_frame(g, cpu, PAGE_PGTABLE);
	uint32_t table = pgd ? alloc_frame(g, cpu, PAGE_PGTABLE) : 0;

	if (!table) {
		if (pgd)
			free_frame(g, cpu, pgd);
		return;
	}
	*child = (struct guest_task){.alive = true,
				     .pid = ++g->next_pid,
				     .parent_pid = parent->pid,
				     .pgd_pfn = pgd,
				     .table_pfn = table};
	child->cpu = (uint32_t)child->pid % g->w->nr_cpus;
	new_address_space(g, child, cpu, parent->root_id);
	for (uint32_t i = 0; i < parent->nr_chain; i++)
		link_anon_vma(g, child, cpu, parent->chain[i]);
	link_anon_vma(g, child, cpu, child->anon_vma_id);
	EMIT(g->w, cpu, anon_vma_attach, .vma_id = child->vma_id,
	     .anon_vma_id = child->anon_vma_id);
	copy_entries(g, child, parent);
	EMIT(g->w, cpu, task_newtask, .pid = child->pid, .tgid = child->pid);
	EMIT(g->w, cpu, sched_process_fork, .comm = "child", .parent_pid = parent->pid,
	     .child_pid = child->pid, .mm_id = child->mm_id);
	EMIT(g->w, cpu, sched_wakeup_new, .pid = child->pid, .target_cpu = child->cpu);
}

static void drop_entries(struct guest *g, struct guest_task *t)
{
	for (uint32_t i = 0; i < GUEST_PAGES; i++) {
		struct guest_entry old = t->entries[i];

		if (old.kind == PTE_NONE)
			continue;
		EMIT(g->w, t->cpu, pte_clear, .va = entry_va(i), .mm_id = t->mm_id,
		     .value = old.value, .old_flags = old.flags, .old_kind = old.kind,
		     .why = PTE_WHY_EXIT);
		t->entries[i].kind = PTE_NONE;
		if (old.kind == PTE_SWAP) {
			slot_ref(g, t->cpu, old.value, -1, SLOT_WHY_ZAP);
			if (g->slots[old.value].pfn && g->slots[old.value].refs == 1)
				release_page(g, t->cpu, g->slots[old.value].pfn);
		} else {
			unmap_page(g, t, t->cpu, i, old.value);
			release_page(g, t->cpu, old.value);
		}
	}
}

static void exit_task(struct guest *g, struct guest_task *t)
{
	EMIT(g->w, t->cpu, sched_process_exit, .comm = "child", .pid = t->pid, .status = 256);
	drop_entries(g, t);
	EMIT(g->w, t->cpu, anon_vma_attach, .vma_id = t->vma_id);
	for (uint32_t i = 0; i < t->nr_chain; i++) {
		EMIT(g->w, t->cpu, avc_unlink, .vma_id = t->vma_id, .anon_vma_id = t->chain[i]);
		if (--g->anon_vma_links[t->chain[i]] == 0)
			EMIT(g->w, t->cpu, anon_vma_free, .anon_vma_id = t->chain[i]);
	}
	EMIT(g->w, t->cpu, vma_remove, .vma_id = t->vma_id, .why = VMA_WHY_EXIT);
	EMIT(g->w, t->cpu, pgtable_free, .va = 0, .mm_id = t->mm_id, .pfn = t->table_pfn,
	     .level = 1);
	free_frame(g, t->cpu, t->table_pfn);
	EMIT(g->w, t->cpu, mm_destroy, .mm_id = t->mm_id);
	free_frame(g, t->cpu, t->pgd_pfn);
	EMIT(g->w, t->cpu, sched_switch, .prev_pid = t->pid, .next_pid = 0,
	     .prev_state = TASK_ZOMBIE);
	g->current[t->cpu] = 0;
	t->alive = false;
	/* Init takes its children. */
	for (uint32_t n = 0; n < GUEST_TASKS; n++)
		if (g->tasks[n].parent_pid == t->pid)
			g->tasks[n].parent_pid = 1;
}

/* Task 0 is never the victim. */
static void oom(struct guest *g, struct guest_task *victim)
{
	run_task(g, victim);
	EMIT(g->w, victim->cpu, oom_invoked, .kill_id = ++g->next_kill, .pid = victim->pid);
	for (uint32_t n = 0; n < GUEST_TASKS; n++) {
		uint32_t resident = &g->tasks[n] == victim ? GUEST_TASKS : n;

		if (g->tasks[n].alive)
			EMIT(g->w, victim->cpu, oom_score, .score = 2 * resident,
			     .kill_id = g->next_kill, .pid = g->tasks[n].pid, .resident = resident,
			     .eligible = n == 0 ? OOM_INIT : OOM_ELIGIBLE, .comm = "child");
	}
	EMIT(g->w, victim->cpu, mark_victim, .kill_id = g->next_kill, .pid = victim->pid,
	     .mm_id = victim->mm_id, .predicted_pages = 5);
	g->vmstat[VMSTAT_OOM_KILL]++;
	EMIT(g->w, victim->cpu, oom_done, .kill_id = g->next_kill, .pid = victim->pid,
	     .freed_pages = 6);
	exit_task(g, victim);
}

static void step(struct guest *g)
{
	uint32_t n = roll(g, GUEST_TASKS), dice = roll(g, 1000);
	struct guest_task *t = &g->tasks[n];
	struct guest_task *other = &g->tasks[roll(g, GUEST_TASKS)];
	uint32_t i = roll(g, GUEST_PAGES);

	while (!t->alive) {
		n = (n + 1) % GUEST_TASKS;
		t = &g->tasks[n];
	}
	run_task(g, t);
	if (dice < 20 && !other->alive && t->nr_chain < 7 && g->next_anon_vma < 4000)
		fork_task(g, other, t);
	else if (dice < 26 && n != 0)
		exit_task(g, t);
	else if (dice < 36 && n != 0)
		oom(g, t);
	else if (dice < 40)
		split_and_merge(g, t->cpu);
	else if (dice < 46)
		EMIT(g->w, t->cpu, trace_barrier, .n = ++g->nr_barriers);
	else if (dice < 48)
		EMIT(g->w, t->cpu, trace_stall, .stalled_ns = 11);
	else if (dice < 80)
		reclaim(g, t, 8);
	else if (t->entries[i].kind != PTE_PAGE || !(t->entries[i].flags & PTEF_WRITE))
		fault(g, t, i);
	else
		EMIT(g->w, t->cpu, pte_young, .va = entry_va(i), .mm_id = t->mm_id,
		     .pfn = t->entries[i].value);
}

void guest_run(struct guest *g, uint32_t steps)
{
	while (steps--)
		step(g);
}

/* ---- beginning, baselines, end ---- */

static uint64_t list_frames(struct guest *g)
{
	uint64_t n = g->w->nr_events;

	EMIT(g->w, 0, state_page, .pfn = GUEST_ZERO_PFN, .kind = PAGE_ZERO);
	EMIT(g->w, 0, state_free, .pfn = BLOCK_PFN, .pcp_cpu = 0xffff, .order = BLOCK_ORDER);
	for (uint32_t pfn = 2; pfn < BLOCK_PFN; pfn++) {
		const struct guest_frame *frame = &g->frames[pfn];

		if (frame->used)
			EMIT(g->w, 0, state_page, .pfn = pfn, .flags = frame->flags,
			     .kind = frame->kind);
		else
			EMIT(g->w, 0, state_free, .pfn = pfn,
			     .pcp_cpu = frame->pcp ? frame->pcp_cpu : 0xffff);
		if (frame->list != NO_LIST)
			EMIT(g->w, 0, state_lru, .pos = frame->pos, .pfn = pfn,
			     .list = frame->list);
	}
	for (uint32_t slot = 1; slot <= GUEST_SLOTS; slot++) {
		if (g->slots[slot].refs)
			EMIT(g->w, 0, state_swap, .slot = slot, .refs = g->slots[slot].refs,
			     .pfn = g->slots[slot].pfn);
	}
	return g->w->nr_events - n;
}

static uint64_t list_task(struct guest *g, const struct guest_task *t)
{
	uint64_t n = g->w->nr_events;

	EMIT(g->w, 0, state_mm, .mm_id = t->mm_id, .pgd_pfn = t->pgd_pfn);
	EMIT(g->w, 0, state_pgtable, .mm_id = t->mm_id, .pfn = t->table_pfn, .level = 1);
	EMIT(g->w, 0, state_vma, .va_start = GUEST_VA, .va_end = entry_va(GUEST_PAGES),
	     .vma_id = t->vma_id, .mm_id = t->mm_id, .flags = VM_READ | VM_WRITE | VM_EXEC,
	     .anon_vma_id = t->anon_vma_id);
	for (uint32_t i = 0; i < t->nr_chain; i++)
		EMIT(g->w, 0, state_avc, .vma_id = t->vma_id, .anon_vma_id = t->chain[i]);
	for (uint32_t i = 0; i < GUEST_PAGES; i++) {
		const struct guest_entry *entry = &t->entries[i];

		if (entry->kind != PTE_NONE)
			EMIT(g->w, 0, state_pte, .va = entry_va(i), .mm_id = t->mm_id,
			     .value = entry->value,
			     .mapping_id = entry->kind == PTE_PAGE
						   ? g->frames[entry->value].mapping_id
						   : 0,
			     .flags = entry->flags, .kind = entry->kind);
	}
	EMIT(g->w, 0, state_task, .comm = "child", .pid = t->pid, .parent_pid = t->parent_pid,
	     .mm_id = t->mm_id);
	return g->w->nr_events - n;
}

static void tell_vmstat(struct guest *g)
{
	for (uint32_t item = 0; item <= VMSTAT_PAGEOUTRUN; item++)
		EMIT(g->w, 0, vmstat, .value = g->vmstat[item], .item = item);
}

void guest_baseline(struct guest *g)
{
	uint64_t records = 0;

	EMIT(g->w, 0, state_begin, .n = ++g->nr_baselines);
	for (uint32_t cpu = 0; cpu < g->w->nr_cpus; cpu++, records++)
		EMIT(g->w, 0, state_cpu, .cpu = cpu, .pid = g->current[cpu]);
	for (uint32_t id = 1; id <= g->next_anon_vma; id++) {
		if (!g->anon_vma_links[id])
			continue;
		EMIT(g->w, 0, state_anon_vma, .anon_vma_id = id, .root_id = g->anon_vma_root[id]);
		records++;
	}
	for (uint32_t n = 0; n < GUEST_TASKS; n++) {
		if (g->tasks[n].alive)
			records += list_task(g, &g->tasks[n]);
	}
	records += list_frames(g);
	EMIT(g->w, 0, state_end, .records = records);
	tell_vmstat(g);
}

void guest_pause(struct guest *g)
{
	tell_vmstat(g);
	EMIT(g->w, 0, trace_off, .n = g->nr_baselines);
	g->w->muted = true;
}

void guest_resume(struct guest *g)
{
	g->w->muted = false;
	guest_baseline(g);
}

void guest_boot(struct guest *g, struct writer *w, uint64_t seed)
{
	struct guest_task *init = &g->tasks[0];

	memset(g, 0, sizeof(*g));
	g->w = w;
	g->random = seed;
	for (uint32_t pfn = 0; pfn < GUEST_FRAMES; pfn++)
		g->frames[pfn].list = NO_LIST;
	*init = (struct guest_task){.alive = true,
				    .pid = 1,
				    .mm_id = 1,
				    .vma_id = 1,
				    .anon_vma_id = 1,
				    .root_id = 1,
				    .pgd_pfn = 2,
				    .table_pfn = 3,
				    .nr_chain = 1,
				    .chain = {1}};
	init->cpu = 1 % w->nr_cpus;
	g->next_mm = g->next_vma = g->next_anon_vma = 1;
	g->next_pid = 1;
	g->anon_vma_links[1] = g->anon_vma_root[1] = 1;
	g->frames[2].used = g->frames[3].used = true;
	g->frames[2].kind = g->frames[3].kind = PAGE_PGTABLE;
	EMIT(w, 0, session_begin, .tsc_hz = 1000000000, .nr_cpus = w->nr_cpus,
	     .nr_frames = GUEST_FRAMES - 1, .max_pfn = GUEST_FRAMES, .nr_slots = GUEST_SLOTS,
	     .lossless = 1);
	guest_baseline(g);
}

void guest_end(struct guest *g)
{
	tell_vmstat(g);
	EMIT(g->w, 0, session_end, .status = 0, .reason = SESSION_EXIT);
}
