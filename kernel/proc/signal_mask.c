/* Actions and masks of the current thread, and waiting for signals. See signal.h. */
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "proc/sched.h"
#include "proc/signal.h"

/* What could be taken, in both sets. */
static u64 deliverable(const struct task *task)
{
	return (task->signals.pending.set | task->process->signals.pending.set) &
	       ~task->signals.blocked;
}

void signal_recalculate(void)
{
	struct task *self = current_proc;
	const struct process_signals *common = &self->process->signals;

	ASSERT(spin_is_held(&self->sighand->lock));
	WRITE_ONCE(self->cur.signal_pending,
		   deliverable(self) != 0 || common->stop_signal != 0 || common->tell_parent != 0);
}

/* ---- actions ---- */

int signal_set_action(s32 sig, const struct sigaction *new, struct sigaction *old)
{
	struct task *self = current_proc, *task;
	struct sigaction *action = &self->sighand->actions[sig - 1];

	spin_lock(&self->sighand->lock);
	if (old)
		*old = *action;
	if (new) {
		*action = *new;
		action->mask &= ~SIGNALS_UNBLOCKABLE;
		/* What is ignored now is forgotten, even if it is blocked (POSIX). */
		if (new->handler == SIG_IGN ||
		    (new->handler == SIG_DFL && (SIGNALS_IGNORED & signal_bit(sig)))) {
			signal_discard(&self->process->signals.pending, signal_bit(sig));
			for_each_thread (self->process, task)
				signal_discard(&task->signals.pending, signal_bit(sig));
		}
	}
	spin_unlock(&self->sighand->lock);
	return 0;
}

bool signal_is_handled(s32 sig)
{
	const struct task *self = current_proc;

	if (READ_ONCE(self->signals.blocked) & signal_bit(sig))
		return false;
	return READ_ONCE(self->sighand->actions[sig - 1].handler) > SIG_IGN;
}

bool signal_is_shut_out(s32 sig)
{
	const struct task *self = current_proc;

	return (READ_ONCE(self->signals.blocked) & signal_bit(sig)) ||
	       READ_ONCE(self->sighand->actions[sig - 1].handler) == SIG_IGN;
}

void signal_exec(void)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	sighand_reset(self->sighand);
	self->signals.altstack = (struct sigaltstack){0};
	self->restart.again = NULL;
	spin_unlock(&self->sighand->lock);
}

/* ---- masks ---- */

void signal_retarget(u64 set)
{
	struct task *self = current_proc, *task;

	set &= self->process->signals.pending.set;
	for_each_thread (self->process, task) {
		if (set == 0)
			return;
		if (task == self || task_has_ended(task) ||
		    (READ_ONCE(task->cur.flags) & PF_EXITING) || !(set & ~task->signals.blocked))
			continue;
		set &= task->signals.blocked;
		if (!task->cur.signal_pending)
			signal_wake(task);
	}
}

void signal_change_mask(u64 mask)
{
	struct signal_state *signals = &current_proc->signals;
	u64 newly_blocked = mask & ~signals->blocked;

	if (current->signal_pending && newly_blocked)
		signal_retarget(newly_blocked);
	signals->blocked = mask & ~SIGNALS_UNBLOCKABLE;
	signal_recalculate();
}

int signal_set_mask(u32 how, u64 set, u64 *old)
{
	struct task *self = current_proc;
	u64 blocked = self->signals.blocked; /* nobody else writes it */

	*old = blocked;
	switch (how) {
	case SIG_BLOCK:
		set = blocked | set;
		break;
	case SIG_UNBLOCK:
		set = blocked & ~set;
		break;
	case SIG_SETMASK:
		break;
	default:
		return -EINVAL;
	}
	spin_lock(&self->sighand->lock);
	signal_change_mask(set);
	spin_unlock(&self->sighand->lock);
	return 0;
}

u64 signal_get_mask(void)
{
	return current_proc->signals.blocked;
}

u64 signal_get_pending(void)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	u64 set = (self->signals.pending.set | self->process->signals.pending.set) &
		  self->signals.blocked;
	spin_unlock(&self->sighand->lock);
	return set;
}

void signal_borrow_mask(u64 mask)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	self->signals.saved_mask = self->signals.blocked;
	self->signals.restore_mask = true;
	signal_change_mask(mask);
	spin_unlock(&self->sighand->lock);
}

void signal_return_mask(bool interrupted)
{
	struct task *self = current_proc;

	/* Else signal_deliver() does, when it has seen which handler runs. */
	if (interrupted || !self->signals.restore_mask)
		return;
	spin_lock(&self->sighand->lock);
	self->signals.restore_mask = false;
	signal_change_mask(self->signals.saved_mask);
	spin_unlock(&self->sighand->lock);
}

/* ---- alternate stack ---- */

int signal_set_altstack(const struct sigaltstack *new, u64 sp)
{
	struct sigaltstack *altstack = &current_proc->signals.altstack;
	s32 mode = new->flags & ~SS_AUTODISARM;

	if (altstack_state(altstack, sp) == SS_ONSTACK)
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		*altstack = (struct sigaltstack){.flags = new->flags};
		return 0;
	}
	if (new->size < MINSIGSTKSZ)
		return -ENOMEM;
	*altstack = (struct sigaltstack){.sp = new->sp, .flags = new->flags, .size = new->size};
	return 0;
}

/* ---- waiting ---- */

long signal_pause(void)
{
	(void)sleep_interruptible(~0ul);
	return -ERESTARTNOHAND;
}

long signal_suspend(u64 mask)
{
	signal_borrow_mask(mask);
	(void)sleep_interruptible(~0ul);
	return -ERESTARTNOHAND;
}

/* Takes one of a set, the thread's own first. Signal lock held. */
static s32 take_one(struct task *self, u64 set, struct siginfo *info)
{
	struct pending_signals *pending = &self->signals.pending;
	s32 sig = signal_next(pending->set & set);

	if (sig == 0) {
		pending = &self->process->signals.pending;
		sig = signal_next(pending->set & set);
	}
	if (sig != 0)
		signal_dequeue(pending, sig, info);
	return sig;
}

bool signal_take(u64 set, struct siginfo *info)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	s32 sig = take_one(self, set, info);
	signal_recalculate();
	spin_unlock(&self->sighand->lock);
	return sig != 0;
}

bool signal_has(u64 set)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	set &= self->signals.pending.set | self->process->signals.pending.set;
	spin_unlock(&self->sighand->lock);
	return set != 0;
}

long signal_wait_for(u64 set, u64 deadline_ns, struct siginfo *info)
{
	struct task *self = current_proc;
	struct signal_state *signals = &self->signals;

	set &= ~SIGNALS_UNBLOCKABLE;
	spin_lock(&self->sighand->lock);
	s32 sig = take_one(self, set, info);
	if (sig == 0 && clock_ns() < deadline_ns) {
		u64 blocked = signals->blocked;

		/* A signal of the set wakes this thread, and is not ignored, but no handler runs:
		 * it is taken before user mode is reached. */
		signals->waited_for = blocked;
		signals->blocked = blocked & ~set;
		signal_recalculate();
		spin_unlock(&self->sighand->lock);
		(void)sleep_interruptible(deadline_ns);
		spin_lock(&self->sighand->lock);
		signals->waited_for = 0;
		signal_change_mask(blocked);
		sig = take_one(self, set, info);
	}
	signal_recalculate();
	spin_unlock(&self->sighand->lock);
	if (sig != 0)
		return sig;
	return clock_ns() >= deadline_ns ? -EAGAIN : -EINTR;
}
