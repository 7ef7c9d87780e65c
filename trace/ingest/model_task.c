/*
 * Tasks: who exists, with which address space, and who runs where.
 *
 * A task's span ends when it leaves its CPU for the last time as a zombie, not at
 * sched_process_exit: its address space is taken down in between, and those events still are its
 * own. Zombies hold nothing and are not modelled.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>
#include <string.h>

static struct task *task_of(struct model *m, int32_t pid)
{
	struct task *task = pid > 0 ? map_find(&m->tasks, (uint32_t)pid, 0) : NULL;

	if (!task)
		violation(m, fmt("task %d", pid), fmt("exists"), fmt("unknown"));
	return task;
}

static void task_span_end(struct model *m, void *record, uint64_t t)
{
	const struct task *task = record;

	DB_INSERT(m->db, task_span, INT((int32_t)task->entry.a), INT(task->mm_id), TEXT(task->comm),
		  INT(task->t_begin), INT(t), INT(task->parent_pid),
		  task->exiting ? INT(task->t_exit) : NIL, task->exiting ? INT(task->status) : NIL,
		  INT(task->tgid));
}

/* The end of the task's span and of everything that it was in the middle of. */
static void task_end(struct model *m, void *record, uint64_t t)
{
	struct task *task = record;

	task_write_faults(m, task);
	task_span_end(m, task, t);
	if (t != T_OPEN)
		task->nr_faults = 0;
}

static struct task *task_new(struct model *m, int32_t pid, int32_t parent_pid, uint32_t mm_id,
			     const char comm[16])
{
	struct task *task = map_insert(&m->tasks, (uint32_t)pid, 0);

	task->entry.generation = m->generation;
	task->parent_pid = task->ppid = parent_pid;
	task->tgid = pid;
	task->mm_id = mm_id;
	task->t_begin = span_begin(m);
	text_from_field(task->comm, comm, 16);
	return task;
}

#define INIT 1

/* Flags of clone(2), as task_newtask tells them. */
#define CLONE_VM     UINT64_C(0x00000100)
#define CLONE_PARENT UINT64_C(0x00008000)
#define CLONE_THREAD UINT64_C(0x00010000)

void on_task_newtask(struct model *m, const struct trace_ev_task_newtask *e)
{
	if (m->birth.pid)
		violation(m, fmt("task %d", m->birth.pid), fmt("sched_process_fork next"),
			  fmt("the birth of task %d", e->pid));
	m->birth = *e;
}

/* A task has the address space of its creator when the flags say so, else one of its own. */
static void check_mm(struct model *m, const struct trace_ev_sched_process_fork *e, uint64_t flags)
{
	const struct task *creator = map_find(&m->tasks, (uint32_t)e->parent_pid, 0), *task;

	mm_known(m, e->mm_id);
	if (flags & CLONE_VM) {
		if (creator && creator->mm_id != e->mm_id)
			violation(m, fmt("task %d", e->child_pid),
				  fmt("mm %u of its creator", creator->mm_id),
				  fmt("mm %u", e->mm_id));
		return;
	}
	map_for_each (&m->tasks, task) {
		if (task->mm_id == e->mm_id && !task->exiting)
			violation(m, fmt("task %d", e->child_pid),
				  fmt("mm %u of its own", e->mm_id),
				  fmt("that of task %d", (int32_t)task->entry.a));
	}
}

/* A thread is in the group of its creator; any other task leads one of its own. */
static void check_group(struct model *m, const struct trace_ev_sched_process_fork *e,
			const struct trace_ev_task_newtask *birth)
{
	const struct task *creator = map_find(&m->tasks, (uint32_t)e->parent_pid, 0);
	int32_t tgid = birth->clone_flags & CLONE_THREAD && creator ? creator->tgid : birth->pid;

	if (birth->tgid != tgid)
		violation(m, fmt("task %d", birth->pid), fmt("in group %d", tgid),
			  fmt("in group %d", birth->tgid));
}

/* What the birth of a task told of it; of a kernel that tells no births, that of a fork. */
static struct trace_ev_task_newtask take_birth(struct model *m, int32_t pid)
{
	struct trace_ev_task_newtask birth = m->birth;

	if (m->groups_told && birth.pid != pid)
		violation(m, fmt("task %d", pid), fmt("task_newtask just before"),
			  birth.pid ? fmt("that of task %d", birth.pid) : fmt("none"));
	m->birth.pid = 0;
	if (birth.pid != pid)
		birth = (struct trace_ev_task_newtask){.pid = pid, .tgid = pid};
	return birth;
}

void on_sched_process_fork(struct model *m, const struct trace_ev_sched_process_fork *e)
{
	struct trace_ev_task_newtask birth = take_birth(m, e->child_pid);
	const struct task *creator;
	struct task *task;
	uint64_t cpus = 0;
	int32_t ppid = e->parent_pid;

	if (e->child_pid <= 0 || map_find(&m->tasks, (uint32_t)e->child_pid, 0)) {
		violation(m, fmt("task %d", e->child_pid), fmt("a new pid"), fmt("in use"));
		return;
	}
	if (e->mm_id)
		check_mm(m, e, birth.clone_flags);
	check_group(m, e, &birth);
	if (e->parent_pid)
		check_runs_here(m, e->parent_pid);
	creator = map_find(&m->tasks, (uint32_t)e->parent_pid, 0);
	if (creator) {
		cpus = creator->cpus;
		if (birth.clone_flags & (CLONE_THREAD | CLONE_PARENT))
			ppid = creator->ppid;
		else
			ppid = creator->tgid;
	}
	task = task_new(m, e->child_pid, e->parent_pid, e->mm_id, e->comm);
	task->tgid = birth.tgid;
	task->ppid = ppid;
	task->cpus = cpus;
	task->fresh = true;
	signals_born(m, e->child_pid, birth.tgid);
}

/* Its own row ends, and that of the leader's pid goes on with it. */
void on_task_take_pid(struct model *m, const struct trace_ev_task_take_pid *e)
{
	struct task *old = task_of(m, e->old_pid), *task, moved;

	if (!old)
		return;
	check_runs_here(m, e->old_pid);
	if (old->tgid != e->pid)
		violation(m, fmt("task %d", e->old_pid), fmt("the pid of its group, %d", old->tgid),
			  fmt("%d", e->pid));
	if (e->pid <= 0 || map_find(&m->tasks, (uint32_t)e->pid, 0)) {
		violation(m, fmt("task %d", e->pid), fmt("has left its CPU for ever"),
			  fmt("still there"));
		return;
	}
	signals_move(m, e->old_pid, e->pid);
	task_span_end(m, old, m->event->t);
	moved = *old;
	map_remove(&m->tasks, old);
	task = map_insert(&m->tasks, (uint32_t)e->pid, 0);
	task->entry.generation = moved.entry.generation;
	moved.entry = task->entry;
	moved.t_begin = m->event->t;
	*task = moved;
	m->current[m->event->cpu] = e->pid;
}

void on_sched_process_exec(struct model *m, const struct trace_ev_sched_process_exec *e)
{
	struct task *task = task_of(m, e->pid);

	mm_known(m, e->mm_id);
	if (!task)
		return;
	check_runs_here(m, e->pid);
	if (task->mm_id == e->mm_id)
		violation(m, fmt("task %d", e->pid), fmt("another address space"),
			  fmt("mm %u", e->mm_id));
	task_span_end(m, task, m->event->t);
	task->mm_id = e->mm_id;
	task->t_begin = m->event->t;
	text_from_field(task->comm, e->comm, 16);
}

static void check_name(struct model *m, const struct task *task, const char comm[16])
{
	char name[17];

	text_from_field(name, comm, 16);
	if (strcmp(name, task->comm))
		violation(m, fmt("task %d", (int32_t)task->entry.a), fmt("%s", task->comm),
			  fmt("%s", name));
}

void on_task_rename(struct model *m, const struct trace_ev_task_rename *e)
{
	struct task *task = task_of(m, e->pid);

	if (!task)
		return;
	task_span_end(m, task, m->event->t);
	task->t_begin = m->event->t;
	text_from_field(task->comm, e->newcomm, 16);
}

/* The session ends with init's process. */
static void note_init_exit(struct model *m, int32_t status)
{
	m->init_is_one_voice = !m->init_ended || (m->init_is_one_voice && m->init_status == status);
	m->init_ended = true;
	m->init_status = status;
}

void on_sched_process_exit(struct model *m, const struct trace_ev_sched_process_exit *e)
{
	struct task *task = task_of(m, e->pid);

	if (!task)
		return;
	check_runs_here(m, e->pid);
	check_name(m, task, e->comm);
	if (task->exiting)
		violation(m, fmt("task %d", e->pid), fmt("alive"), fmt("exiting already"));
	task->exiting = true;
	task->t_exit = m->event->t;
	task->status = e->status;
	signals_check_exit(m, task, e->status);
	if (task->tgid == INIT)
		note_init_exit(m, e->status);
}

/* A task that begins to run must not run anywhere else. */
static void check_not_running(struct model *m, int32_t pid)
{
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++) {
		if (cpu != m->event->cpu && pid > 0 && m->current[cpu] == pid)
			violation(m, fmt("task %d", pid), fmt("on no CPU"), fmt("on CPU %u", cpu));
	}
}

/* A task that is known to belong to one CPU cannot do something on another. */
static void belongs_to(struct model *m, struct task *task, uint32_t cpu)
{
	if (!m->migrations_told)
		return;
	if (task->queue && task->queue != cpu + 1)
		violation(m, fmt("task %d", (int32_t)task->entry.a), fmt("on CPU %u", cpu),
			  fmt("belongs to CPU %u", task->queue - 1));
	task->queue = cpu + 1;
}

static bool sleeps(uint32_t state)
{
	return state == TASK_INTERRUPTIBLE || state == TASK_UNINTERRUPTIBLE ||
	       state == TASK_KILLABLE || state == TASK_STOPPED;
}

static bool may_run_on(const struct task *task, uint32_t cpu)
{
	return !task->cpus || (cpu < 64 && task->cpus >> cpu & 1);
}

static void begins_to_run(struct model *m, struct task *task)
{
	belongs_to(m, task, m->event->cpu);
	if (!may_run_on(task, m->event->cpu))
		violation(m, fmt("task %d", (int32_t)task->entry.a),
			  fmt("on CPUs %" PRIx64, task->cpus), fmt("on CPU %u", m->event->cpu));
	if (!m->migrations_told)
		return;
	if (task->fresh || task->asleep)
		violation(m, fmt("task %d", (int32_t)task->entry.a), fmt("runnable"),
			  task->fresh ? fmt("never made runnable") : fmt("asleep"));
	task->fresh = task->asleep = false;
}

static void leaves_cpu(struct model *m, int32_t pid, uint8_t state)
{
	struct task *task = map_find(&m->tasks, (uint32_t)pid, 0);

	if (task)
		task->asleep = sleeps(state);
}

void on_sched_switch(struct model *m, const struct trace_ev_sched_switch *e)
{
	int32_t *current = &m->current[m->event->cpu];

	if (*current != e->prev_pid)
		violation(m, fmt("CPU %u", m->event->cpu), fmt("runs %d", *current),
			  fmt("runs %d", e->prev_pid));
	*current = e->next_pid;
	check_not_running(m, e->next_pid);
	if (e->next_pid > 0) {
		struct task *next = task_of(m, e->next_pid);

		if (next)
			begins_to_run(m, next);
	}
	if (e->prev_pid > 0)
		leaves_cpu(m, e->prev_pid, e->prev_state);
	if (e->prev_pid > 0 && (e->prev_state == TASK_ZOMBIE || e->prev_state == TASK_DEAD)) {
		struct task *task = task_of(m, e->prev_pid);

		if (!task)
			return;
		if (!task->exiting)
			violation(m, fmt("task %d", e->prev_pid),
				  fmt("exits before it is a zombie"), fmt("no sched_process_exit"));
		if (task->nr_faults)
			violation(m, fmt("task %d", e->prev_pid),
				  fmt("no fault under way at its end"), fmt("%u", task->nr_faults));
		signals_gone(m, e->prev_pid, task->tgid);
		task_end(m, task, m->event->t);
		map_remove(&m->tasks, task);
	}
}

void on_sched_wakeup(struct model *m, const struct trace_ev_sched_wakeup *e)
{
	struct task *task = task_of(m, e->pid);

	if (!task)
		return;
	belongs_to(m, task, e->target_cpu);
	if (cpu_is_off(m, e->target_cpu))
		violation(m, fmt("CPU %u", e->target_cpu), fmt("there"), fmt("taken off"));
	if (m->migrations_told && !task->asleep)
		violation(m, fmt("task %d", e->pid), fmt("asleep"), fmt("awake"));
	task->asleep = false;
}

void on_sched_wakeup_new(struct model *m, const struct trace_ev_sched_wakeup_new *e)
{
	struct task *task = task_of(m, e->pid);

	if (!task || !m->migrations_told)
		return;
	if (task->queue)
		violation(m, fmt("task %d", e->pid), fmt("new"),
			  fmt("belongs to CPU %u", task->queue - 1));
	task->queue = e->target_cpu + 1;
	task->fresh = false;
}

/* Only a task that waits or sleeps is moved, never one that runs. */
void on_sched_migrate_task(struct model *m, const struct trace_ev_sched_migrate_task *e)
{
	struct task *task = task_of(m, e->pid);

	if (!task)
		return;
	belongs_to(m, task, e->orig_cpu);
	if (e->dest_cpu == e->orig_cpu || e->dest_cpu >= m->machine.nr_cpus ||
	    cpu_is_off(m, e->dest_cpu) || !may_run_on(task, e->dest_cpu))
		violation(m, fmt("task %d", e->pid), fmt("to another CPU, where it may run"),
			  fmt("from CPU %u to %u", e->orig_cpu, e->dest_cpu));
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++)
		if (m->current[cpu] == e->pid)
			violation(m, fmt("task %d", e->pid), fmt("does not run"),
				  fmt("runs on CPU %u", cpu));
	task->queue = e->dest_cpu + 1;
}

void on_sched_affinity(struct model *m, const struct trace_ev_sched_affinity *e)
{
	struct task *task = m->phase == PHASE_BEFORE ? NULL : task_of(m, e->pid);

	if (!e->cpus)
		violation(m, fmt("task %d", e->pid), fmt("a CPU to run on"), fmt("none"));
	if (task)
		task->cpus = e->cpus;
}

/* Init, or an ancestor that asked for that, takes the children of a task that exits, at some time after
 * it began to. */
static void check_parent(struct model *m, struct task *task, int32_t parent_pid)
{
	const struct task *parent = map_find(&m->tasks, (uint32_t)task->ppid, 0);

	if (parent_pid == task->ppid)
		return;
	if (parent_pid <= 0 || task->ppid <= 0 || (parent && !parent->exiting))
		disagreement(m, fmt("task %d", (int32_t)task->entry.a),
			     fmt("child of %d", task->ppid), fmt("of %d", parent_pid));
	task->parent_pid = task->ppid = parent_pid;
}

void on_state_task(struct model *m, const struct trace_ev_state_task *e)
{
	struct task *task;

	if (e->state == TASK_ZOMBIE || e->state == TASK_DEAD || e->pid <= 0)
		return;
	task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	if (!task) {
		disagreement(m, fmt("task %d", e->pid), fmt("unknown"), fmt("listed"));
		task_new(m, e->pid, e->parent_pid, e->mm_id, e->comm)->asleep = sleeps(e->state);
		return;
	}
	check_name(m, task, e->comm);
	check_parent(m, task, e->parent_pid);
	if (m->migrations_told && !task->fresh && task->asleep != sleeps(e->state)) {
		disagreement(m, fmt("task %d", e->pid), task->asleep ? fmt("asleep") : fmt("awake"),
			     fmt("%s", enum_text(ENUM_ID_task_state, e->state)));
		task->asleep = sleeps(e->state);
	}
	task->entry.generation = m->generation;
	/* A task that exits gives its address space up before it becomes a zombie. */
	if (task->mm_id != e->mm_id && !task->exiting) {
		disagreement(m, fmt("task %d", e->pid), fmt("mm %u", task->mm_id),
			     fmt("mm %u", e->mm_id));
		task_span_end(m, task, m->baseline_t);
		task->mm_id = e->mm_id;
		task->t_begin = m->baseline_t;
	}
}

void on_state_thread(struct model *m, const struct trace_ev_state_thread *e)
{
	struct task *task = task_of(m, e->pid);

	if (!task)
		return;
	if (task->tgid != e->tgid)
		disagreement(m, fmt("task %d", e->pid), fmt("in group %d", task->tgid),
			     fmt("in group %d", e->tgid));
	task->tgid = e->tgid;
}

void on_state_cpu(struct model *m, const struct trace_ev_state_cpu *e)
{
	if (e->cpu >= TRACE_MAX_CPUS) {
		violation(m, fmt("CPU %u", e->cpu), fmt("below %d", TRACE_MAX_CPUS),
			  fmt("%u", e->cpu));
		return;
	}
	if (m->current[e->cpu] != e->pid)
		disagreement(m, fmt("CPU %u", e->cpu), fmt("runs %d", m->current[e->cpu]),
			     fmt("runs %d", e->pid));
	m->current[e->cpu] = e->pid;
	m->nr_cpus_listed++;
	m->cpus_listed |= UINT64_C(1) << e->cpu;
}

/* Whether that CPU can come or go. */
static bool check_hotplug(struct model *m, uint32_t cpu, bool off)
{
	if (m->phase == PHASE_BEFORE)
		return false;
	if (cpu < TRACE_MAX_CPUS && cpu < m->machine.nr_cpus && cpu_is_off(m, cpu) == off)
		return true;
	violation(m, fmt("CPU %u", cpu), off ? fmt("taken off") : fmt("there"),
		  off ? fmt("there") : fmt("taken off"));
	return false;
}

void on_cpu_online(struct model *m, const struct trace_ev_cpu_online *e)
{
	if (check_hotplug(m, e->cpu, true))
		m->cpus_off &= ~(UINT64_C(1) << e->cpu);
}

void on_cpu_offline(struct model *m, const struct trace_ev_cpu_offline *e)
{
	if (!check_hotplug(m, e->cpu, false))
		return;
	if (m->current[e->cpu] != 0 || e->cpu == m->event->cpu)
		violation(m, fmt("CPU %u", e->cpu), fmt("idle, taken off by another"),
			  fmt("runs %d", m->current[e->cpu]));
	frames_check_none_of(m, e->cpu);
	m->cpus_off |= UINT64_C(1) << e->cpu;
}

void tasks_sweep(struct model *m)
{
	map_sweep(m, &m->tasks, "task", task_end);
}

void tasks_flush(struct model *m)
{
	map_flush(m, &m->tasks, task_end);
}
