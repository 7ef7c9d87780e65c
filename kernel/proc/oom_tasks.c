/* The OOM killer's view of tasks (mm/oom.h). The list is in ascending order of pids, so a pid is a
 * cursor that survives changes. */
#include "mm/oom.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "lib/string.h"
#include "proc/signal.h"

static bool is_dying(const struct task *task)
{
	return READ_ONCE(task->cur.killed) || (READ_ONCE(task->cur.flags) & PF_EXITING);
}

bool oom_next_task(s32 pid, struct oom_task *out)
{
	struct task *task;
	bool found = false;

	spin_lock(&tasks_lock);
	const struct task *init = task_find(INIT_PID);
	list_for_each_entry (task, &task_list, node) {
		if (task->cur.pid <= pid || !task->cur.mm)
			continue;
		mm_get(task->cur.mm); /* the task's own reference keeps it until we let go of the
					 lock */
		*out = (struct oom_task){.pid = task->cur.pid,
					 .mm = task->cur.mm,
					 .dying = is_dying(task),
					 .with_init = init && task->cur.mm == init->cur.mm};
		strscpy_pad(out->comm, task->cur.comm, sizeof(out->comm));
		found = true;
		break;
	}
	spin_unlock(&tasks_lock);
	return found;
}

/* All who share the victim's memory (a child between vfork and exec) must go, or killing it would
 * free nothing. */
int oom_kill_task(const struct oom_task *victim, u32 kill_id, u32 predicted)
{
	struct task *task;
	int result = -ESRCH;

	spin_lock(&tasks_lock);
	task = task_find(victim->pid);
	if (task && task->cur.mm == victim->mm) {
		oom_mark_victim(victim, kill_id, predicted);
		list_for_each_entry (task, &task_list, node) {
			if (task->cur.mm != victim->mm)
				continue;
			WRITE_ONCE(task->cur.oom_victim, kill_id);
			signal_send(task, SIGKILL);
		}
		result = 0;
	}
	spin_unlock(&tasks_lock);
	return result;
}

bool oom_task_is_leaving(void)
{
	struct task *task;
	bool found = false;

	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node)
		if (is_dying(task) && task->state != TASK_ZOMBIE && task->state != TASK_DEAD)
			found = true;
	spin_unlock(&tasks_lock);
	return found;
}
