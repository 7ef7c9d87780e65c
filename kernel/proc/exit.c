/*
 * The end of a task: first its memory goes, so that a killed task helps at once, then its files. A
 * thread that is no leader is gone then. A leader becomes a zombie, which holds nothing but its pid;
 * with the last thread the process has ended, and its parent may collect it. Children go to init, or to an ancestor that asked for them. A
 * parent that ignores SIGCHLD gets no zombies.
 */
#include "proc/exit.h"
#include "proc/coredump.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/files.h"
#include "proc/futex.h"
#include "proc/job.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/session.h"
#include "proc/signal.h"
#include "proc/tty.h"
#include "trace/trace.h"

/* For getrusage(2). tasks_lock held. */
static void keep_max_resident(struct process *process, struct mm *mm)
{
	struct fault_counts last = {.max_resident = mm_max_resident(mm)};

	fault_counts_add(&process->ended_faults, last);
}

struct mm *task_change_mm(struct mm *mm, const char *comm)
{
	struct task *self = current_proc;
	struct mm *old = self->cur.mm;

	spin_lock(&tasks_lock);
	u64 flags = irq_save();
	self->cur.mm = mm;
	mm_switch(old, mm);
	irq_restore(flags);
	if (old)
		keep_max_resident(self->process, old);
	if (mm) {
		strscpy_pad(self->cur.comm, comm, sizeof(self->cur.comm));
		TRACE_TEXT(sched_process_exec, comm, self->cur.comm, .pid = self->cur.pid,
			   .mm_id = mm->id);
	}
	if (self->parent_waits) {
		WRITE_ONCE(self->parent_waits, false);
		wake_up(&self->vfork_wait);
	}
	spin_unlock(&tasks_lock);
	return old;
}

/* Who takes the children of a process that has ended: the next of its ancestors that asked for it
 * (PR_SET_CHILD_SUBREAPER), else init. tasks_lock held. */
static struct process *find_reaper(const struct process *process)
{
	struct process *reaper = process->parent;

	while (reaper->tgid != INIT_PID && (!reaper->is_subreaper || reaper->group_exit))
		reaper = reaper->parent;
	return reaper;
}

/* Unlinks a task that has ended, under the locks for that. */
static void forget(struct task *task)
{
	spin_lock(&task->sighand->lock);
	task_unlink(task);
	spin_unlock(&task->sighand->lock);
}

/* PR_SET_PDEATHSIG; as on Linux it is the thread that made a process whose end counts. tasks_lock held. */
static void tell_of_parents_end(struct process *child)
{
	const struct task *thread;

	for_each_thread (child, thread)
		if (thread->parent_death_signal)
			signal_send(child, thread->parent_death_signal);
}

/* The end of a child is news to its new parent, who may not want zombies. tasks_lock held. */
static void tell_adopter(struct process *child)
{
	struct task *leader = child->leader;

	if (!process_is_zombie(child) ||
	    signal_tell_exit(child, child->exit_signal, process_wait_status(child)))
		return;
	forget(leader);
	WRITE_ONCE(leader->state, TASK_DEAD);
	task_put(leader);
}

/* tasks_lock held. */
static void give_children_away(struct process *process)
{
	struct process *reaper, *child, *next;

	if (list_empty(&process->children))
		return;
	reaper = find_reaper(process);
	list_for_each_entry_safe (child, next, &process->children, sibling) {
		child->parent = reaper;
		WRITE_ONCE(child->parent_pid, reaper->tgid);
		child->parent_tid = reaper->tgid;
		child->exit_signal = SIGCHLD;
		tell_of_parents_end(child);
		job_lost_parent(child, process);
		tell_adopter(child);
	}
	list_splice_tail(&process->children, &reaper->children);
	wake_up(&reaper->child_wait);
}

/* The children that a thread made are those of another one now. tasks_lock held. */
static void pass_children_on(struct process *process, const struct task *self)
{
	const struct task *thread, *heir = NULL;
	struct process *child;

	for_each_thread (process, thread)
		if (!heir && !(READ_ONCE(thread->cur.flags) & PF_EXITING))
			heir = thread;
	list_for_each_entry (child, &process->children, sibling) {
		if (child->parent_tid != self->cur.pid || !heir)
			continue;
		child->parent_tid = heir->cur.pid; /* __WNOTHREAD */
		tell_of_parents_end(child);
	}
}

/* The last thread has ended: tells the parent. Whether the leader waits for it as a zombie.
 * tasks_lock held. */
static bool end_process(struct process *process)
{
	give_children_away(process);
	job_left_by(process);
	bool leaves_zombie = signal_tell_exit(process, process->exit_signal, process->group_status);
	if (!leaves_zombie)
		forget(process->leader);
	return leaves_zombie;
}

/* From its end on the scheduler does not come back to it: the state says so, and is looked at only
 * in schedule(). */
static void leave_process(struct task *self)
{
	struct process *process = self->process;
	bool leader_goes = false;

	spin_lock(&tasks_lock);
	struct task *leader = process->leader;
	if (self == leader) {
		WRITE_ONCE(self->state, TASK_ZOMBIE);
	} else {
		cpu_time_add(&process->ended_time, sched_cpu_time(self));
		fault_counts_add(&process->ended_faults, self->cur.faults);
		WRITE_ONCE(self->state, TASK_DEAD);
		forget(self);
	}
	if (process_is_zombie(process))
		leader_goes = !end_process(process);
	else
		pass_children_on(process, self);
	if (process->exec_task)
		wake_up(&process->child_wait);
	if (leader_goes)
		WRITE_ONCE(leader->state, TASK_DEAD);
	spin_unlock(&tasks_lock);
	if (leader_goes)
		task_put(leader);
	if (self != leader)
		task_put(self);
}

/* Whether it was the last thread to come here. That one decides the status of the process, unless it was decided before, and
 * its event is the last one of them. */
static bool begin_exit(struct task *self, s32 wait_status)
{
	struct process *process = self->process;

	spin_lock(&self->sighand->lock);
	if (process->group_exit)
		wait_status = process->group_status;
	TRACE_TEXT(sched_process_exit, comm, self->cur.comm, .pid = self->cur.pid,
		   .status = wait_status);
	bool last = atomic_dec_return(&process->nr_live) == 0;

	if (last)
		process_kill(process, wait_status);
	spin_unlock(&self->sighand->lock);
	return last;
}

static void end_process_of_last_thread(struct process *process)
{
	if (process->tgid == INIT_PID)
		session_end(process->group_status, SESSION_EXIT);
	timers_exit();
}

void task_exit(s32 wait_status)
{
	struct task *self = current_proc;
	struct process *process = self->process;

	coredump_join();
	bool last = begin_exit(self, wait_status);

	if (last)
		end_process_of_last_thread(process);
	signal_exit_thread();
	futex_leave_mm();
	struct mm *mm = task_change_mm(NULL, NULL);
	if (mm)
		mm_put(mm);
	files_release(task_set_files(self, NULL));
	fs_release(task_set_fs(self, NULL));
	if (last)
		tty_session_exit(process);
	lockdep_no_locks();
	leave_process(self);
	schedule();
	panic("task %d runs after its end", self->cur.pid);
}

void task_exit_group(s32 wait_status)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	process_kill(self->process, wait_status);
	wait_status = self->process->group_status;
	spin_unlock(&self->sighand->lock);
	task_exit(wait_status);
}
