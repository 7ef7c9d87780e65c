/* Calls that make, end and name processes. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/aslr.h"
#include "proc/exit.h"
#include "proc/fork.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "syscall/syscall.h"

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003

long sys_fork(void)
{
	return task_clone(&(struct clone_args){.exit_signal = SIGCHLD});
}

long sys_vfork(void)
{
	return task_clone(
		&(struct clone_args){.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD});
}

/* There are no namespaces, control groups and descriptors of processes, and nobody is traced: the
 * flags that only concern tracers change nothing. */
static long clone_checked(const struct clone_args *args)
{
	u64 missing = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		      CLONE_NEWPID | CLONE_NEWNET | CLONE_PIDFD | CLONE_INTO_CGROUP;
	int error = clone_check_flags(args->flags);

	if (error != 0)
		return error;
	return args->flags & missing ? sys_not_implemented() : task_clone(args);
}

long sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls)
{
	struct clone_args args = {
		.flags = (u32)flags & ~CLONE_EXIT_SIGNAL,
		.stack = stack,
		.tls = tls,
		.exit_signal = flags & CLONE_EXIT_SIGNAL,
		.parent_tid = (s32 __user *)parent_tid,
		.child_tid = (s32 __user *)child_tid,
	};

	/* Where clone3 has a word of its own for the pidfd, this one has that of the pid. */
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_PARENT_SETTID | CLONE_DETACHED)))
		return -EINVAL;
	return clone_checked(&args);
}

/* struct clone_args of the ABI; sizes of its versions. */
struct user_clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	u64 set_tid, set_tid_size;
	u64 cgroup;
};

#define CLONE_ARGS_SIZE_0 64
#define CLONE_ARGS_SIZE_2 88
#define MAX_SET_TID       32

static_assert(sizeof(struct user_clone_args) == CLONE_ARGS_SIZE_2, "ABI");

/* Reads a structure that may be of an older or a newer version: what is missing is zero, what is not
 * known must be. */
static int get_clone_args(u64 from, u64 size, struct user_clone_args *args)
{
	u8 byte;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_0)
		return -EINVAL;
	for (u64 i = sizeof(*args); i < size; i++) {
		if (copy_from_user(&byte, (const u8 __user *)from + i, 1) != 0)
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	*args = (struct user_clone_args){0};
	return copy_from_user(args, (const void __user *)from, min(size, sizeof(*args)));
}

/* What Linux rules out before it looks at how flags go together. */
static bool clone3_args_valid(const struct user_clone_args *args, u64 size)
{
	u64 known = 0xffffffff | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;

	if (args->set_tid_size > MAX_SET_TID || !args->set_tid != !args->set_tid_size)
		return false;
	if ((args->exit_signal & ~CLONE_EXIT_SIGNAL) || args->exit_signal > NR_SIGNALS)
		return false;
	if ((args->flags & CLONE_INTO_CGROUP) &&
	    (args->cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_2))
		return false;
	if ((args->flags & ~known) || (args->flags & (CLONE_DETACHED | CLONE_EXIT_SIGNAL)))
		return false;
	if ((args->flags & CLONE_SIGHAND) && (args->flags & CLONE_CLEAR_SIGHAND))
		return false;
	if ((args->flags & (CLONE_THREAD | CLONE_PARENT)) && args->exit_signal)
		return false;
	if (!args->stack != !args->stack_size)
		return false;
	return user_range_ok((const void __user *)args->stack, args->stack_size);
}

long sys_clone3(u64 user_args, u64 size)
{
	struct user_clone_args from;
	int error = get_clone_args(user_args, size, &from);

	if (error != 0)
		return error;
	if (!clone3_args_valid(&from, size))
		return -EINVAL;
	if (from.set_tid)
		return sys_not_implemented();
	struct clone_args args = {
		.flags = from.flags,
		.stack = from.stack + from.stack_size,
		.tls = from.tls,
		.exit_signal = from.exit_signal,
		.parent_tid = (s32 __user *)from.parent_tid,
		.child_tid = (s32 __user *)from.child_tid,
	};
	return clone_checked(&args);
}

long sys_exit(u64 code)
{
	task_exit((code & 0xff) << 8);
}

long sys_exit_group(u64 code)
{
	task_exit_group((code & 0xff) << 8);
}

long sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

/* There is one node. */
long sys_getcpu(u64 cpu, u64 node)
{
	u32 here = cpu_id(), zero = 0;

	if (cpu && copy_to_user((u32 __user *)cpu, &here, sizeof(here)) != 0)
		return -EFAULT;
	return node ? copy_to_user((u32 __user *)node, &zero, sizeof(zero)) : 0;
}

long sys_arch_prctl(u64 code, u64 address)
{
	struct task *self = current_proc;

	switch (code) {
	case ARCH_SET_FS:
		return arch_set_fs_base(&self->arch, address);
	case ARCH_GET_FS:
		arch_task_save(&self->arch);
		return copy_to_user((u64 __user *)address, &self->arch.fs_base, sizeof(u64));
	default:
		return -EINVAL;
	}
}

#define PERSONALITY_QUERY 0xffffffffu

/* Of all that personalities change, ASLR is what this kernel has; the other bits are kept as they
 * come. */
long sys_personality(u64 persona)
{
	u32 old = current_proc->personality;

	if ((u32)persona != PERSONALITY_QUERY)
		current_proc->personality = persona;
	return old;
}

/* ---- names ---- */

long sys_getpid(void)
{
	return current_process->tgid;
}

long sys_gettid(void)
{
	return current->pid;
}

long sys_getppid(void)
{
	return READ_ONCE(current_process->parent_pid);
}
