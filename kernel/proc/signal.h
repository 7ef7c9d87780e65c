/*
 * Signals, as Linux has them: sent to a process or to a thread, kept while blocked, real-time ones
 * queued with what they tell, taken on the way back to user mode.
 *
 *   signal.c          sending: who may ignore it, who gets it, stop and continue
 *   signal_queue.c    sets of pending signals
 *   signal_mask.c     actions and masks; waiting for signals
 *   signal_deliver.c  taking: handlers, restart of the call that was interrupted, stopping, dying
 *
 * cur.signal_pending of a thread says that there may be something to take. Whoever sends sets it;
 * only the thread itself clears it, when it finds nothing more (signal_recalculate()).
 *
 * Locks: tasks_lock, then the lock of the handlers (RANK_SIGNAL), then run queues.
 */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include "proc/process.h"

#define SIGHUP    1
#define SIGINT    2
#define SIGQUIT   3
#define SIGILL    4
#define SIGTRAP   5
#define SIGABRT   6
#define SIGBUS    7
#define SIGFPE    8
#define SIGKILL   9
#define SIGUSR1   10
#define SIGSEGV   11
#define SIGUSR2   12
#define SIGPIPE   13
#define SIGALRM   14
#define SIGTERM   15
#define SIGSTKFLT 16
#define SIGCHLD   17
#define SIGCONT   18
#define SIGSTOP   19
#define SIGTSTP   20
#define SIGTTIN   21
#define SIGTTOU   22
#define SIGURG    23
#define SIGXCPU   24
#define SIGXFSZ   25
#define SIGVTALRM 26
#define SIGPROF   27
#define SIGWINCH  28
#define SIGIO     29
#define SIGPWR    30
#define SIGSYS    31
#define SIGRTMIN  32 /* the kernel's: C libraries keep the first ones */

#define SIG_DFL 0ul
#define SIG_IGN 1ul

#define SA_NOCLDSTOP 0x00000001ul
#define SA_NOCLDWAIT 0x00000002ul
#define SA_SIGINFO   0x00000004ul
#define SA_RESTORER  0x04000000ul
#define SA_ONSTACK   0x08000000ul
#define SA_RESTART   0x10000000ul
#define SA_NODEFER   0x40000000ul
#define SA_RESETHAND 0x80000000ul

/* Values of `how` for signal_set_mask(); Linux's. */
#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

static inline u64 signal_bit(s32 sig)
{
	return BIT(sig - 1);
}

#define SIGNALS_STOP \
	(signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define SIGNALS_UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))
/* Default action "ignore". */
#define SIGNALS_IGNORED \
	(signal_bit(SIGCHLD) | signal_bit(SIGCONT) | signal_bit(SIGURG) | signal_bit(SIGWINCH))
/* Caused by the thread's own instruction: taken before all others. */
#define SIGNALS_SYNCHRONOUS                                                                    \
	(signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) | \
	 signal_bit(SIGFPE) | signal_bit(SIGSYS))

/* ---- handlers, as references (CLONE_SIGHAND) ---- */

/* Default handlers with one reference; NULL without memory. */
struct sighand *sighand_create(void);
/* A copy for a child; NULL without memory. */
struct sighand *sighand_fork(struct sighand *parent);
/* Handlers become SIG_DFL, SIG_IGN stays. Under its lock, if others have it. */
void sighand_reset(struct sighand *sighand);
void sighand_get(struct sighand *sighand);
/* Drops a reference; the last one frees them. No spinlock above RANK_SLAB held. */
void sighand_put(struct sighand *sighand);

/* ---- life of a thread and a process ---- */

void signal_init_task(struct signal_state *signals);
void signal_init_process(struct process_signals *signals);

/* A child of the current task begins: its mask, and its alternate stack unless it `shares_mm` as a
 * thread does. */
void signal_fork(struct task *child, bool shares_mm);

/* exec: handlers become SIG_DFL, SIG_IGN stays; no alternate stack. The handlers are shared with
 * nobody any more. */
void signal_exec(void);

/* The current thread exits, PF_EXITING is set: others get what was sent to the process, and it does
 * not hold up a stop. No locks held. */
void signal_exit_thread(void);

/* Gives the current task, the only one of its process, handlers that nobody else has. -ENOMEM. */
int signal_unshare(void);

/* Forgets what is pending, when nobody can send any more. */
void signal_flush(struct pending_signals *pending);

/* ---- sending. tasks_lock held. Kernel threads and zombies take nothing. ---- */

/* From the kernel (SI_KERNEL), to a process or to one thread. */
void signal_send(struct process *process, s32 sig);
void signal_send_thread(struct task *task, s32 sig);

/* With what it tells. 0, or -EAGAIN: too many are queued (real-time signals of sigqueue(2) only). */
int signal_send_info(struct process *process, const struct siginfo *info);
int signal_send_thread_info(struct task *task, const struct siginfo *info);

/* To the current thread, as if it had sent it itself (SIGPIPE, SIGXFSZ). No locks held. */
void signal_send_self(s32 sig);

/* To all processes of a group. Whether there are any. */
bool signal_send_group(s32 pgid, s32 sig);

/* Whether nobody of the session outside the group could continue it: then it is not to stop from the
 * keyboard. tasks_lock held. */
bool signal_group_is_orphaned(s32 pgid);

/* What a signal of kill(2) or tkill(2) (`code`) tells: the current process sent it. */
struct siginfo signal_from_current(s32 sig, s32 code);

/* Tells the parent of a process that it has stopped, or was continued (CLD_*, the signal). */
void signal_tell_parent(struct process *process, s32 code, s32 status);

/* Tells the parent that its child has ended, by the exit signal `sig` of the child or 0. Whether it
 * leaves a zombie: not when the parent ignores SIGCHLD. tasks_lock held. */
bool signal_tell_exit(struct process *process, s32 sig, s32 wait_status);

/* ---- calls; each may be told -EPERM, -ESRCH, -EINVAL ---- */

/* kill(2): the target is a process (pid > 0), a process group (0: the caller's; below -1), or all
 * but init and the caller (-1). Signal 0 only asks. */
long signal_kill(s32 pid, s32 sig);
/* tkill(2), and tgkill(2) with tgid not 0: the target is a thread. */
long signal_kill_thread(s32 tgid, s32 tid, s32 sig);
/* rt_sigqueueinfo(2); rt_tgsigqueueinfo(2) with tid not 0. */
long signal_queue(s32 tgid, s32 tid, const struct siginfo *info);

/* ---- the current thread's own instruction ---- */

/* A signal that cannot be ignored or blocked: then its default action follows. */
void signal_force(s32 sig);
void signal_force_info(const struct siginfo *info);
void signal_force_fault(s32 sig, s32 code, u64 address);
/* Ends the process by it, whatever the handler. */
void signal_force_fatal(s32 sig);

/* Whether the current process has a handler for it: then nobody need be told on the console. */
bool signal_is_handled(s32 sig);
/* Whether the current thread blocks or ignores it. */
bool signal_is_shut_out(s32 sig);

/* ---- actions and masks of the current thread ---- */

/* Either may be NULL. `sig` is checked. */
int signal_set_action(s32 sig, const struct sigaction *new, struct sigaction *old);

/* Changes the blocked set; returns the former one in *old. 0 or -EINVAL. */
int signal_set_mask(u32 how, u64 set, u64 *old);
u64 signal_get_mask(void);

/* The set that is blocked and pending, for the thread or its process. */
u64 signal_get_pending(void);

/* For calls with a mask of their own (ppoll, pselect): blocks `mask` until the call ends. When it
 * was interrupted, a handler still runs with `mask`, and the former one comes back behind it. */
void signal_borrow_mask(u64 mask);
void signal_return_mask(bool interrupted);

/* sigaltstack(2) for a thread that runs at `sp`: 0, -EPERM while it runs on the former one, -EINVAL,
 * -ENOMEM. */
int signal_set_altstack(const struct sigaltstack *new, u64 sp);

/* rt_sigsuspend: -ERESTARTNOHAND. */
long signal_suspend(u64 mask);

/* pause(2): -ERESTARTNOHAND. */
long signal_pause(void);

/* rt_sigtimedwait: the signal, or -EAGAIN at `deadline_ns`, -EINTR. */
long signal_wait_for(u64 set, u64 deadline_ns, struct siginfo *info);

/* ---- signalfd(2) ---- */

/* How many signalfds there are, and where all of them wait: woken, while there are any, when a signal
 * has become pending. */
extern atomic_t nr_signalfds;
extern struct wait_queue signalfd_wait;

/* Takes one of a set that is pending for the current thread or its process, blocked or not: whether
 * there was one. */
bool signal_take(u64 set, struct siginfo *info);
/* Whether there is one. */
bool signal_has(u64 set);

/* Whether a process has asked that SIGCHLD be ignored: its children then leave no zombies.
 * tasks_lock held. */
bool signal_discards_children(struct process *process);

/* ---- the way back to user mode ---- */

/* Takes one signal: enters a handler, stops, or ends the process. Otherwise makes the interrupted
 * call again. No locks held; may sleep. */
void signal_deliver(struct trap_frame *frame);

/* rt_sigreturn(2). What rax becomes. */
long signal_return(struct trap_frame *frame);

/* ---- private to signal*.c ---- */

/* Sets cur.signal_pending of the current thread as things are. Signal lock held. */
void signal_recalculate(void);
/* Wakes a thread that has something to take. Signal lock held. */
void signal_wake(struct task *task);
/* Threads that have not begun to exit. Signal lock held. */
u32 signal_nr_threads(const struct process *process);
/* All threads rest: what the parent is to be told, or 0. Signal lock held. */
s32 signal_complete_stop(struct process *process);
/* Others take what is pending for the process and the current thread does not any more. Signal lock
 * held. */
void signal_retarget(u64 set);
/* Changes the mask. Signal lock held. */
void signal_change_mask(u64 mask);

/* Counts an entry of a queue: false when there are too many for the process. */
bool signal_charge(const struct process *process, bool ignore_limit);
void signal_uncharge(void);
/* The same as signal_send_info() with an entry that is embedded and not queued. tasks_lock and signal
 * lock held. */
void signal_send_entry(struct process *process, struct task *thread, struct queued_signal *entry);
/* Takes an entry from its queue. Signal lock held. */
void signal_remove_entry(struct pending_signals *pending, struct queued_signal *entry);

int signal_enqueue(struct pending_signals *pending, const struct process *process,
		   const struct siginfo *info);
/* Removes a signal that is pending, and says what it told. */
void signal_dequeue(struct pending_signals *pending, s32 sig, struct siginfo *info);
/* Removes all of a set. */
void signal_discard(struct pending_signals *pending, u64 set);
/* Which of a set comes next, or 0. */
s32 signal_next(u64 set);

#endif
