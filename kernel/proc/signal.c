/*
 * Sending signals and dying of them. See signal.h for what exists.
 *
 * A signal that ends a process is recorded in it, and in cur.killed of all its threads, at once,
 * when it is sent (process_kill()). The threads find out on their way back to user mode, and all
 * interruptible sleeps end before they begin. Nothing can take that back.
 *
 * Locks: tasks_lock, then the lock of the handlers (RANK_SIGNAL), then run queues.
 */
#include "proc/signal.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/exit.h"
#include "proc/sched.h"
#include "trace/trace.h"

/* Default action "ignore", and "stop" and "continue", which do not exist. */
#define IGNORED_BY_DEFAULT                                                                       \
	(signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | \
	 signal_bit(SIGTTIN) | signal_bit(SIGTTOU) | signal_bit(SIGURG) | signal_bit(SIGWINCH))

#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

struct sighand *sighand_create(void)
{
	struct sighand *sighand = kmalloc(sizeof(*sighand), GFP_ZERO);

	if (!sighand)
		return NULL;
	atomic_set(&sighand->refs, 1);
	spin_lock_init(&sighand->lock, RANK_SIGNAL);
	return sighand;
}

struct sighand *sighand_fork(struct sighand *parent)
{
	struct sighand *sighand = sighand_create();

	if (!sighand)
		return NULL;
	spin_lock(&parent->lock);
	sighand->ignored = parent->ignored;
	spin_unlock(&parent->lock);
	return sighand;
}

void sighand_get(struct sighand *sighand)
{
	atomic_inc(&sighand->refs);
}

void sighand_put(struct sighand *sighand)
{
	if (atomic_dec_return(&sighand->refs) == 0)
		kfree(sighand);
}

static bool has_no_effect(const struct process *process, s32 sig)
{
	if (process->tgid == INIT_PID)
		return true;
	return (IGNORED_BY_DEFAULT | process->leader->sighand->ignored) & signal_bit(sig);
}

/* Whether all threads block it, or have ended. Signal lock held. */
static bool nobody_takes(struct process *process, s32 sig)
{
	const struct task *task;

	for_each_thread (process, task)
		if (!task_has_ended(task) && !(task->signals.blocked & signal_bit(sig)))
			return false;
	return true;
}

void signal_send(struct process *process, s32 sig)
{
	ASSERT(spin_is_held(&tasks_lock));
	TRACE(signal_generate, .sig = sig, .pid = process->tgid);
	if (process_is_zombie(process))
		return;
	spin_lock(&process->leader->sighand->lock);
	if (!has_no_effect(process, sig)) {
		if (nobody_takes(process, sig))
			process->pending |= signal_bit(sig);
		else
			process_kill(process, sig);
	}
	spin_unlock(&process->leader->sighand->lock);
}

void signal_send_thread(struct task *task, s32 sig)
{
	ASSERT(spin_is_held(&tasks_lock));
	TRACE(signal_generate, .sig = sig, .pid = task->cur.pid);
	if (task_has_ended(task) || !task->process)
		return;
	spin_lock(&task->sighand->lock);
	if (!has_no_effect(task->process, sig)) {
		if (task->signals.blocked & signal_bit(sig))
			task->signals.pending |= signal_bit(sig);
		else
			process_kill(task->process, sig);
	}
	spin_unlock(&task->sighand->lock);
}

static bool is_target(const struct process *process, s32 pid)
{
	const struct process *self = current_process;

	if (pid > 0)
		return process->tgid == pid;
	if (pid == -1)
		return process->tgid != INIT_PID && process != self;
	return process->pgid == (pid == 0 ? self->pgid : -pid);
}

long signal_kill(s32 pid, s32 sig)
{
	struct task *task;
	long result = -ESRCH;

	if (sig < 0 || sig > NR_SIGNALS || pid == INT32_MIN)
		return -EINVAL;
	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node) {
		if (!task->process || task->process->leader != task ||
		    !is_target(task->process, pid))
			continue;
		result = 0;
		if (sig != 0)
			signal_send(task->process, sig);
	}
	spin_unlock(&tasks_lock);
	return result;
}

long signal_kill_thread(s32 tgid, s32 tid, s32 sig)
{
	long result = -ESRCH;

	if (sig < 0 || sig > NR_SIGNALS)
		return -EINVAL;
	spin_lock(&tasks_lock);
	struct task *task = task_find(tid);
	if (task && task->process && (tgid == 0 || task->process->tgid == tgid)) {
		result = 0;
		if (sig != 0)
			signal_send_thread(task, sig);
	}
	spin_unlock(&tasks_lock);
	return result;
}

void signal_force(s32 sig)
{
	struct task *self = current_proc;

	TRACE(signal_generate, .sig = sig, .pid = self->cur.pid);
	spin_lock(&self->sighand->lock);
	process_kill(self->process, sig);
	spin_unlock(&self->sighand->lock);
}

/* Signals that are not blocked any more do what they would have done when they were sent. Signal
 * lock held. */
static void release_unblocked(struct task *self)
{
	struct process *process = self->process;
	u64 released = (self->signals.pending | process->pending) & ~self->signals.blocked;

	self->signals.pending &= ~released;
	process->pending &= ~released;
	while (released) {
		s32 sig = __builtin_ctzl(released) + 1;

		released &= released - 1;
		if (!has_no_effect(process, sig))
			process_kill(process, sig);
	}
}

int signal_set_mask(u32 how, u64 set, u64 *old)
{
	struct task *self = current_proc;
	struct signal_state *signals = &self->signals;
	int result = 0;

	spin_lock(&self->sighand->lock);
	*old = signals->blocked;
	if (how == SIG_BLOCK)
		signals->blocked |= set;
	else if (how == SIG_UNBLOCK)
		signals->blocked &= ~set;
	else if (how == SIG_SETMASK)
		signals->blocked = set;
	else
		result = -EINVAL;
	signals->blocked &= ~UNBLOCKABLE;
	release_unblocked(self);
	spin_unlock(&self->sighand->lock);
	return result;
}

u64 signal_get_mask(void)
{
	return READ_ONCE(current_proc->signals.blocked);
}

bool signal_set_ignored(s32 sig, bool ignored)
{
	struct process *process = current_process;
	struct sighand *sighand = current_proc->sighand;
	struct task *task;

	spin_lock(&sighand->lock);
	bool was_ignored = sighand->ignored & signal_bit(sig);
	if (ignored) {
		sighand->ignored |= signal_bit(sig);
		process->pending &= ~signal_bit(sig);
		for_each_thread (process, task)
			task->signals.pending &= ~signal_bit(sig);
	} else {
		sighand->ignored &= ~signal_bit(sig);
	}
	spin_unlock(&sighand->lock);
	return was_ignored;
}

bool signal_is_ignored(s32 sig)
{
	return READ_ONCE(current_proc->sighand->ignored) & signal_bit(sig);
}

bool signal_discards_children(struct process *process)
{
	return READ_ONCE(process->leader->sighand->ignored) & signal_bit(SIGCHLD);
}

void signal_deliver(void)
{
	/* Killed without a group exit: another thread execs. */
	if (unlikely(READ_ONCE(current->killed)))
		task_exit(READ_ONCE(current_process->group_exit) ? current_process->group_status
								 : SIGKILL);
}
