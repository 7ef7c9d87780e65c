/* Process groups and sessions. */
#include "lib/errno.h"
#include "proc/process.h"
#include "syscall/syscall.h"

struct group_names {
	s32 pgid, sid;
};

/* The group and session of a process (by any of its threads), or of the caller for 0. 0 or -ESRCH. */
static int get_group_names(s32 pid, struct group_names *names)
{
	int error = -ESRCH;

	spin_lock(&tasks_lock);
	const struct task *task = pid == 0 ? current_proc : task_find(pid);
	/* A kernel thread has neither. */
	if (task) {
		*names = (struct group_names){0};
		if (task->process)
			*names = (struct group_names){task->process->pgid, task->process->sid};
		error = 0;
	}
	spin_unlock(&tasks_lock);
	return error;
}

long sys_getpgid(u64 pid)
{
	struct group_names names;
	int error = get_group_names(pid, &names);

	return error != 0 ? error : names.pgid;
}

long sys_getsid(u64 pid)
{
	struct group_names names;
	int error = get_group_names(pid, &names);

	return error != 0 ? error : names.sid;
}

long sys_getpgrp(void)
{
	return sys_getpgid(0);
}

/* A process of that group, or NULL. tasks_lock held. */
static struct process *find_in_group(s32 pgid)
{
	struct task *task;

	list_for_each_entry (task, &task_list, node)
		if (task->process && task->process->pgid == pgid)
			return task->process;
	return NULL;
}

/* Linux's checks, in its order. tasks_lock held. */
static int change_group(s32 pid, s32 pgid)
{
	struct process *self = current_process;
	struct task *task = task_find(pid);
	struct process *process = task ? task->process : NULL;

	if (!process)
		return -ESRCH;
	if (process->leader != task)
		return -EINVAL;
	if (process->parent == self) {
		if (process->sid != self->sid)
			return -EPERM;
		if (process->has_execed)
			return -EACCES;
	} else if (process != self) {
		return -ESRCH;
	}
	if (process->sid == process->tgid)
		return -EPERM;
	if (pgid != pid) {
		const struct process *other = find_in_group(pgid);

		if (!other || other->sid != self->sid)
			return -EPERM;
	}
	process->pgid = pgid;
	return 0;
}

long sys_setpgid(u64 user_pid, u64 user_pgid)
{
	s32 pid = (s32)user_pid ? (s32)user_pid : current_process->tgid;
	s32 pgid = (s32)user_pgid ? (s32)user_pgid : pid;

	if (pgid < 0)
		return -EINVAL;
	spin_lock(&tasks_lock);
	int error = change_group(pid, pgid);
	spin_unlock(&tasks_lock);
	return error;
}

long sys_setsid(void)
{
	struct process *self = current_process;
	long result = -EPERM;

	spin_lock(&tasks_lock);
	if (!find_in_group(self->tgid)) {
		self->pgid = self->tgid;
		self->sid = self->tgid;
		self->tty = NULL;
		result = self->sid;
	}
	spin_unlock(&tasks_lock);
	return result;
}
