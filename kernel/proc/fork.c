/*
 * clone, and so fork and vfork: what a child shares with its creator it has a reference to, of
 * everything else it gets a copy.
 */
#include "proc/fork.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/rseq.h"
#include "proc/sched.h"
#include "proc/signal.h"

/* As on Linux, an address that cannot be written is no error. */
static void put_tid(s32 __user *to, s32 tid)
{
	int ignored = copy_to_user(to, &tid, sizeof(tid));

	(void)ignored;
}

/* First code of a child. */
static void child_entry(void *child_tid)
{
	sched_begin_task();
	if (child_tid)
		put_tid(child_tid, current->pid);
	arch_enter_user(user_frame(current->kernel_sp_top));
}

static void copy_registers(struct task *child, struct task *parent, u64 stack)
{
	struct trap_frame *frame = user_frame(child->cur.kernel_sp_top);

	*frame = *user_frame(parent->cur.kernel_sp_top);
	frame_set_result(frame, 0);
	if (stack)
		frame->rsp = stack;

	arch_task_copy(&child->arch, &parent->arch);
}

int clone_check_flags(u64 flags)
{
	if ((flags & CLONE_NEWNS) && (flags & CLONE_FS))
		return -EINVAL;
	if ((flags & CLONE_NEWUSER) && (flags & CLONE_FS))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	/* Nobody could wait for a sibling of init. */
	if ((flags & CLONE_PARENT) && current_process->tgid == INIT_PID)
		return -EINVAL;
	if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	return 0;
}

/* Each of these gives the child a reference, or a copy; false without memory. */

static bool share_process(struct task *child, struct task *self, u64 flags)
{
	if (flags & CLONE_THREAD) {
		process_get(self->process);
		child->process = self->process;
	} else {
		child->process = process_create();
	}
	return child->process;
}

static bool share_sighand(struct task *child, struct task *self, u64 flags)
{
	if (flags & CLONE_SIGHAND) {
		sighand_get(self->sighand);
		child->sighand = self->sighand;
	} else {
		child->sighand = sighand_fork(self->sighand);
		if (child->sighand && (flags & CLONE_CLEAR_SIGHAND))
			sighand_reset(child->sighand);
	}
	return child->sighand;
}

static bool share_files(struct task *child, struct task *self, u64 flags)
{
	if (flags & CLONE_FILES) {
		files_get(self->files);
		child->files = self->files;
	} else {
		child->files = files_fork(self->files);
	}
	return child->files;
}

static bool share_fs(struct task *child, struct task *self, u64 flags)
{
	if (flags & CLONE_FS) {
		fs_get(self->fs);
		child->fs = self->fs;
	} else {
		child->fs = fs_fork(self->fs);
	}
	return child->fs;
}

static bool share_mm(struct task *child, struct task *self, u64 flags)
{
	if (flags & CLONE_VM) {
		mm_get(self->cur.mm);
		child->cur.mm = self->cur.mm;
	} else {
		child->cur.mm = mm_fork(self->cur.mm);
	}
	return child->cur.mm;
}

/* Gives back what create_child() collected for a task that has not been linked. */
static void discard_child(struct task *child)
{
	if (child->cur.mm)
		mm_put(child->cur.mm);
	files_release(child->files);
	fs_release(child->fs);
	task_discard(child);
}

static struct task *create_child(struct task *self, const struct clone_args *args)
{
	void *child_tid = (args->flags & CLONE_CHILD_SETTID) ? (void *)args->child_tid : NULL;
	struct task *child = task_create(self->cur.comm, 0, child_entry, child_tid);
	u64 flags = args->flags;

	if (!child)
		return NULL;
	if (!share_process(child, self, flags) || !share_sighand(child, self, flags) ||
	    !share_files(child, self, flags) || !share_fs(child, self, flags) ||
	    !share_mm(child, self, flags)) {
		discard_child(child);
		return NULL;
	}
	if (!(flags & CLONE_THREAD))
		child->process->exit_signal =
			flags & CLONE_PARENT ? self->process->exit_signal : args->exit_signal;
	child->personality = self->personality;
	child->default_slack_ns = self->timer_slack_ns ?: self->default_slack_ns;
	child->parent_waits = flags & CLONE_VFORK;
	cred_fork(&child->cred);
	signal_fork(child, (flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM);
	if (flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = args->child_tid;
	rseq_fork(child, flags);
	copy_registers(child, self, args->stack);
	if (flags & CLONE_SETTLS)
		child->arch.fs_base = args->tls;
	return child;
}

/* Until the child has left the memory it began with. A killed creator does not wait: the child holds
 * its own reference. */
static void wait_for_vfork_child(struct task *child)
{
	(void)wait_event_killable(&child->vfork_wait, !READ_ONCE(child->parent_waits));
}

long task_clone(const struct clone_args *args)
{
	struct task *self = current_proc;

	if ((args->flags & CLONE_SETTLS) && args->tls >= USER_END)
		return -EPERM;
	if (!limit_allows_process() || !task_may_be_made())
		return -EAGAIN;
	struct task *child = create_child(self, args);
	if (!child)
		return -ENOMEM;
	task_get(child); /* it may be gone before vfork looks at it */

	struct task_birth birth = {.creator = self, .clone_flags = args->flags};
	s32 pid = task_link(child, &birth);
	if (pid < 0) {
		discard_child(child);
		return pid;
	}
	if (args->flags & CLONE_PARENT_SETTID)
		put_tid(args->parent_tid, pid);
	task_start(child);
	if (args->flags & CLONE_VFORK)
		wait_for_vfork_child(child);
	task_put(child);
	return pid;
}
