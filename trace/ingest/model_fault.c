/*
 * Page faults under way. A fault belongs to its task, not to a CPU: the task may sleep in it and go
 * on elsewhere. Faults of one task nest (a kernel copy of user memory inside another fault), so the
 * last one begun ends first.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

#define FAULT_FROM_USER 4 /* bit of the CPU's error code */

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

static void check_runs_here(struct model *m, int32_t pid)
{
	if (m->current[m->event->cpu] != pid)
		violation(m, fmt("CPU %u", m->event->cpu),
			  fmt("runs %d", m->current[m->event->cpu]), fmt("fault of task %d", pid));
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
	if (task->nr_faults && e->error_code & FAULT_FROM_USER)
		violation(m, fmt("task %d", e->pid), fmt("in the kernel, in a fault"),
			  fmt("a fault from user mode"));
	task->faulted = true;
	task->faults[task->nr_faults++] = (struct open_fault){.id = m->event->rank,
							      .t = m->event->t,
							      .va = e->address,
							      .ip = e->ip,
							      .cpu = m->event->cpu,
							      .error_code = e->error_code};
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
	fault = &task->faults[--task->nr_faults];
	if (fault->va != e->address)
		violation(m, fmt("task %d", e->pid), fmt("fault at 0x%" PRIx64, fault->va),
			  fmt("0x%" PRIx64, (uint64_t)e->address));
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
