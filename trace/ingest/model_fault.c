/*
 * Page faults under way. A fault belongs to its task, not to a CPU: the task may sleep in it and go
 * on elsewhere. Faults of one task nest (a kernel copy of user memory inside another fault), so the
 * last one begun ends first.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

/* Bits of the CPU's error code. */
#define FAULT_PRESENT   1
#define FAULT_WRITE     2
#define FAULT_FROM_USER 4
#define FAULT_FETCH     16

#define MAX_INSTRUCTION 15 /* bytes */

/* A fault that never ended: the trace did, or its task. */
static void fault_write(struct model *m, const struct task *task, const struct open_fault *fault,
			const struct trace_ev_page_fault_end *end)
{
	DB_INSERT(m->db, fault, INT(fault->id), INT(fault->t), INT(fault->cpu),
		  INT((int32_t)task->entry.a), INT(fault->va),
		  end ? TEXT(enum_text(ENUM_ID_fault_kind, end->kind)) : NIL,
		  end ? TEXT(enum_text(ENUM_ID_fault_result, end->result)) : NIL,
		  end ? INT(end->latency_ns) : NIL, INT(task->mm_id), INT(fault->ip),
		  INT(fault->error_code), INT(fault->stalled_ns), INT(fault->reclaim_ns));
}

/* Another task may change what both have mapped, between a trap and its event. */
static bool is_alone(const struct model *m, const struct task *task)
{
	const struct task *other;

	map_for_each (&m->tasks, other)
		if (other != task && other->mm_id == task->mm_id)
			return false;
	return true;
}

/* Where the instruction was: nowhere when the kernel copied, what was fetched, or in what may be executed. */
static bool ip_is_possible(const struct model *m, const struct task *task,
			   const struct trace_ev_page_fault_user *e)
{
	const struct vma *vma;

	if (!(e->error_code & FAULT_FROM_USER))
		return !e->ip;
	if (e->error_code & FAULT_FETCH)
		return e->address - e->ip < MAX_INSTRUCTION;
	vma = vma_containing(m, task->mm_id, e->ip);
	return (vma && vma->flags & VM_EXEC) || !is_alone(m, task);
}

static void check_trap(struct model *m, const struct task *task,
		       const struct trace_ev_page_fault_user *e)
{
	const uint32_t bits = FAULT_PRESENT | FAULT_WRITE | FAULT_FROM_USER | FAULT_FETCH;

	if ((e->error_code & ~bits) || (e->error_code & FAULT_WRITE && e->error_code & FAULT_FETCH))
		violation(m, fmt("task %d", e->pid), fmt("an error code within 0x%x", bits),
			  fmt("0x%x", e->error_code));
	if (!ip_is_possible(m, task, e))
		violation(m, fmt("fault of task %d at 0x%" PRIx64, e->pid, (uint64_t)e->address),
			  fmt("an instruction that does so, error code 0x%x", e->error_code),
			  fmt("0x%" PRIx64, (uint64_t)e->ip));
	if (task->nr_faults && e->error_code & FAULT_FROM_USER)
		violation(m, fmt("task %d", e->pid), fmt("in the kernel, in a fault"),
			  fmt("a fault from user mode"));
}

void on_page_fault_user(struct model *m, const struct trace_ev_page_fault_user *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	check_runs_here(m, e->pid);
	if (!task || task->nr_faults == MAX_NESTED_FAULTS) {
		violation(m, fmt("task %d", e->pid),
			  fmt("exists, at most %d faults under way", MAX_NESTED_FAULTS),
			  task ? fmt("one more") : fmt("unknown"));
		return;
	}
	check_trap(m, task, e);
	task->faulted = true;
	task->faults[task->nr_faults++] = (struct open_fault){.id = m->event->rank,
							      .t = m->event->t,
							      .va = e->address,
							      .ip = e->ip,
							      .cpu = m->event->cpu,
							      .error_code = e->error_code};
}

static struct open_fault *current_fault(struct model *m)
{
	struct task *task = current_task(m);

	return task && task->nr_faults ? &task->faults[task->nr_faults - 1] : NULL;
}

void fault_note_growth(struct model *m)
{
	struct open_fault *fault = current_fault(m);

	if (fault)
		fault->grew = true;
}

void fault_note_change(struct model *m, const struct trace_ev_pte_set *e, const struct pte *old)
{
	struct open_fault *fault = current_fault(m);
	const struct task *task = current_task(m);
	const struct vma *vma;

	if (!fault || fault->changed || task->mm_id != e->mm_id || (fault->va ^ e->va) >= 4096 ||
	    (e->why != PTE_WHY_FAULT && e->why != PTE_WHY_COW && e->why != PTE_WHY_SWAPIN))
		return;
	vma = vma_containing(m, e->mm_id, e->va);
	fault->of_file = vma && (vma->flags & VM_PFNMAP || i_mmap_of(m, (uint32_t)vma->entry.a));
	fault->changed = true;
	fault->old_kind = old ? old->kind : PTE_NONE;
	fault->kind = e->kind;
	fault->same_value = old && old->kind == e->kind && old->value == e->value;
}

void fault_check_read(struct model *m, uint32_t slot, bool readahead)
{
	const struct open_fault *fault = current_fault(m);
	const struct task *task = current_task(m);
	const struct pte *pte;
	bool wanted;

	if (!fault)
		return;
	pte = map_find(&m->ptes, task->mm_id, fault->va & ~UINT64_C(4095));
	wanted = pte ? pte->kind == PTE_SWAP && pte->value == slot
		     : cache_slot_at(m, task->mm_id, fault->va) == slot;
	if (wanted == readahead)
		violation(m, fmt("slot %u, read in a fault at 0x%" PRIx64, slot, fault->va),
			  wanted ? fmt("wanted") : fmt("read ahead"),
			  readahead ? fmt("read ahead") : fmt("wanted"));
}

/* Whether a solved fault of this kind can have changed its entry so. */
static bool kind_agrees(const struct model *m, const struct open_fault *fault, uint8_t kind,
			uint8_t result)
{
	bool from_memory = fault->old_kind == PTE_PAGE || fault->old_kind == PTE_ZERO ||
			   fault->old_kind == PTE_SPECIAL;
	bool write = fault->error_code & FAULT_WRITE;

	switch (kind) {
	case FAULT_ANON:
		return fault->old_kind == PTE_NONE && !fault->of_file && !fault->grew;
	case FAULT_FILE:
		return fault->old_kind == PTE_NONE && (fault->of_file || !m->files_told);
	case FAULT_STACK:
		return fault->old_kind == PTE_NONE && write && fault->grew;
	case FAULT_ZERO:
		return fault->old_kind == PTE_NONE && !write && fault->kind == PTE_ZERO;
	case FAULT_COW:
		return from_memory && write && !fault->same_value;
	case FAULT_REUSE:
		return write && fault->same_value;
	case FAULT_SWAP:
	case FAULT_SWAP_CACHE:
		return fault->old_kind == PTE_SWAP &&
		       (kind == FAULT_SWAP) == (result == FAULT_MAJOR);
	default:
		return false;
	}
}

static void check_end(struct model *m, const struct open_fault *fault,
		      const struct trace_ev_page_fault_end *e)
{
	bool solved = e->result == FAULT_MINOR || e->result == FAULT_MAJOR;

	/* Reclaim may take the page away meanwhile: then nothing is changed, and the access faults again. */
	if (solved && fault->changed && !kind_agrees(m, fault, e->kind, e->result))
		violation(m, fmt("fault of task %d at 0x%" PRIx64, e->pid, fault->va),
			  fmt("entry %s to %s%s", enum_text(ENUM_ID_pte_kind, fault->old_kind),
			      enum_text(ENUM_ID_pte_kind, fault->kind),
			      fault->same_value ? ", the same" : ""),
			  fmt("%s, %s", enum_text(ENUM_ID_fault_kind, e->kind),
			      enum_text(ENUM_ID_fault_result, e->result)));
	if (e->latency_ns < m->event->t - fault->t)
		violation(m, fmt("fault of task %d at 0x%" PRIx64, e->pid, fault->va),
			  fmt("at least %" PRIu64 " ns", m->event->t - fault->t),
			  fmt("%" PRIu64, (uint64_t)e->latency_ns));
}

void on_page_fault_end(struct model *m, const struct trace_ev_page_fault_end *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	struct open_fault *fault;

	check_runs_here(m, e->pid);
	if (!task || task->nr_faults == 0) {
		/* One that began before tracing did has no beginning; its task was in it at the
		 * baseline. */
		if (!task || task->t_begin > m->baseline_t || task->faulted)
			violation(m, fmt("task %d", e->pid), fmt("a fault under way"), fmt("none"));
		return;
	}
	if (task->reclaiming)
		violation(m, fmt("task %d", e->pid), fmt("no longer reclaiming"),
			  fmt("reclaiming"));
	fault = &task->faults[--task->nr_faults];
	if (fault->va != e->address)
		violation(m, fmt("task %d", e->pid), fmt("fault at 0x%" PRIx64, fault->va),
			  fmt("0x%" PRIx64, (uint64_t)e->address));
	check_end(m, fault, e);
	fault_write(m, task, fault, e);
	refault_end(m, &fault->refault, (int64_t)e->latency_ns, e->pid);
}

void fault_add_stall(struct model *m, uint64_t stalled_ns)
{
	struct task *task = current_task(m);

	for (uint32_t i = 0; task && i < task->nr_faults; i++)
		task->faults[i].stalled_ns += stalled_ns;
}

void fault_add_reclaim(struct task *task, uint64_t reclaim_ns)
{
	for (uint32_t i = 0; i < task->nr_faults; i++)
		task->faults[i].reclaim_ns += reclaim_ns;
}

void task_write_faults(struct model *m, const struct task *task)
{
	for (uint32_t i = task->nr_faults; i-- > 0;) {
		const struct open_fault *fault = &task->faults[i];

		fault_write(m, task, fault, NULL);
		refault_write(m, &fault->refault, -1, (int32_t)task->entry.a);
	}
}

/* The whole block lies in one VMA of the task that faults, or faults in. */
void on_thp_fault_fallback(struct model *m, const struct trace_ev_thp_fault_fallback *e)
{
	const struct task *task = current_task(m);
	const struct vma *vma = vma_containing(m, e->mm_id, e->address);
	uint64_t block = e->address & ~(uint64_t)(HUGE_NR * 4096 - 1);

	check_runs_here(m, e->pid);
	if (task && task->mm_id != e->mm_id)
		violation(m, fmt("task %d", e->pid), fmt("mm %u", task->mm_id),
			  fmt("mm %u", e->mm_id));
	if (e->address % 4096 || !vma || vma->start > block || vma->end < block + HUGE_NR * 4096)
		violation(m, fmt("2 MiB page at 0x%" PRIx64 " in mm %u", block, e->mm_id),
			  fmt("a VMA around it"),
			  fmt("none, for a page at 0x%" PRIx64, (uint64_t)e->address));
}
