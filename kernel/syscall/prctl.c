/* prctl: what a process or thread says about itself. */
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/cred.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "syscall/syscall.h"

/* Linux's numbers. */
enum {
	PR_SET_PDEATHSIG = 1,
	PR_GET_PDEATHSIG = 2,
	PR_GET_DUMPABLE = 3,
	PR_SET_DUMPABLE = 4,
	PR_GET_KEEPCAPS = 7,
	PR_SET_KEEPCAPS = 8,
	PR_SET_NAME = 15,
	PR_GET_NAME = 16,
	PR_CAPBSET_READ = 23,
	PR_CAPBSET_DROP = 24,
	PR_GET_SECUREBITS = 27,
	PR_SET_SECUREBITS = 28,
	PR_SET_TIMERSLACK = 29,
	PR_GET_TIMERSLACK = 30,
	PR_SET_CHILD_SUBREAPER = 36,
	PR_GET_CHILD_SUBREAPER = 37,
	PR_SET_NO_NEW_PRIVS = 38,
	PR_GET_NO_NEW_PRIVS = 39,
	PR_CAP_AMBIENT = 47,
};

enum {
	PR_CAP_AMBIENT_IS_SET = 1,
	PR_CAP_AMBIENT_RAISE = 2,
	PR_CAP_AMBIENT_LOWER = 3,
	PR_CAP_AMBIENT_CLEAR_ALL = 4,
};

static long put_s32(u64 to, s32 value)
{
	return copy_to_user((s32 __user *)to, &value, sizeof(value));
}

/* ---- names and signals ---- */

static long set_name(u64 from)
{
	char name[TASK_COMM_LEN] = "";
	long length = strncpy_from_user(name, (const char __user *)from, sizeof(name) - 1);

	if (length == -EFAULT)
		return -EFAULT;
	name[sizeof(name) - 1] = '\0';
	task_rename(current_proc, name);
	return 0;
}

static long set_death_signal(u64 sig)
{
	if (sig > NR_SIGNALS)
		return -EINVAL;
	spin_lock(&tasks_lock);
	current_proc->parent_death_signal = sig;
	spin_unlock(&tasks_lock);
	return 0;
}

static long set_dumpable(u64 dumpable)
{
	struct cred *cred = &current_proc->cred;

	if (dumpable > 1)
		return -EINVAL;
	cred->dumpable = dumpable;
	return 0;
}

/* ---- capabilities ---- */

static long set_securebit(u32 bit, u64 on)
{
	struct cred new = current_proc->cred;

	if (on > 1)
		return -EINVAL;
	new.securebits = on ? new.securebits | bit : new.securebits & ~bit;
	cred_commit(&new);
	return 0;
}

/* Each bit has a lock bit above it; eight in all. */
#define SECURE_ALL   0xffu
#define SECURE_LOCKS 0xaau

static long set_securebits(u64 bits)
{
	struct cred new = current_proc->cred;
	u32 locked = (new.securebits &SECURE_LOCKS) >> 1;

	if (((new.securebits ^ bits) & locked) || (SECURE_LOCKS & new.securebits & ~bits) ||
	    (bits & ~(u64)SECURE_ALL) || !cred_capable(CAP_SETPCAP))
		return -EPERM;
	new.securebits = bits;
	cred_commit(&new);
	return 0;
}

static long drop_bounding(u64 capability)
{
	struct cred new = current_proc->cred;

	if (!cred_capable(CAP_SETPCAP))
		return -EPERM;
	if (capability >= NR_CAPABILITIES)
		return -EINVAL;
	new.bounding &= ~BIT(capability);
	cred_commit(&new);
	return 0;
}

static long change_ambient(u64 how, u64 capability, u64 arg4, u64 arg5)
{
	struct cred new = current_proc->cred;

	if (how == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (capability | arg4 | arg5)
			return -EINVAL;
		new.ambient = 0;
		cred_commit(&new);
		return 0;
	}
	if ((arg4 | arg5) || capability >= NR_CAPABILITIES)
		return -EINVAL;
	switch (how) {
	case PR_CAP_AMBIENT_IS_SET:
		return !!(new.ambient &BIT(capability));
	case PR_CAP_AMBIENT_RAISE:
		if (!(new.permitted &new.inheritable &BIT(capability)) ||
		    (new.securebits &SECURE_NO_AMBIENT_RAISE))
			return -EPERM;
		new.ambient |= BIT(capability);
		break;
	case PR_CAP_AMBIENT_LOWER:
		new.ambient &= ~BIT(capability);
		break;
	default:
		return -EINVAL;
	}
	cred_commit(&new);
	return 0;
}

static long credentials(u64 option, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	struct cred *cred = &current_proc->cred;

	switch (option) {
	case PR_GET_KEEPCAPS:
		return !!(cred->securebits & SECURE_KEEP_CAPS);
	case PR_SET_KEEPCAPS:
		return set_securebit(SECURE_KEEP_CAPS, arg2);
	case PR_CAPBSET_READ:
		return arg2 < NR_CAPABILITIES ? !!(cred->bounding & BIT(arg2)) : -EINVAL;
	case PR_CAPBSET_DROP:
		return drop_bounding(arg2);
	case PR_GET_SECUREBITS:
		return cred->securebits;
	case PR_SET_SECUREBITS:
		return set_securebits(arg2);
	case PR_CAP_AMBIENT:
		return change_ambient(arg2, arg3, arg4, arg5);
	case PR_SET_NO_NEW_PRIVS:
		if (arg2 != 1 || arg3 || arg4 || arg5)
			return -EINVAL;
		cred->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : cred->no_new_privs;
	default:
		return -EINVAL;
	}
}

/* What it changes, the precision of sleeps, is that of the tick here; it is only kept. */
#define TIMER_SLACK_NS 50000

static long set_timer_slack(u64 ns)
{
	current_proc->timer_slack_ns = (s64)ns <= 0 ? 0 : ns;
	return 0;
}

static u64 timer_slack(const struct task *task)
{
	return task->timer_slack_ns ?: task->default_slack_ns ?: TIMER_SLACK_NS;
}

long sys_prctl(u64 option, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	struct task *self = current_proc;

	switch ((s32)option) {
	case PR_SET_NAME:
		return set_name(arg2);
	case PR_GET_NAME:
		return copy_to_user((char __user *)arg2, self->cur.comm, TASK_COMM_LEN);
	case PR_SET_PDEATHSIG:
		return set_death_signal(arg2);
	case PR_GET_PDEATHSIG:
		return put_s32(arg2, self->parent_death_signal);
	case PR_GET_DUMPABLE:
		return self->cred.dumpable;
	case PR_SET_DUMPABLE:
		return set_dumpable(arg2);
	case PR_SET_TIMERSLACK:
		return set_timer_slack(arg2);
	case PR_GET_TIMERSLACK:
		return timer_slack(self);
	case PR_SET_CHILD_SUBREAPER:
		self->process->is_subreaper = arg2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_s32(arg2, self->process->is_subreaper);
	default:
		return credentials((s32)option, arg2, arg3, arg4, arg5);
	}
}
