/*
 * Out-of-memory decisions: who asked, every candidate's score, who died, what came free.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>
#include <string.h>

static struct oom *oom_known(struct model *m, uint32_t kill_id)
{
	struct oom *oom = map_find(&m->ooms, kill_id, 0);

	if (!oom)
		violation(m, fmt("OOM decision %u", kill_id), fmt("begun by oom_invoked"),
			  fmt("unknown"));
	return oom;
}

void on_oom_invoked(struct model *m, const struct trace_ev_oom_invoked *e)
{
	const struct task *task;
	struct oom *oom;

	if (map_find(&m->ooms, e->kill_id, 0)) {
		violation(m, fmt("OOM decision %u", e->kill_id), fmt("a new number"),
			  fmt("in use"));
		return;
	}
	oom = map_insert(&m->ooms, e->kill_id, 0);
	if (e->kill_id < m->first_kill_id)
		m->first_kill_id = e->kill_id;
	check_runs_here(m, e->pid);
	task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	if (task && task->reclaim_t && task->reclaim_order != e->order)
		violation(m, fmt("task %d", e->pid),
			  fmt("order %u, reclaimed in vain", task->reclaim_order),
			  fmt("%u", e->order));
	oom->invoker = e->pid;
	oom->order = e->order;
	oom->nr_free = e->nr_free;
	oom->nr_free_slots = e->nr_free_slots;
}

static void check_score(struct model *m, const struct trace_ev_oom_score *e, const char *comm)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	uint64_t score = 2 * (uint64_t)e->resident + e->swapped + e->page_tables;

	if (!task || strcmp(task->comm, comm) || task->scored_in == e->kill_id)
		violation(m, fmt("candidate %d", e->pid), fmt("a task called %s, told once", comm),
			  task ? fmt("%s", task->comm) : fmt("unknown"));
	if (e->score != score || (e->eligible == OOM_INIT) != (e->pid == 1))
		violation(m, fmt("candidate %d", e->pid), fmt("score %" PRIu64, score),
			  fmt("%" PRIu64 ", %s", (uint64_t)e->score,
			      enum_text(ENUM_ID_oom_eligible, e->eligible)));
	if (task)
		task->scored_in = e->kill_id;
}

void on_oom_score_adj(struct model *m, const struct trace_ev_oom_score_adj *e)
{
	struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	oom_known(m, e->kill_id);
	if (!task || task->adjusted_in == e->kill_id)
		violation(m, fmt("candidate %d", e->pid), fmt("a task adjusted once"),
			  task ? fmt("again") : fmt("unknown"));
	if (!e->oom_score_adj || e->oom_score_adj < -1000 || e->oom_score_adj > 1000)
		violation(m, fmt("candidate %d", e->pid), fmt("an adjustment within 1000"),
			  fmt("%d", e->oom_score_adj));
	if (m->swap_size_known && e->total_pages != 2 * m->machine.nr_frames + m->swap_size)
		violation(
			m, fmt("candidate %d", e->pid),
			fmt("%u for all frames and slots", 2 * m->machine.nr_frames + m->swap_size),
			fmt("%u", e->total_pages));
	if (!task)
		return;
	task->adjusted_in = e->kill_id;
	task->adjusted = *e;
}

/* What decides about a candidate: its score with what oom_score_adj told before it. */
static int64_t points_of(struct model *m, const struct trace_ev_oom_score *e, int32_t *adjustment)
{
	const struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	const struct trace_ev_oom_score_adj *adjusted;
	int64_t points = (int64_t)e->score;

	*adjustment = 0;
	if (!task || task->adjusted_in != e->kill_id)
		return points;
	adjusted = &task->adjusted;
	*adjustment = adjusted->oom_score_adj;
	points += adjusted->oom_score_adj * (int64_t)(adjusted->total_pages / 1000);
	if (points != adjusted->points)
		violation(m, fmt("candidate %d", e->pid), fmt("%" PRId64 " points", points),
			  fmt("%" PRId64, (int64_t)adjusted->points));
	return points;
}

void on_oom_score(struct model *m, const struct trace_ev_oom_score *e)
{
	struct oom *oom = oom_known(m, e->kill_id);
	char comm[17];
	int32_t adjustment;
	int64_t points = points_of(m, e, &adjustment);

	text_from_field(comm, e->comm, 16);
	check_score(m, e, comm);
	if ((e->eligible == OOM_DISABLED) != (adjustment == -1000 && e->pid != 1))
		violation(
			m, fmt("candidate %d", e->pid), fmt("disabled at -1000"),
			fmt("%s at %d", enum_text(ENUM_ID_oom_eligible, e->eligible), adjustment));
	if (oom && e->eligible == OOM_ELIGIBLE && (!oom->best_pid || points > oom->best_points)) {
		oom->best_points = points;
		oom->best_pid = e->pid;
	}
	DB_INSERT(m->db, oom_candidate, INT(e->kill_id), INT(e->pid), INT(e->resident),
		  INT(e->swapped), INT(e->page_tables), INT(e->score), TEXT(comm),
		  TEXT(enum_text(ENUM_ID_oom_eligible, e->eligible)), INT(adjustment), INT(points));
}

void on_mark_victim(struct model *m, const struct trace_ev_mark_victim *e)
{
	struct oom *oom = oom_known(m, e->kill_id);
	const struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);

	if (!task || task->mm_id != e->mm_id)
		violation(m, fmt("victim %d", e->pid), fmt("a task with mm %u", e->mm_id),
			  task ? fmt("mm %u", task->mm_id) : fmt("no such task"));
	if (!oom)
		return;
	if (oom->best_pid != e->pid)
		violation(m, fmt("OOM decision %u", e->kill_id),
			  fmt("the highest score, of %d", oom->best_pid), fmt("%d", e->pid));
	if (oom->t)
		violation(m, fmt("OOM decision %u", e->kill_id), fmt("one victim"),
			  fmt("%d after %d", e->pid, oom->victim));
	oom->victim = e->pid;
	oom->mm_id = e->mm_id;
	oom->predicted = e->predicted_pages;
	oom->t = m->event->t;
}

/* `done` is NULL when the trace ended first. */
static void oom_write(struct model *m, const struct oom *oom, const struct trace_ev_oom_done *done)
{
	if (!DB_INSERT_NEW(m->db, oom_kill, INT(oom->entry.a), INT(oom->t), INT(oom->victim),
			   INT(oom->predicted), done ? INT(done->freed_pages) : NIL,
			   done ? INT(m->event->t) : NIL, INT(oom->mm_id), INT(oom->invoker),
			   INT(oom->order), INT(oom->nr_free), INT(oom->nr_free_slots)) &&
	    done)
		violation(m, fmt("OOM decision %" PRIu64, oom->entry.a), fmt("a new number"),
			  fmt("that of an earlier one"));
}

void on_oom_done(struct model *m, const struct trace_ev_oom_done *e)
{
	struct oom *oom = map_find(&m->ooms, e->kill_id, 0);

	/* A decision that began before tracing did has a number below all that began since. */
	if (!oom && (e->kill_id >= m->first_kill_id || e->kill_id <= m->done_kill_id))
		oom_known(m, e->kill_id);
	if (e->kill_id > m->done_kill_id)
		m->done_kill_id = e->kill_id;
	if (!oom)
		return;
	if (!oom->t || oom->victim != e->pid)
		violation(m, fmt("OOM decision %u", e->kill_id), fmt("victim %d", oom->victim),
			  fmt("%d", e->pid));
	if (oom->t)
		oom_write(m, oom, e);
	map_remove(&m->ooms, oom);
}

void ooms_flush(struct model *m)
{
	const struct oom *oom;

	map_for_each (&m->ooms, oom) {
		if (oom->t)
			oom_write(m, oom, NULL);
	}
}
