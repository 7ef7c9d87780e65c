/*
 * Signals, as far as they go without handlers: each is ignored, or held back while blocked, or ends
 * its task. A program cannot install a handler yet, and nothing stops or continues a task: signals
 * that Linux would stop it for are ignored.
 */
#ifndef PROC_SIGNAL_H
#define PROC_SIGNAL_H

#include "proc/process.h"

#define SIGILL     4
#define SIGTRAP    5
#define SIGBUS     7
#define SIGFPE     8
#define SIGKILL    9
#define SIGSEGV    11
#define SIGPIPE    13
#define SIGCHLD    17
#define SIGCONT    18
#define SIGSTOP    19
#define SIGTSTP    20
#define SIGTTIN    21
#define SIGTTOU    22
#define SIGURG     23
#define SIGWINCH   28
#define NR_SIGNALS 64

/* Values of `how` for signal_set_mask(); Linux's. */
#define SIG_BLOCK   0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

static inline u64 signal_bit(s32 sig)
{
	return BIT(sig - 1);
}

/* Default handlers with one reference; NULL without memory. */
struct sighand *sighand_create(void);
/* A copy for a child; NULL without memory. */
struct sighand *sighand_fork(struct sighand *parent);
void sighand_get(struct sighand *sighand);
/* Drops a reference; the last one frees them. No spinlock above RANK_SLAB held. */
void sighand_put(struct sighand *sighand);

/* Sends a signal to a process, or to one thread. tasks_lock held. Init takes none but those of its
 * own faults; kernel threads and zombies take none. */
void signal_send(struct process *process, s32 sig);
void signal_send_thread(struct task *task, s32 sig);

/* kill(2): the target is a process (pid > 0), a process group (0: the caller's; below -1), or all
 * but init and the caller (-1). Signal 0 only asks. Returns 0, -ESRCH or -EINVAL. */
long signal_kill(s32 pid, s32 sig);

/* tkill(2), and tgkill(2) with tgid not 0: the target is a thread. Returns 0, -ESRCH or -EINVAL. */
long signal_kill_thread(s32 tgid, s32 tid, s32 sig);

/* Ends the current task by a signal that it cannot ignore or block, on its way back to user mode.
 */
void signal_force(s32 sig);

/* Changes the blocked set of the current task; returns the former one in *old. 0 or -EINVAL. */
int signal_set_mask(u32 how, u64 set, u64 *old);
u64 signal_get_mask(void);

/* Sets a disposition of the current task to SIG_IGN or SIG_DFL; returns whether it was SIG_IGN. */
bool signal_set_ignored(s32 sig, bool ignored);
bool signal_is_ignored(s32 sig);

/* Whether a process has asked that SIGCHLD be ignored: its children then leave no zombies.
 * tasks_lock held. */
bool signal_discards_children(struct process *process);

/* Ends the current task if a fatal signal is pending. No locks held. */
void signal_deliver(void);

#endif
