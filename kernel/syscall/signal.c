/* Calls on signals. A handler cannot be installed yet: only SIG_DFL and SIG_IGN. */
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "proc/signal.h"
#include "syscall/syscall.h"

#define SIG_DFL     0
#define SIG_IGN     1
#define SIGSET_SIZE 8

/* struct sigaction of the kernel's ABI. */
struct sigaction {
	u64 handler, flags, restorer, mask;
};

long sys_rt_sigaction(u64 sig, u64 new, u64 old, u64 set_size)
{
	struct sigaction action;

	if (set_size != SIGSET_SIZE || sig < 1 || sig > NR_SIGNALS)
		return -EINVAL;
	if (new && (sig == SIGKILL || sig == SIGSTOP))
		return -EINVAL;
	if (new &&copy_from_user(&action, (const void __user *)new, sizeof(action)) != 0)
		return -EFAULT;
	if (new &&action.handler > SIG_IGN)
		return sys_not_implemented();

	bool was_ignored =
		new ? signal_set_ignored(sig, action.handler == SIG_IGN) : signal_is_ignored(sig);
	struct sigaction former = {.handler = was_ignored ? SIG_IGN : SIG_DFL};
	return old ? copy_to_user((void __user *)old, &former, sizeof(former)) : 0;
}

long sys_rt_sigprocmask(u64 how, u64 new, u64 old, u64 set_size)
{
	u64 set, former = signal_get_mask();

	if (set_size != SIGSET_SIZE)
		return -EINVAL;
	if (new) {
		if (copy_from_user(&set, (const void __user *)new, sizeof(set)) != 0)
			return -EFAULT;
		int error = signal_set_mask(how, set, &former);
		if (error != 0)
			return error;
	}
	return old ? copy_to_user((void __user *)old, &former, sizeof(former)) : 0;
}

long sys_kill(u64 pid, u64 sig)
{
	return signal_kill(pid, sig);
}

long sys_tkill(u64 tid, u64 sig)
{
	return (s32)tid > 0 ? signal_kill_thread(0, tid, sig) : -EINVAL;
}

long sys_tgkill(u64 tgid, u64 tid, u64 sig)
{
	if ((s32)tgid <= 0 || (s32)tid <= 0)
		return -EINVAL;
	return signal_kill_thread(tgid, tid, sig);
}
