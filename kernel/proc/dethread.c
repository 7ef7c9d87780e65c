/*
 * exec by one of several threads: the others end, and the one that is left becomes the leader, with
 * the leader's pid, so that nobody outside notices who of them called.
 */
#include "cpu/panic.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "trace/trace.h"

/* Asks all other threads to end. -EAGAIN: somebody else decides over this one. */
static int kill_others(struct process *process, struct task *self)
{
	struct task *task;
	int error = 0;

	spin_lock(&self->sighand->lock);
	if (process->group_exit || process->exec_task)
		error = -EAGAIN;
	else
		process->exec_task = self;
	for_each_thread (process, task) {
		if (error != 0 || task == self)
			continue;
		__atomic_store_n(&task->cur.killed, 1, __ATOMIC_RELEASE);
		sched_wake_killed(task);
	}
	spin_unlock(&self->sighand->lock);
	return error;
}

/* Whether all others are gone, but for the leader, who stays listed when it has ended. */
static bool is_alone(struct process *process, const struct task *self)
{
	const struct task *task;
	bool alone = true;

	spin_lock(&tasks_lock);
	for_each_thread (process, task)
		if (task != self && task->state != TASK_ZOMBIE)
			alone = false;
	spin_unlock(&tasks_lock);
	return alone;
}

/* The leader has ended and left its CPU, so that no event names it any more. tasks_lock and signal
 * lock held; the leader's reference of the list passes to the caller. */
static void take_place_of(struct process *process, struct task *self, struct task *leader)
{
	s32 old_pid = self->cur.pid;
	struct process *child;

	cpu_time_add(&process->ended_time, sched_cpu_time(leader));
	fault_counts_add(&process->ended_faults, leader->cur.faults);
	/* At its place in the list, which is in the order of pids. */
	list_del(&self->node);
	list_add(&self->node, &leader->node);
	list_del(&leader->node);
	list_del(&leader->thread_node);
	signal_flush(&leader->signals.pending);
	leader->state = TASK_DEAD;
	process->leader = self;
	list_for_each_entry (child, &process->children, sibling)
		if (child->parent_tid == old_pid)
			child->parent_tid = process->tgid;
	self->cur.pid = process->tgid;
	TRACE(task_take_pid, .old_pid = old_pid, .pid = self->cur.pid);
}

static void become_leader(struct process *process, struct task *self)
{
	struct task *leader = process->leader;

	while (!sched_has_left_cpu(leader)) {
		cond_resched();
		cpu_relax();
	}
	spin_lock(&tasks_lock);
	spin_lock(&self->sighand->lock);
	take_place_of(process, self, leader);
	spin_unlock(&self->sighand->lock);
	spin_unlock(&tasks_lock);
	task_put(leader);
}

int process_become_single(void)
{
	struct task *self = current_proc;
	struct process *process = self->process;
	int error = kill_others(process, self);

	if (error != 0)
		return error;
	error = wait_event_killable(&process->child_wait, is_alone(process, self));
	if (error == 0 && process->leader != self)
		become_leader(process, self);
	spin_lock(&self->sighand->lock);
	process->exec_task = NULL;
	spin_unlock(&self->sighand->lock);
	return error != 0 ? -EAGAIN : 0;
}
