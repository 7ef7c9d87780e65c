/*
 * Compaction: who moves pages out of which block, and how many. That content moves is told by entries and lists; here is
 * checked that it only moves while a task compacts, out of one block after the other. A compaction does not let go of its
 * CPU, so no baseline lies within one.
 */
#include "trace/ingest/model.h"

bool is_compacting(struct model *m)
{
	const struct task *task = current_task(m);

	return task && task->compacting;
}

void count_migrated(struct model *m, uint32_t pfn)
{
	uint32_t block = pfn & ~(HUGE_NR - 1);
	struct task *task = current_task(m);

	if (!is_compacting(m))
		violation(m, fmt("frame %u, its content moved", pfn),
			  fmt("by a task that compacts"), fmt("by another"));
	if (!task)
		return;
	if (task->nr_migrated && task->migrated_from != block)
		violation(m, fmt("frame %u, its content moved", pfn),
			  fmt("in the block of frame %u", task->migrated_from), fmt("%u", block));
	task->migrated_from = block;
	task->nr_migrated++;
}

void on_mm_compaction_begin(struct model *m, const struct trace_ev_mm_compaction_begin *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	check_runs_here(m, e->pid);
	if (!task || task->compacting) {
		violation(m, fmt("task %d", e->pid), fmt("exists, not compacting"),
			  task ? fmt("compacts already") : fmt("unknown"));
		return;
	}
	task->compacting = true;
}

void on_mm_migrate_pages(struct model *m, const struct trace_ev_mm_migrate_pages *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	check_runs_here(m, e->pid);
	if (!task || !task->compacting) {
		violation(m, fmt("task %d", e->pid), fmt("compacting"), fmt("not"));
		return;
	}
	if (task->nr_migrated != e->succeeded || e->pfn % HUGE_NR || e->succeeded > HUGE_NR ||
	    (e->succeeded && task->migrated_from != e->pfn))
		violation(m, fmt("task %d", e->pid),
			  fmt("%u pages of block %u moved", task->nr_migrated, task->migrated_from),
			  fmt("%u of block %u", e->succeeded, e->pfn));
	task->nr_migrated = 0;
}

void on_mm_compaction_end(struct model *m, const struct trace_ev_mm_compaction_end *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	check_runs_here(m, e->pid);
	if (!task || !task->compacting || task->nr_migrated) {
		violation(m, fmt("task %d", e->pid), fmt("compacting, every block told"),
			  task ? fmt("%u pages moved since", task->nr_migrated) : fmt("unknown"));
		if (!task)
			return;
	}
	task->compacting = false;
	task->nr_migrated = 0;
}
