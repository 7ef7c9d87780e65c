/* The OOM killer's view of tasks (mm/oom.h): a candidate is a process. The list of tasks is in
 * ascending order of pids, so a pid is a cursor that survives changes. */
#include "mm/oom.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "lib/string.h"
#include "proc/process.h"
#include "proc/signal.h"

static bool is_dying(const struct task *task)
{
	return READ_ONCE(task->cur.killed) || (READ_ONCE(task->cur.flags) & PF_EXITING);
}

/* The thread that still has the address space of a process, which its leader may have left; NULL.
 * tasks_lock held. */
static struct task *thread_with_mm(struct process *process)
{
	struct task *task;

	for_each_thread (process, task)
		if (task->cur.mm)
			return task;
	return NULL;
}

static bool is_leader(const struct task *task)
{
	return task->process && task->process->leader == task;
}

/* The memory of init, which nobody may lose; tasks_lock held. */
static const struct mm *init_mm(void)
{
	struct process *init = process_find(INIT_PID);
	const struct task *task = init ? thread_with_mm(init) : NULL;

	return task ? task->cur.mm : NULL;
}

bool oom_next_task(s32 pid, struct oom_task *out)
{
	struct task *leader;
	bool found = false;

	spin_lock(&tasks_lock);
	list_for_each_entry (leader, &task_list, node) {
		if (leader->cur.pid <= pid || !is_leader(leader))
			continue;
		struct task *task = thread_with_mm(leader->process);
		if (!task)
			continue;
		mm_get(task->cur.mm); /* the task's own reference keeps it until we let go of the
					 lock */
		*out = (struct oom_task){.pid = leader->cur.pid,
					 .mm = task->cur.mm,
					 .dying = is_dying(task),
					 .with_init = task->cur.mm == init_mm()};
		strscpy_pad(out->comm, leader->cur.comm, sizeof(out->comm));
		found = true;
		break;
	}
	spin_unlock(&tasks_lock);
	return found;
}

/* All who share the victim's memory (a child between vfork and exec, or made with CLONE_VM) must go,
 * or killing it would free nothing. */
int oom_kill_task(const struct oom_task *victim, u32 kill_id, u32 predicted)
{
	struct process *process;
	struct task *task;
	int result = -ESRCH;

	spin_lock(&tasks_lock);
	process = process_find(victim->pid);
	task = process ? thread_with_mm(process) : NULL;
	if (task && task->cur.mm == victim->mm) {
		oom_mark_victim(victim, kill_id, predicted);
		list_for_each_entry (task, &task_list, node) {
			if (task->cur.mm != victim->mm)
				continue;
			WRITE_ONCE(task->cur.oom_victim, kill_id);
			signal_send(task->process, SIGKILL);
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
		if (is_dying(task) && !task_has_ended(task))
			found = true;
	spin_unlock(&tasks_lock);
	return found;
}
