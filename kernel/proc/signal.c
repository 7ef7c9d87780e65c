/*
 * Sending signals. See signal.h.
 *
 * A signal that will end a process by its default action, and leaves no core file, is not queued: the
 * group exit is decided at once, when it is sent (process_kill()). Its threads find out on their way back to user mode, and all
 * interruptible sleeps end before they begin. Nothing can take that back.
 */
#include "proc/signal.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/coredump.h"
#include "proc/exit.h"
#include "proc/sched.h"
#include "trace/trace.h"

atomic_t nr_signalfds;
DEFINE_WAIT_QUEUE(signalfd_wait);

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
	memcpy(sighand->actions, parent->actions, sizeof(sighand->actions));
	spin_unlock(&parent->lock);
	return sighand;
}

void sighand_reset(struct sighand *sighand)
{
	for (u32 i = 0; i < NR_SIGNALS; i++) {
		struct sigaction *action = &sighand->actions[i];
		u64 handler = action->handler == SIG_IGN ? SIG_IGN : SIG_DFL;

		*action = (struct sigaction){.handler = handler};
	}
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

int signal_unshare(void)
{
	struct task *self = current_proc;
	struct sighand *old = self->sighand, *new;

	if (atomic_read(&old->refs) == 1)
		return 0;
	new = sighand_fork(old);
	if (!new)
		return -ENOMEM;
	spin_lock(&tasks_lock);
	spin_lock(&old->lock);
	self->sighand = new;
	spin_unlock(&old->lock);
	spin_unlock(&tasks_lock);
	sighand_put(old);
	return 0;
}

void signal_init_task(struct signal_state *signals)
{
	list_init(&signals->pending.queue);
}

void signal_init_process(struct process_signals *signals)
{
	list_init(&signals->pending.queue);
}

void signal_fork(struct task *child, bool shares_mm)
{
	const struct signal_state *own = &current_proc->signals;

	child->signals.blocked = own->blocked;
	if (!shares_mm)
		child->signals.altstack = own->altstack;
}

static bool is_signal(s32 sig)
{
	return sig >= 0 && sig <= NR_SIGNALS;
}

/* ---- who gets it ---- */

/* Of a process that can be found; under tasks_lock its leader does not change. */
static struct sighand *sighand_of(struct process *process)
{
	return process->leader->sighand;
}

static u64 handler_of(const struct task *task, s32 sig)
{
	return task->sighand->actions[sig - 1].handler;
}

static bool is_ignored(const struct task *task, s32 sig)
{
	const struct signal_state *signals = &task->signals;
	u64 handler = handler_of(task, sig);

	/* Blocked, it waits: the action may be another one when it is taken. */
	if ((signals->blocked | signals->waited_for) & signal_bit(sig))
		return false;
	if (handler == SIG_DFL && task->process->signals.unkillable)
		return true;
	return handler == SIG_IGN || (handler == SIG_DFL && (SIGNALS_IGNORED & signal_bit(sig)));
}

static bool can_take(const struct task *task, s32 sig)
{
	if (task_has_ended(task) || (READ_ONCE(task->cur.flags) & PF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	/* One that rests takes nothing before it is continued. */
	return READ_ONCE(task->state) != TASK_STOPPED && !(task->signals.blocked & signal_bit(sig));
}

/* Whether it is going to end the process of a thread that can take it. */
static bool is_fatal(const struct task *task, s32 sig)
{
	/* Those that dump core are taken by a thread, which writes the file. */
	u64 not_fatal = SIGNALS_IGNORED | SIGNALS_STOP | SIGNALS_CORE;

	return handler_of(task, sig) == SIG_DFL && !(not_fatal & signal_bit(sig)) &&
	       !task->process->signals.unkillable && !(task->signals.waited_for & signal_bit(sig));
}

void signal_wake(struct task *task)
{
	WRITE_ONCE(task->cur.signal_pending, true);
	sched_wake_signal(task);
}

/* Of a process, a thread to take the signal: better one that has nothing else to take. */
static struct task *choose_thread(struct process *process, s32 sig)
{
	struct task *task, *found = NULL;

	if (can_take(process->leader, sig))
		return process->leader;
	for_each_thread (process, task) {
		if (!can_take(task, sig))
			continue;
		if (!task->cur.signal_pending)
			return task;
		if (!found)
			found = task;
	}
	return found;
}

/* ---- stop and continue ---- */

u32 signal_nr_threads(const struct process *process)
{
	const struct task *task;
	u32 nr = 0;

	for_each_thread (process, task)
		nr += !task_has_ended(task) && !(READ_ONCE(task->cur.flags) & PF_EXITING);
	return nr;
}

s32 signal_complete_stop(struct process *process)
{
	struct process_signals *signals = &process->signals;

	if (signals->stop_signal == 0 || signals->has_stopped ||
	    signals->nr_stopped < signal_nr_threads(process))
		return 0;
	signals->has_stopped = true;
	signals->stopped_by = signals->stop_signal;
	signals->continued = false;
	return CLD_STOPPED;
}

static void discard_everywhere(struct process *process, u64 set)
{
	struct task *task;

	signal_discard(&process->signals.pending, set);
	for_each_thread (process, task)
		signal_discard(&task->signals.pending, set);
}

/* A thread that rests, or is about to, looks again. */
static void continue_process(struct process *process)
{
	struct process_signals *signals = &process->signals;
	struct task *task;

	if (signals->stop_signal != 0) {
		signals->tell_parent = signals->has_stopped ? CLD_CONTINUED : CLD_STOPPED;
		signals->continued = true;
		signals->stop_signal = 0;
		signals->stopped_by = 0;
		signals->has_stopped = false;
	}
	for_each_thread (process, task) {
		if (signals->tell_parent)
			WRITE_ONCE(task->cur.signal_pending, true);
		sched_wake_stopped(task);
	}
}

/* What a signal does by being sent, even if it is ignored or blocked: SIGCONT continues, and stop
 * signals and SIGCONT undo each other. */
static void act_on_sending(struct process *process, s32 sig)
{
	if (SIGNALS_STOP & signal_bit(sig)) {
		discard_everywhere(process, signal_bit(SIGCONT));
	} else if (sig == SIGCONT) {
		discard_everywhere(process, SIGNALS_STOP);
		process->signals.nr_continues++;
		continue_process(process);
	}
}

/* ---- sending ---- */

/* Who is to take a signal that is pending now; that may be nobody yet. */
static void find_taker(struct process *process, struct task *thread, s32 sig)
{
	struct task *taker = thread ? thread : choose_thread(process, sig);

	if (atomic_read(&nr_signalfds) > 0)
		wake_up(&signalfd_wait);
	if (!taker || !can_take(taker, sig))
		return;
	if (is_fatal(taker, sig))
		process_kill(process, sig);
	else
		signal_wake(taker);
}

/* `thread`: that one and no other, or NULL. Signal lock held. */
static int send_locked(struct process *process, struct task *thread, const struct siginfo *info)
{
	const struct task *target = thread ? thread : process->leader;
	s32 sig = info->signo;

	if (process->group_exit) {
		if (sig == SIGKILL)
			coredump_abort(process);
		return 0;
	}
	act_on_sending(process, sig);
	if (is_ignored(target, sig))
		return 0;
	int error = signal_enqueue(thread ? &thread->signals.pending : &process->signals.pending,
				   process, info);
	if (error == 0)
		find_taker(process, thread, sig);
	return error;
}

void signal_send_entry(struct process *process, struct task *thread, struct queued_signal *entry)
{
	struct pending_signals *pending =
		thread ? &thread->signals.pending : &process->signals.pending;
	s32 sig = entry->info.signo;

	TRACE(signal_generate, .sig = sig, .pid = thread ? thread->cur.pid : process->tgid);
	if (process->group_exit || is_ignored(thread ? thread : process->leader, sig))
		return;
	list_add_tail(&entry->node, &pending->queue);
	pending->set |= signal_bit(sig);
	find_taker(process, thread, sig);
}

int signal_send_info(struct process *process, const struct siginfo *info)
{
	ASSERT(spin_is_held(&tasks_lock));
	TRACE(signal_generate, .sig = info->signo, .pid = process->tgid);
	if (process_is_zombie(process))
		return 0;
	spin_lock(&sighand_of(process)->lock);
	int error = send_locked(process, NULL, info);
	spin_unlock(&sighand_of(process)->lock);
	return error;
}

int signal_send_thread_info(struct task *task, const struct siginfo *info)
{
	ASSERT(spin_is_held(&tasks_lock));
	TRACE(signal_generate, .sig = info->signo, .pid = task->cur.pid);
	if (task_has_ended(task) || !task->process)
		return 0;
	spin_lock(&task->sighand->lock);
	int error = send_locked(task->process, task, info);
	spin_unlock(&task->sighand->lock);
	return error;
}

/* What the kernel sends is queued or at least pending: it cannot fail. */
void signal_send(struct process *process, s32 sig)
{
	(void)signal_send_info(process, &(struct siginfo){.signo = sig, .code = SI_KERNEL});
}

void signal_send_thread(struct task *task, s32 sig)
{
	(void)signal_send_thread_info(task, &(struct siginfo){.signo = sig, .code = SI_KERNEL});
}

void signal_send_self(s32 sig)
{
	struct siginfo info = signal_from_current(sig, SI_USER);

	spin_lock(&tasks_lock);
	(void)signal_send_thread_info(current_proc, &info);
	spin_unlock(&tasks_lock);
}

bool signal_send_group(s32 pgid, s32 sig)
{
	struct task *task;
	bool found = false;

	ASSERT(spin_is_held(&tasks_lock));
	list_for_each_entry (task, &task_list, node) {
		if (!task->process || task->process->leader != task || task->process->pgid != pgid)
			continue;
		found = true;
		signal_send(task->process, sig);
	}
	return found;
}

/* ---- the thread's own instruction ---- */

/* `keep_handler`: a handler may run, if it is not blocked. */
static void force(const struct siginfo *info, bool keep_handler)
{
	struct task *self = current_proc;
	s32 sig = info->signo;

	TRACE(signal_generate, .sig = sig, .pid = self->cur.pid);
	spin_lock(&self->sighand->lock);
	struct sigaction *action = &self->sighand->actions[sig - 1];
	bool blocked = self->signals.blocked & signal_bit(sig);
	if (blocked || action->handler == SIG_IGN || !keep_handler) {
		action->handler = SIG_DFL;
		self->signals.blocked &= ~signal_bit(sig);
	}
	if (action->handler == SIG_DFL)
		self->process->signals.unkillable = false;
	(void)send_locked(self->process, self, info);
	signal_recalculate();
	spin_unlock(&self->sighand->lock);
}

void signal_force_info(const struct siginfo *info)
{
	force(info, true);
}

void signal_force(s32 sig)
{
	force(&(struct siginfo){.signo = sig, .code = SI_KERNEL}, true);
}

void signal_force_fault(s32 sig, s32 code, u64 address)
{
	force(&(struct siginfo){.signo = sig, .code = code, .fault.address = address}, true);
}

void signal_force_fatal(s32 sig)
{
	force(&(struct siginfo){.signo = sig, .code = SI_KERNEL}, false);
}

/* ---- parents ---- */

static u64 child_action_flags(const struct process *parent)
{
	return READ_ONCE(parent->leader->sighand->actions[SIGCHLD - 1].flags);
}

bool signal_discards_children(struct process *process)
{
	u64 handler = READ_ONCE(sighand_of(process)->actions[SIGCHLD - 1].handler);

	return handler == SIG_IGN || (child_action_flags(process) & SA_NOCLDWAIT);
}

static s64 clock_ticks(u64 ns)
{
	return ns / (NSEC_PER_SEC / USER_CLOCK_TICKS);
}

static struct siginfo child_info(struct process *child, s32 sig, s32 code, s32 status)
{
	struct cpu_time time = process_cpu_time(child);

	return (struct siginfo){
		.signo = sig,
		.code = code,
		.child = {.pid = child->tgid,
			  .uid = child->leader->cred.uid,
			  .status = status,
			  .user_ticks = clock_ticks(time.user_ns),
			  .system_ticks = clock_ticks(time.system_ns)},
	};
}

void signal_tell_parent(struct process *process, s32 code, s32 status)
{
	struct process *parent = process->parent;

	ASSERT(spin_is_held(&tasks_lock));
	if (!parent)
		return;
	struct siginfo info = child_info(process, SIGCHLD, code, status);
	if (sighand_of(parent)->actions[SIGCHLD - 1].handler != SIG_IGN &&
	    !(child_action_flags(parent) & SA_NOCLDSTOP))
		(void)signal_send_info(parent, &info);
	wake_up(&parent->child_wait);
}

bool signal_tell_exit(struct process *process, s32 sig, s32 wait_status)
{
	struct process *parent = process->parent;
	s32 signal = wait_status & 0x7f;
	bool discards = sig == SIGCHLD && signal_discards_children(parent);

	ASSERT(spin_is_held(&tasks_lock));
	/* clone(2) takes any byte: who tells by what is no signal tells nobody. */
	if (sig != 0 && is_signal(sig) &&
	    !(sig == SIGCHLD && sighand_of(parent)->actions[SIGCHLD - 1].handler == SIG_IGN)) {
		struct siginfo info = child_info(process, sig, process_end_code(wait_status),
						 signal ? signal : wait_status >> 8 & 0xff);

		(void)signal_send_info(parent, &info);
	}
	wake_up(&parent->child_wait);
	return !discards;
}

/* ---- calls ---- */

struct siginfo signal_from_current(s32 sig, s32 code)
{
	return (struct siginfo){.signo = sig,
				.code = code,
				.sender = {.pid = current_process->tgid, .uid = cred_uid()}};
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

static long kill_process(struct process *process, const struct siginfo *info)
{
	if (!cred_may_signal(process->leader, info->signo))
		return -EPERM;
	return info->signo == 0 ? 0 : signal_send_info(process, info);
}

static long kill_thread(struct task *task, const struct siginfo *info)
{
	if (!cred_may_signal(task, info->signo))
		return -EPERM;
	return info->signo == 0 ? 0 : signal_send_thread_info(task, info);
}

/* kill(2) takes the number of any thread for that of its process. */
static long kill_one(s32 pid, const struct siginfo *info)
{
	const struct task *task = task_find(pid);

	return task && task->process ? kill_process(task->process, info) : -ESRCH;
}

static long kill_many(s32 pid, const struct siginfo *info)
{
	struct task *task;
	long result = -ESRCH;

	list_for_each_entry (task, &task_list, node) {
		if (!task->process || task->process->leader != task ||
		    !is_target(task->process, pid))
			continue;
		long error = kill_process(task->process, info);
		/* As on Linux: who asks for all means those that he may ask for. */
		if (pid == -1 && error == -EPERM)
			error = 0;
		if (result != 0)
			result = error;
	}
	return result;
}

long signal_kill(s32 pid, s32 sig)
{
	struct siginfo info = signal_from_current(sig, SI_USER);

	if (!is_signal(sig))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	spin_lock(&tasks_lock);
	long result = pid > 0 ? kill_one(pid, &info) : kill_many(pid, &info);
	spin_unlock(&tasks_lock);
	return result;
}

static long queue_thread(s32 tgid, s32 tid, const struct siginfo *info)
{
	struct task *task = task_find(tid);

	if (!task || !task->process || (tgid != 0 && task->process->tgid != tgid))
		return -ESRCH;
	return kill_thread(task, info);
}

long signal_kill_thread(s32 tgid, s32 tid, s32 sig)
{
	struct siginfo info = signal_from_current(sig, SI_TKILL);

	return is_signal(sig) ? signal_queue(tgid, tid, &info) : -EINVAL;
}

long signal_queue(s32 tgid, s32 tid, const struct siginfo *info)
{
	if (!is_signal(info->signo))
		return -EINVAL;
	spin_lock(&tasks_lock);
	long result = tid != 0 ? queue_thread(tgid, tid, info) : kill_one(tgid, info);
	spin_unlock(&tasks_lock);
	return result;
}
