/*
 * The end of a task: first its memory goes, so that a killed task helps at once, then its files;
 * last it becomes a zombie, which holds nothing but its status. Children go to init. A parent that
 * ignores SIGCHLD gets no zombies.
 */
#include "proc/exit.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/files.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "trace/trace.h"

struct mm *task_change_mm(struct mm *mm, const char *comm)
{
	struct task *self = current_proc;
	struct mm *old = self->cur.mm;

	spin_lock(&tasks_lock);
	u64 flags = irq_save();
	self->cur.mm = mm;
	mm_switch(old, mm);
	irq_restore(flags);
	if (mm) {
		strscpy_pad(self->cur.comm, comm, sizeof(self->cur.comm));
		TRACE_TEXT(sched_process_exec, comm, self->cur.comm, .pid = self->cur.pid,
			   .mm_id = mm->id);
	}
	if (self->parent_waits) {
		WRITE_ONCE(self->parent_waits, false);
		if (self->parent)
			wake_up(&self->parent->child_wait);
	}
	spin_unlock(&tasks_lock);
	return old;
}

/* tasks_lock held. */
static void give_children_to_init(struct task *self)
{
	struct task *init = task_find(INIT_PID);
	struct task *child;

	if (list_empty(&self->children))
		return;
	list_for_each_entry (child, &self->children, sibling) {
		child->parent = init;
		WRITE_ONCE(child->parent_pid, INIT_PID);
	}
	list_splice_tail(&self->children, &init->children);
	wake_up(&init->child_wait);
}

/* Unlinks a task that nobody will ask about again. The reference of the list is the caller's then.
 * tasks_lock held. */
static void unlink_task(struct task *task)
{
	list_del(&task->node);
	list_del(&task->sibling);
}

static void become_zombie(struct task *self, s32 wait_status)
{
	spin_lock(&tasks_lock);
	struct task *parent = self->parent;
	bool leaves_zombie = !signal_discards_children(parent);

	give_children_to_init(self);
	self->wait_status = wait_status;
	/* From here on the scheduler does not come back: the state says so, and is looked at only
	 * in schedule(). */
	WRITE_ONCE(self->state, leaves_zombie ? TASK_ZOMBIE : TASK_DEAD);
	if (!leaves_zombie)
		unlink_task(self);
	signal_send(parent, SIGCHLD);
	wake_up(&parent->child_wait);
	spin_unlock(&tasks_lock);
	if (!leaves_zombie)
		task_put(self);
}

void task_exit(s32 wait_status)
{
	struct task *self = current_proc;

	self->cur.flags |= PF_EXITING;
	TRACE_TEXT(sched_process_exit, comm, self->cur.comm, .pid = self->cur.pid,
		   .status = wait_status);
	if (self->cur.pid == INIT_PID)
		session_end(wait_status, SESSION_EXIT);

	struct mm *mm = task_change_mm(NULL, NULL);
	if (mm)
		mm_put(mm);
	files_release(self->files);
	self->files = NULL;
	fs_release(self->fs);
	self->fs = NULL;
	lockdep_no_locks();
	become_zombie(self, wait_status);
	schedule();
	panic("task %d runs after its end", self->cur.pid);
}

/* ---- wait4 ---- */

static bool is_waited_for(const struct task *child, s32 which)
{
	if (which > 0)
		return child->cur.pid == which;
	if (which == -1)
		return true;
	return child->pgid == (which == 0 ? current_proc->pgid : -which);
}

static void add_time(struct cpu_time *sum, struct cpu_time more)
{
	sum->user_ns += more.user_ns;
	sum->system_ns += more.system_ns;
}

/* tasks_lock held; the reference of the list passes to the caller. */
static void reap(struct task *self, struct task *child, struct wait_result *result)
{
	result->wait_status = child->wait_status;
	struct cpu_time time = sched_cpu_time(child);

	result->time = child->children_time;
	add_time(&result->time, time);
	add_time(&self->children_time, result->time);
	result->faults.minor = child->cur.faults.minor + child->children_faults.minor;
	result->faults.major = child->cur.faults.major + child->children_faults.major;
	self->children_faults.minor += result->faults.minor;
	self->children_faults.major += result->faults.major;
	unlink_task(child);
}

/* Looks once: a pid, 0 when there are only living children of that kind, or -ECHILD. */
static long try_wait(s32 which, struct wait_result *result)
{
	struct task *self = current_proc;
	struct task *child, *ended = NULL;
	long answer = -ECHILD;

	spin_lock(&tasks_lock);
	list_for_each_entry (child, &self->children, sibling) {
		if (!is_waited_for(child, which))
			continue;
		answer = 0;
		if (child->state == TASK_ZOMBIE) {
			ended = child;
			break;
		}
	}
	if (ended) {
		answer = ended->cur.pid;
		reap(self, ended, result);
	}
	spin_unlock(&tasks_lock);
	if (ended)
		task_put(ended);
	return answer;
}

long task_wait(s32 which, u32 options, struct wait_result *result)
{
	long answer;

	if (which == INT32_MIN)
		return -ESRCH;
	if (options & WNOHANG)
		return try_wait(which, result);
	wait_event_state(&current_proc->child_wait,
			 (answer = try_wait(which, result)) != 0 || READ_ONCE(current->killed),
			 TASK_INTERRUPTIBLE);
	return answer != 0 ? answer : -EINTR;
}
