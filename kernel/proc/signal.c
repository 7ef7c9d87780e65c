/*
 * Sending signals and dying of them. See signal.h for what exists.
 *
 * A signal that ends a task is recorded in signals.fatal and cur.killed at once, when it is sent.
 * The task finds out on its way back to user mode, and all interruptible sleeps end before they
 * begin. Nothing can take that back.
 *
 * Locks: tasks_lock, then the task's signals.lock (RANK_SIGNAL), then its run queue.
 */
#include "proc/signal.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "proc/exit.h"
#include "proc/sched.h"
#include "trace/trace.h"

/* Default action "ignore", and "stop" and "continue", which do not exist. */
#define IGNORED_BY_DEFAULT                                                                       \
	(signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | \
	 signal_bit(SIGTTIN) | signal_bit(SIGTTOU) | signal_bit(SIGURG) | signal_bit(SIGWINCH))

#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

static bool has_no_effect(const struct task *task, s32 sig)
{
	if (task->cur.pid == INIT_PID || (task->cur.flags & PF_KTHREAD))
		return true;
	return (IGNORED_BY_DEFAULT | task->signals.ignored) & signal_bit(sig);
}

/* The task is going to die of `sig`, unless it already dies of another one. Signal lock held. */
static void make_fatal(struct task *task, s32 sig)
{
	if (task->signals.fatal == 0)
		task->signals.fatal = sig;
	__atomic_store_n(&task->cur.killed, 1, __ATOMIC_RELEASE);
}

void signal_send(struct task *task, s32 sig)
{
	bool dies = false;

	ASSERT(spin_is_held(&tasks_lock));
	TRACE(signal_generate, .sig = sig, .pid = task->cur.pid);
	if (task->state == TASK_ZOMBIE || task->state == TASK_DEAD)
		return;
	spin_lock(&task->signals.lock);
	if (!has_no_effect(task, sig)) {
		dies = !(task->signals.blocked & signal_bit(sig));
		if (dies)
			make_fatal(task, sig);
		else
			task->signals.pending |= signal_bit(sig);
	}
	spin_unlock(&task->signals.lock);
	if (dies)
		sched_wake_killed(task);
}

static bool is_target(const struct task *task, s32 pid)
{
	const struct task *self = current_proc;

	if (task->cur.flags & PF_KTHREAD)
		return false;
	if (pid > 0)
		return task->cur.pid == pid;
	if (pid == -1)
		return task->cur.pid != INIT_PID && task != self;
	return task->pgid == (pid == 0 ? self->pgid : -pid);
}

long signal_kill(s32 pid, s32 sig)
{
	struct task *task;
	long result = -ESRCH;

	if (sig < 0 || sig > NR_SIGNALS || pid == INT32_MIN)
		return -EINVAL;
	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node) {
		if (!is_target(task, pid))
			continue;
		result = 0;
		if (sig != 0)
			signal_send(task, sig);
	}
	spin_unlock(&tasks_lock);
	return result;
}

void signal_force(s32 sig)
{
	struct task *self = current_proc;

	TRACE(signal_generate, .sig = sig, .pid = self->cur.pid);
	spin_lock(&self->signals.lock);
	make_fatal(self, sig);
	spin_unlock(&self->signals.lock);
}

/* Signals that are not blocked any more do what they would have done when they were sent. Signal
 * lock held. */
static void release_unblocked(struct task *self)
{
	u64 released = self->signals.pending & ~self->signals.blocked;

	self->signals.pending &= ~released;
	while (released) {
		s32 sig = __builtin_ctzl(released) + 1;

		released &= released - 1;
		if (!has_no_effect(self, sig))
			make_fatal(self, sig);
	}
}

int signal_set_mask(u32 how, u64 set, u64 *old)
{
	struct signal_state *signals = &current_proc->signals;
	int result = 0;

	spin_lock(&signals->lock);
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
	release_unblocked(current_proc);
	spin_unlock(&signals->lock);
	return result;
}

u64 signal_get_mask(void)
{
	return READ_ONCE(current_proc->signals.blocked);
}

bool signal_set_ignored(s32 sig, bool ignored)
{
	struct signal_state *signals = &current_proc->signals;

	spin_lock(&signals->lock);
	bool was_ignored = signals->ignored & signal_bit(sig);
	if (ignored) {
		signals->ignored |= signal_bit(sig);
		signals->pending &= ~signal_bit(sig);
	} else {
		signals->ignored &= ~signal_bit(sig);
	}
	spin_unlock(&signals->lock);
	return was_ignored;
}

bool signal_is_ignored(s32 sig)
{
	return READ_ONCE(current_proc->signals.ignored) & signal_bit(sig);
}

bool signal_discards_children(struct task *task)
{
	spin_lock(&task->signals.lock);
	bool discards = task->signals.ignored & signal_bit(SIGCHLD);
	spin_unlock(&task->signals.lock);
	return discards;
}

void signal_deliver(void)
{
	if (unlikely(READ_ONCE(current->killed)))
		task_exit(READ_ONCE(current_proc->signals.fatal));
}
