/* The OOM killer's view of tasks (mm/oom.h): a process, told by the first of its threads that has
 * not left its memory. The list of tasks is in ascending order of pids, so a pid is a cursor that
 * survives changes. */
#include "mm/oom.h"
#include "lib/errno.h"
#include "mm/limits.h"
#include "mm/mm.h"
#include "lib/string.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"

/* A thread that waits for a core file goes when the one that writes it has done so. tasks_lock held. */
static bool is_dying(const struct task *task)
{
	const struct task *dumper = task->process ? READ_ONCE(task->process->dumper) : NULL;

	if (dumper)
		task = dumper;
	return READ_ONCE(task->cur.killed) || (READ_ONCE(task->cur.flags) & PF_EXITING);
}

/* The first thread that still has the address space of its process, or NULL. tasks_lock held. */
static struct task *thread_with_mm(struct process *process)
{
	struct task *task;

	for_each_thread (process, task)
		if (task->cur.mm)
			return task;
	return NULL;
}

/* Whether all threads that have memory are on their way out. tasks_lock held. */
static bool process_is_dying(struct process *process)
{
	struct task *task;

	for_each_thread (process, task)
		if (task->cur.mm && !is_dying(task))
			return false;
	return true;
}

/* The memory of init, which nobody may lose. tasks_lock held. */
static const struct mm *init_mm(void)
{
	struct process *init = process_find(INIT_PID);
	const struct task *task = init ? thread_with_mm(init) : NULL;

	return task ? task->cur.mm : NULL;
}

bool oom_next_task(s32 pid, struct oom_task *out)
{
	struct task *task;
	bool found = false;

	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node) {
		if (task->cur.pid <= pid || !task->cur.mm || thread_with_mm(task->process) != task)
			continue;
		mm_get(task->cur.mm); /* the task's own reference keeps it until we let go of the
					 lock */
		*out = (struct oom_task){.pid = task->cur.pid,
					 .mm = task->cur.mm,
					 .dying = process_is_dying(task->process),
					 .with_init = task->cur.mm == init_mm(),
					 .oom_score_adj = task->process->oom_score_adj};
		strscpy_pad(out->comm, task->cur.comm, sizeof(out->comm));
		found = true;
		break;
	}
	spin_unlock(&tasks_lock);
	return found;
}

/* All who share the victim's memory (its threads, a child between vfork and exec, a process made
 * with CLONE_VM) must go, or killing it would free nothing. They come first: behind a hundred runnable tasks each step of their
 * end would wait for seconds, and those for the memory. */
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
			sched_set_fifo_low(task);
			if (!READ_ONCE(task->process->group_exit) ||
			    READ_ONCE(task->process->dumper))
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

/* ---- /proc/PID/oom_score, oom_score_adj, oom_adj ---- */

/* Linux's older scale: -17 to 15. */
#define OOM_ADJ_DISABLE (-17)
#define OOM_ADJ_MAX     15

/* Whether another process shares the memory of this one and so its fate (CLONE_VM). tasks_lock held. */
static bool shares_mm(struct process *process, const struct mm *mm)
{
	const struct task *task = thread_with_mm(process);

	return task && task->cur.mm == mm;
}

int process_set_oom_score_adj(struct process *process, s32 oom_score_adj)
{
	const struct task *task;
	struct task *other;

	if (oom_score_adj < OOM_SCORE_ADJ_MIN || oom_score_adj > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	spin_lock(&tasks_lock);
	if (oom_score_adj < process->oom_score_adj_min && !current_capable(MEM_CAP_SYS_RESOURCE)) {
		spin_unlock(&tasks_lock);
		return -EACCES;
	}
	task = thread_with_mm(process);
	list_for_each_entry (other, &task_list, node)
		if (other->process && other->process->leader == other &&
		    (other->process == process ||
		     (task && shares_mm(other->process, task->cur.mm))))
			WRITE_ONCE(other->process->oom_score_adj, oom_score_adj);
	if (current_capable(MEM_CAP_SYS_RESOURCE))
		process->oom_score_adj_min = oom_score_adj;
	spin_unlock(&tasks_lock);
	return 0;
}

s32 process_oom_adj(const struct process *process)
{
	s32 oom_score_adj = READ_ONCE(process->oom_score_adj);

	return oom_score_adj == OOM_SCORE_ADJ_MAX
		       ? OOM_ADJ_MAX
		       : oom_score_adj * -OOM_ADJ_DISABLE / OOM_SCORE_ADJ_MAX;
}

int process_set_oom_adj(struct process *process, s32 oom_adj)
{
	if ((oom_adj < -OOM_ADJ_MAX - 1 || oom_adj > OOM_ADJ_MAX) && oom_adj != OOM_ADJ_DISABLE)
		return -EINVAL;
	return process_set_oom_score_adj(
		process, oom_adj == OOM_ADJ_MAX ? OOM_SCORE_ADJ_MAX
						: oom_adj * OOM_SCORE_ADJ_MAX / -OOM_ADJ_DISABLE);
}

u32 process_oom_score(struct process *process)
{
	const struct task *task;
	s64 points = 0;

	spin_lock(&tasks_lock);
	task = thread_with_mm(process);
	if (task && process->oom_score_adj != OOM_SCORE_ADJ_MIN)
		points = (OOM_SCORE_ADJ_MAX + oom_points(task->cur.mm, process->oom_score_adj) *
						      OOM_SCORE_ADJ_MAX / oom_total_points()) *
			 2 / 3;
	spin_unlock(&tasks_lock);
	return points;
}
