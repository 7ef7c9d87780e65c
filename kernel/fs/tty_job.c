/*
 * Job control: which session a terminal controls, which group of it is in the foreground, who may
 * use it. tasks_lock guards tty->sid, tty->pgid and process->tty.
 */
#include "arch/x86_64/uaccess.h"
#include "fs/tty.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "proc/tty.h"

static void send_group(s32 pgid, s32 sig)
{
	if (pgid != 0)
		signal_send_group(pgid, sig);
}

void tty_signal(struct tty *tty, s32 sig)
{
	spin_lock(&tasks_lock);
	send_group(tty->pgid, sig);
	spin_unlock(&tasks_lock);
}

static bool is_session_leader(const struct process *process)
{
	return process->sid == process->tgid;
}

/* Nobody of the session has the terminal any more. tasks_lock held. */
static void end_session(struct tty *tty, s32 sid)
{
	struct task *task;

	list_for_each_entry (task, &task_list, node)
		if (task->process && task->process->sid == sid)
			task->process->tty = NULL;
	tty->sid = tty->pgid = 0;
}

/* The terminal becomes that of the current process's session. tasks_lock held. */
static void begin_session(struct tty *tty)
{
	tty->sid = current_process->sid;
	tty->pgid = current_process->pgid;
	current_process->tty = tty;
}

struct tty *tty_of_current(void)
{
	spin_lock(&tasks_lock);
	struct tty *tty = current_process->tty;
	spin_unlock(&tasks_lock);
	return tty;
}

void tty_open_controlling(struct tty *tty)
{
	struct process *self = current_process;

	spin_lock(&tasks_lock);
	if (is_session_leader(self) && !self->tty && tty->sid == 0)
		begin_session(tty);
	spin_unlock(&tasks_lock);
}

/* ---- the background ---- */

int tty_check_background(struct tty *tty, s32 sig)
{
	struct process *self = current_process;
	bool shut_out = signal_is_shut_out(sig);
	int result = 0;

	spin_lock(&tasks_lock);
	if (self->tty == tty && tty->pgid != 0 && self->pgid != tty->pgid) {
		if (shut_out) {
			/* Who ignores SIGTTOU may write. */
			result = sig == SIGTTIN ? -EIO : 0;
		} else if (signal_group_is_orphaned(self->pgid)) {
			result = -EIO;
		} else {
			signal_send_group(self->pgid, sig);
			/* Another thread may take it: this one makes its call again then. */
			WRITE_ONCE(current->signal_pending, true);
			result = -ERESTARTSYS;
		}
	}
	spin_unlock(&tasks_lock);
	return result;
}

/* ---- requests ---- */

/* TIOCSCTTY; `steal` takes it from another session, which root may. */
static long set_controlling(struct tty *tty, bool steal, bool may_read)
{
	struct process *self = current_process;
	bool is_root = cred_capable(CAP_SYS_ADMIN);
	long result = 0;

	spin_lock(&tasks_lock);
	if (is_session_leader(self) && self->sid == tty->sid)
		goto out;
	if (!is_session_leader(self) || self->tty || (tty->sid != 0 && !(steal && is_root)) ||
	    (!may_read && !is_root)) {
		result = -EPERM;
		goto out;
	}
	if (tty->sid != 0)
		end_session(tty, tty->sid);
	begin_session(tty);
out:
	spin_unlock(&tasks_lock);
	return result;
}

/* TIOCNOTTY: gives the terminal up; the leader does so for all of its session. */
static long give_up(struct tty *tty)
{
	struct process *self = current_process;
	long result = 0;

	spin_lock(&tasks_lock);
	if (self->tty != tty) {
		result = -ENOTTY;
	} else if (is_session_leader(self)) {
		s32 pgid = tty->pgid;

		end_session(tty, self->sid);
		send_group(pgid, SIGHUP);
		send_group(pgid, SIGCONT);
	}
	self->tty = NULL;
	spin_unlock(&tasks_lock);
	return result;
}

static long get_group(struct tty *tty, void __user *to)
{
	spin_lock(&tasks_lock);
	bool is_mine = current_process->tty == tty;
	s32 pgid = tty->pgid;
	spin_unlock(&tasks_lock);
	return is_mine ? copy_to_user(to, &pgid, sizeof(pgid)) : -ENOTTY;
}

static long get_session(struct tty *tty, void __user *to)
{
	spin_lock(&tasks_lock);
	bool is_mine = current_process->tty == tty && tty->sid != 0;
	s32 sid = tty->sid;
	spin_unlock(&tasks_lock);
	return is_mine ? copy_to_user(to, &sid, sizeof(sid)) : -ENOTTY;
}

/* The session of a process group, or as on Linux of the process that may become its leader; 0 when
 * there is neither. tasks_lock held. */
static s32 session_of_group(s32 pgid)
{
	struct task *task;

	list_for_each_entry (task, &task_list, node)
		if (task->process && task->process->pgid == pgid)
			return task->process->sid;
	task = task_find(pgid);
	return task && task->process ? task->process->sid : 0;
}

static long set_group(struct tty *tty, const void __user *from)
{
	int error = tty_check_background(tty, SIGTTOU);
	s32 pgid, sid;

	if (error != 0)
		return error == -EIO ? -ENOTTY : error;
	if (copy_from_user(&pgid, from, sizeof(pgid)) != 0)
		return -EFAULT;
	if (pgid < 0)
		return -EINVAL;
	spin_lock(&tasks_lock);
	sid = session_of_group(pgid);
	if (current_process->tty != tty || tty->sid != current_process->sid)
		error = -ENOTTY;
	else if (sid == 0)
		error = -ESRCH;
	else if (sid != current_process->sid)
		error = -EPERM;
	else
		tty->pgid = pgid;
	spin_unlock(&tasks_lock);
	return error;
}

long tty_job_ioctl(struct tty *tty, bool may_read, u32 request, u64 arg)
{
	switch (request) {
	case TIOCSCTTY:
		return set_controlling(tty, arg == 1, may_read);
	case TIOCNOTTY:
		return give_up(tty);
	case TIOCGPGRP:
		return get_group(tty, (void __user *)arg);
	case TIOCSPGRP:
		return set_group(tty, (const void __user *)arg);
	case TIOCGSID:
		return get_session(tty, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

/* ---- the end of a session ---- */

void tty_session_exit(struct process *process)
{
	struct tty *tty;

	spin_lock(&tasks_lock);
	tty = process->tty;
	if (tty && is_session_leader(process)) {
		s32 pgid = tty->pgid;

		end_session(tty, process->sid);
		WRITE_ONCE(tty->hangups, tty->hangups + 1);
		send_group(pgid, SIGHUP);
		wake_up(&tty->read_wait);
		wake_up(&tty->write_wait);
	}
	process->tty = NULL;
	spin_unlock(&tasks_lock);
}
