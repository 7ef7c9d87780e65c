/*
 * Taking signals on the way back to user mode: a handler is entered by changing the registers that
 * the program gets back, the process stops, or it ends. A call that a signal interrupted is made
 * again, or returns -EINTR, as the result it left says (ERESTART*, lib/errno.h).
 */
#include "arch/x86_64/layout.h"
#include "lib/errno.h"
#include "proc/coredump.h"
#include "proc/exit.h"
#include "proc/rseq.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "trace/trace.h"

/* restart_syscall(2), and the same on i386. */
#define NR_RESTART      219
#define NR_RESTART_I386 0

/* A signal that was taken, and what is to be done with it. */
struct taken {
	struct siginfo info;
	struct sigaction action;
};

/* ---- dying and stopping ---- */

static void __noreturn die(void)
{
	/* Killed without a group exit: another thread execs. */
	task_exit(READ_ONCE(current_process->group_exit) ? current_process->group_status : SIGKILL);
}

/* Signal lock held; released for a while. */
static void tell_parent(struct task *self, s32 code, s32 status)
{
	spin_unlock(&self->sighand->lock);
	spin_lock(&tasks_lock);
	signal_tell_parent(self->process, code, status);
	spin_unlock(&tasks_lock);
	spin_lock(&self->sighand->lock);
}

/* Rests until the process is continued or killed. Signal lock held; released for a while. */
static void rest(struct task *self)
{
	struct process_signals *signals = &self->process->signals;
	s32 sig = signals->stop_signal;

	signals->nr_stopped++;
	s32 code = signal_complete_stop(self->process);
	WRITE_ONCE(self->state, TASK_STOPPED);
	spin_unlock(&self->sighand->lock);
	if (code) {
		spin_lock(&tasks_lock);
		signal_tell_parent(self->process, code, sig);
		spin_unlock(&tasks_lock);
	}
	schedule();
	spin_lock(&self->sighand->lock);
	signals->nr_stopped--;
}

/* All threads are to rest. Signal lock held; released for a while. */
static void begin_stop(struct task *self, s32 sig)
{
	struct process *process = self->process;
	u32 nr_continues = process->signals.nr_continues;
	struct task *task;

	if (sig != SIGSTOP) {
		spin_unlock(&self->sighand->lock);
		spin_lock(&tasks_lock);
		bool orphaned = signal_group_is_orphaned(process->pgid);
		spin_unlock(&tasks_lock);
		spin_lock(&self->sighand->lock);
		/* The signal is off its queue: a SIGCONT that came meanwhile could not take it away. */
		if (orphaned || process->signals.stop_signal != 0 ||
		    process->signals.nr_continues != nr_continues)
			return;
	}
	process->signals.stop_signal = sig;
	for_each_thread (process, task)
		if (task != self)
			signal_wake(task);
}

void signal_exit_thread(void)
{
	struct task *self = current_proc;
	struct process *process = self->process;

	spin_lock(&self->sighand->lock);
	s32 sig = process->signals.stop_signal;
	signal_retarget(~self->signals.blocked);
	s32 code = signal_complete_stop(process);
	if (code)
		tell_parent(self, code, sig);
	spin_unlock(&self->sighand->lock);
}

/* ---- choosing ---- */

/* Signal lock held. */
static s32 take_next(struct task *self, struct siginfo *info)
{
	struct pending_signals *own = &self->signals.pending;
	struct pending_signals *common = &self->process->signals.pending;
	u64 blocked = self->signals.blocked;
	s32 sig = signal_next(own->set & ~blocked);

	if (sig != 0) {
		signal_dequeue(own, sig, info);
		return sig;
	}
	sig = signal_next(common->set & ~blocked);
	if (sig != 0)
		signal_dequeue(common, sig, info);
	return sig;
}

/* The default action of a signal that dumps core: does not return when there is to be a file. Signal
 * lock held. */
static void end_with_core(struct task *self, const struct siginfo *info)
{
	if (!coredump_begin(info->signo)) {
		process_kill(self->process, info->signo);
		return;
	}
	spin_unlock(&self->sighand->lock);
	coredump_write(info);
	task_exit_group(info->signo);
}

/* Does what the default action is. Signal lock held; released for a while. */
static void act_by_default(struct task *self, const struct siginfo *info)
{
	s32 sig = info->signo;

	if ((SIGNALS_IGNORED & signal_bit(sig)) || self->process->signals.unkillable)
		return;
	if (SIGNALS_STOP & signal_bit(sig))
		begin_stop(self, sig);
	else if (SIGNALS_CORE & signal_bit(sig))
		end_with_core(self, info);
	else
		process_kill(self->process, sig);
}

/* Takes signals until one has a handler: true. Does not return when the process is to end. */
static bool take_handled(struct taken *taken)
{
	struct task *self = current_proc;
	struct process_signals *signals = &self->process->signals;
	bool found = false;

	spin_lock(&self->sighand->lock);
	while (!found) {
		if (READ_ONCE(self->cur.killed)) {
			spin_unlock(&self->sighand->lock);
			die();
		}
		if (signals->tell_parent) {
			s32 code = signals->tell_parent;

			signals->tell_parent = 0;
			tell_parent(self, code, SIGCONT);
			continue;
		}
		if (signals->stop_signal != 0) {
			rest(self);
			continue;
		}
		s32 sig = take_next(self, &taken->info);
		if (sig == 0)
			break;
		struct sigaction *action = &self->sighand->actions[sig - 1];
		TRACE(signal_deliver, .sig = sig, .code = taken->info.code, .pid = self->cur.pid,
		      .handler = action->handler, .flags = action->flags);
		if (action->handler == SIG_DFL) {
			act_by_default(self, &taken->info);
		} else if (action->handler != SIG_IGN) {
			taken->action = *action;
			if (action->flags & SA_RESETHAND)
				action->handler = SIG_DFL;
			found = true;
		}
	}
	signal_recalculate();
	spin_unlock(&self->sighand->lock);
	return found;
}

/* ---- handlers ---- */

/* What becomes of the call that the handler interrupted. */
static void settle_call(struct trap_frame *frame, const struct sigaction *action)
{
	if (!frame_is_syscall(frame))
		return;
	switch ((s64)frame_result(frame)) {
	case -ERESTARTSYS:
		if (action->flags & SA_RESTART)
			frame_repeat_syscall(frame, frame_syscall_nr(frame));
		else
			frame_set_result(frame, -EINTR);
		break;
	case -ERESTARTNOINTR:
		frame_repeat_syscall(frame, frame_syscall_nr(frame));
		break;
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		frame_set_result(frame, -EINTR);
		break;
	}
}

/* The same without a handler. */
static void settle_call_unhandled(struct trap_frame *frame)
{
	if (!frame_is_syscall(frame))
		return;
	switch ((s64)frame_result(frame)) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		frame_repeat_syscall(frame, frame_syscall_nr(frame));
		break;
	case -ERESTART_RESTARTBLOCK:
		frame_repeat_syscall(frame,
				     frame->vector == INT80_VECTOR ? NR_RESTART_I386 : NR_RESTART);
		break;
	}
}

/* In the handler its own signal and those that it asked for are blocked. */
static void handler_entered(struct task *self, const struct taken *taken)
{
	struct signal_state *signals = &self->signals;
	u64 mask = signals->blocked | taken->action.mask;

	if (!(taken->action.flags & SA_NODEFER))
		mask |= signal_bit(taken->info.signo);
	spin_lock(&self->sighand->lock);
	signals->restore_mask = false;
	signal_change_mask(mask);
	spin_unlock(&self->sighand->lock);
	if (signals->altstack.flags & SS_AUTODISARM)
		signals->altstack = (struct sigaltstack){.flags = SS_DISABLE};
}

static void enter_handler(struct trap_frame *frame, const struct taken *taken)
{
	struct task *self = current_proc;
	const struct sigaction *action = &taken->action;
	u8 info[SIGINFO_SIZE] = {0};

	memcpy(info, &taken->info, sizeof(taken->info));
	struct signal_delivery delivery = {
		.sig = taken->info.signo,
		.on_altstack = action->flags & SA_ONSTACK,
		.info = action->flags & SA_SIGINFO ? info : NULL,
		.handler = action->handler,
		.restorer = action->flags & SA_RESTORER ? action->restorer : 0,
		.mask = self->signals.restore_mask ? self->signals.saved_mask
						   : self->signals.blocked,
		.altstack = &self->signals.altstack,
	};

	settle_call(frame, action);
	rseq_signal(frame, taken->info.signo);
	if (signal_frame_push(&self->arch, frame, &delivery) == 0)
		handler_entered(self, taken);
	else if (taken->info.signo == SIGSEGV)
		signal_force_fatal(SIGSEGV);
	else
		signal_force(SIGSEGV);
}

void signal_deliver(struct trap_frame *frame)
{
	struct taken taken;

	if (unlikely(READ_ONCE(current->killed)))
		die();
	if (likely(!READ_ONCE(current->signal_pending)))
		return;
	if (take_handled(&taken)) {
		enter_handler(frame, &taken);
		return;
	}
	settle_call_unhandled(frame);
	signal_return_mask(false);
}

/* ---- rt_sigreturn ---- */

/* IRET would fault in the kernel on an address that is not canonical, and the program on one that is
 * the kernel's. */
static void check_address(u64 rip)
{
	if (rip <= USER_END)
		return;
	if ((s64)(rip << 16) >> 16 == (s64)rip)
		signal_force_fault(SIGSEGV, SEGV_MAPERR, rip);
	else
		signal_force(SIGSEGV);
}

long signal_return(struct trap_frame *frame)
{
	struct task *self = current_proc;
	struct signal_context context;
	bool has_mask;

	self->restart.again = NULL;
	int error = signal_frame_pop(&self->arch, frame, &context, &has_mask);
	if (has_mask) {
		spin_lock(&self->sighand->lock);
		signal_change_mask(context.mask);
		spin_unlock(&self->sighand->lock);
	}
	if (error != 0) {
		signal_force(SIGSEGV);
		return 0;
	}
	check_address(frame->rip);
	/* What is wrong with it is no reason to die: Linux does not look either. */
	(void)signal_set_altstack(&context.altstack, frame->rsp);
	return frame_result(frame);
}
