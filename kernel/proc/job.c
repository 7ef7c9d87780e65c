/* Orphaned process groups (POSIX, "Orphaned Process Group"; Linux's kill_orphaned_pgrp()). */
#include "proc/job.h"
#include "cpu/panic.h"
#include "proc/signal.h"

/* Whether `task` leads a process of the group. */
static struct process *member_of(const struct task *task, s32 pgid)
{
	struct process *process = task->process;

	return process && process->leader == task && process->pgid == pgid ? process : NULL;
}

/* `but` does not count. */
static bool is_orphaned(s32 pgid, const struct process *but)
{
	const struct task *task;

	ASSERT(spin_is_held(&tasks_lock));
	list_for_each_entry (task, &task_list, node) {
		const struct process *process = member_of(task, pgid);

		if (!process || process == but || process_is_zombie(process) || !process->parent ||
		    process->parent->tgid == INIT_PID)
			continue;
		if (process->parent->pgid != pgid && process->parent->sid == process->sid)
			return false;
	}
	return true;
}

bool signal_group_is_orphaned(s32 pgid)
{
	return is_orphaned(pgid, NULL);
}

static bool has_stopped_member(s32 pgid)
{
	const struct task *task;

	list_for_each_entry (task, &task_list, node) {
		const struct process *process = member_of(task, pgid);

		if (process && process->signals.has_stopped)
			return true;
	}
	return false;
}

static void release(const struct process *process, const struct process *parent,
		    const struct process *but)
{
	s32 pgid = process->pgid;

	if (!parent || parent->pgid == pgid || parent->sid != process->sid ||
	    !is_orphaned(pgid, but) || !has_stopped_member(pgid))
		return;
	signal_send_group(pgid, SIGHUP);
	signal_send_group(pgid, SIGCONT);
}

void job_left_by(struct process *process)
{
	release(process, process->parent, process);
}

void job_lost_parent(struct process *child, const struct process *parent)
{
	release(child, parent, NULL);
}
