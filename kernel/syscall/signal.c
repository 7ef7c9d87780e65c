/* Calls on signals. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "fs/fdtable.h"
#include "fs/signalfd.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/signal.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

#define SIGSET_SIZE 8

static struct trap_frame *own_frame(void)
{
	return user_frame(current->kernel_sp_top);
}

static int get_set(u64 from, u64 size, u64 *set)
{
	if (size != SIGSET_SIZE)
		return -EINVAL;
	return copy_from_user(set, (const void __user *)from, sizeof(*set));
}

/* ---- actions and masks ---- */

long sys_rt_sigaction(u64 user_sig, u64 new, u64 old, u64 set_size)
{
	struct sigaction action, former;
	s32 sig = user_sig; /* whatever else the register holds */

	if (set_size != SIGSET_SIZE)
		return -EINVAL;
	if (new &&copy_from_user(&action, (const void __user *)new, sizeof(action)) != 0)
		return -EFAULT;
	if (sig < 1 || sig > NR_SIGNALS || (new && (sig == SIGKILL || sig == SIGSTOP)))
		return -EINVAL;
	signal_set_action(sig, new ? &action : NULL, &former);
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

/* A smaller set than the kernel's is filled as far as it goes. */
long sys_rt_sigpending(u64 to, u64 set_size)
{
	u64 set = signal_get_pending();

	if (set_size > SIGSET_SIZE)
		return -EINVAL;
	return copy_to_user((void __user *)to, &set, set_size);
}

long sys_sigaltstack(u64 new, u64 old)
{
	struct sigaltstack *own = &current_proc->signals.altstack;
	u64 sp = own_frame()->rsp;
	struct sigaltstack wanted, former = *own;

	if (new &&copy_from_user(&wanted, (const void __user *)new, sizeof(wanted)) != 0)
		return -EFAULT;
	former.flags = altstack_state(own, sp) | (own->flags & SS_AUTODISARM);
	former.pad = 0;
	int error = new ? signal_set_altstack(&wanted, sp) : 0;
	if (error != 0)
		return error;
	return old ? copy_to_user((void __user *)old, &former, sizeof(former)) : 0;
}

long sys_rt_sigreturn(void)
{
	return signal_return(own_frame());
}

/* ---- waiting ---- */

long sys_rt_sigsuspend(u64 from, u64 set_size)
{
	u64 set;
	int error = get_set(from, set_size, &set);

	return error != 0 ? error : signal_suspend(set);
}

long sys_pause(void)
{
	return signal_pause();
}

static int put_siginfo(u64 to, const struct siginfo *info)
{
	u8 bytes[SIGINFO_SIZE] = {0};

	memcpy(bytes, info, sizeof(*info));
	return copy_to_user((void __user *)to, bytes, sizeof(bytes));
}

long sys_rt_sigtimedwait(u64 from, u64 info_to, u64 timeout, u64 set_size)
{
	struct siginfo info;
	u64 set, deadline_ns = ~0ul;
	int error = get_set(from, set_size, &set);

	if (error == 0 && timeout)
		error = get_deadline(timeout, &deadline_ns);
	if (error != 0)
		return error;
	long sig = signal_wait_for(set, deadline_ns, &info);
	if (sig > 0 && info_to && put_siginfo(info_to, &info) != 0)
		return -EFAULT;
	return sig;
}

/* How the call that a signal interrupted goes on; a handler that ran meanwhile ended it. */
long sys_restart_syscall(void)
{
	struct restart_block *restart = &current_proc->restart;

	return restart->again ? restart->again(restart) : -EINTR;
}

/* ---- sending ---- */

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

/* Whether `bytes` behind the part of a siginfo_t that is kept must be zero: Linux knows what lies
 * there for its own codes only. */
static bool has_known_layout(s32 code)
{
	if (code > SI_USER)
		return code == SI_KERNEL;
	return code >= SI_DETHREAD || code == SI_ASYNCNL;
}

static int get_siginfo(u64 from, s32 sig, struct siginfo *info)
{
	u8 rest[SIGINFO_SIZE - sizeof(*info)];

	if (copy_from_user(info, (const void __user *)from, sizeof(*info)) != 0)
		return -EFAULT;
	info->signo = sig;
	if (has_known_layout(info->code))
		return 0;
	if (copy_from_user(rest, (const void __user *)(from + sizeof(*info)), sizeof(rest)) != 0)
		return -EFAULT;
	for (u32 i = 0; i < sizeof(rest); i++)
		if (rest[i] != 0)
			return -E2BIG;
	return 0;
}

/* A program may not pretend that a signal comes from the kernel, from kill() or from tgkill(). */
static bool is_pretence(const struct siginfo *info, s32 to)
{
	return (info->code >= 0 || info->code == SI_TKILL) && to != current->pid;
}

long sys_rt_sigqueueinfo(u64 pid, u64 sig, u64 from)
{
	struct siginfo info;
	int error = get_siginfo(from, sig, &info);

	if (error != 0)
		return error;
	return is_pretence(&info, pid) ? -EPERM : signal_queue(pid, 0, &info);
}

long sys_rt_tgsigqueueinfo(u64 tgid, u64 tid, u64 sig, u64 from)
{
	struct siginfo info;
	int error = get_siginfo(from, sig, &info);

	if (error != 0)
		return error;
	if ((s32)tgid <= 0 || (s32)tid <= 0)
		return -EINVAL;
	return is_pretence(&info, tid) ? -EPERM : signal_queue(tgid, tid, &info);
}

/* ---- signalfd ---- */

static long create_signalfd(u64 mask, u32 flags)
{
	struct file *file;
	int error = signalfd_create(mask, flags, &file);

	if (error != 0)
		return error;
	return fd_install_new(file, flags & O_CLOEXEC);
}

long sys_signalfd4(u64 fd, u64 from, u64 set_size, u64 flags)
{
	u64 mask;
	int error = get_set(from, set_size, &mask);

	if (error != 0)
		return error;
	if ((u32)flags & ~SFD_FLAGS)
		return -EINVAL;
	if ((s32)fd == -1)
		return create_signalfd(mask, flags);
	struct file *file = fd_get(fd);
	if (!file)
		return -EBADF;
	error = signalfd_set_mask(file, mask);
	file_put(file);
	return error != 0 ? error : (s32)fd;
}

long sys_signalfd(u64 fd, u64 from, u64 set_size)
{
	return sys_signalfd4(fd, from, set_size, 0);
}
