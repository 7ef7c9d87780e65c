/*
 * fork, vfork and the part of clone that posix_spawn needs. Threads do not exist: an address space
 * is shared only while the parent sleeps in vfork.
 */
#include "proc/fork.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/mm.h"
#include "proc/files.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"

/* First code of a child. A child that cannot write its pid runs all the same, as on Linux. */
static void child_entry(void *child_tid)
{
	sched_begin_task();
	if (child_tid && copy_to_user((s32 __user *)child_tid, &current->pid, sizeof(s32)) != 0)
		printk("%s[%d]: no memory at %p for its pid", current->comm, current->pid,
		       child_tid);
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

static struct mm *child_mm(struct task *parent, u64 flags)
{
	if (!(flags & CLONE_VM))
		return mm_fork(parent->cur.mm);
	mm_get(parent->cur.mm);
	return parent->cur.mm;
}

/* Gives back what create_child() collected for a task that has not started. */
static void discard_child(struct task *child)
{
	if (child->cur.mm)
		mm_put(child->cur.mm);
	files_release(child->files);
	fs_release(child->fs);
	task_discard(child);
}

static struct task *create_child(struct task *parent, const struct clone_args *args)
{
	void *child_tid = (args->flags & CLONE_CHILD_SETTID) ? (void *)args->child_tid : NULL;
	struct task *child = task_create(parent->cur.comm, 0, child_entry, child_tid);

	if (!child)
		return NULL;
	child->process = process_create();
	child->sighand = sighand_fork(parent->sighand);
	child->files = files_fork(parent->files);
	child->fs = fs_fork(parent->fs);
	if (child->process && child->sighand && child->files && child->fs)
		child->cur.mm = child_mm(parent, args->flags);
	if (!child->cur.mm) {
		discard_child(child);
		return NULL;
	}
	child->personality = parent->personality;
	child->parent_waits = args->flags & CLONE_VFORK;
	cred_fork(&child->cred);
	signal_fork(child, (args->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM);
	copy_registers(child, parent, args->stack);
	return child;
}

/* Sleeps until the child has left the memory it began with. A killed parent does not wait: the
 * child holds its own reference. */
static void wait_for_vfork_child(struct task *child)
{
	wait_event_state(&child->vfork_wait,
			 !READ_ONCE(child->parent_waits) || READ_ONCE(current->killed),
			 TASK_KILLABLE);
}

long task_clone(const struct clone_args *args)
{
	struct task *self = current_proc;
	struct task *child = create_child(self, args);

	if (!child)
		return -ENOMEM;
	task_get(child); /* it may be gone before vfork looks at it */

	s32 pid = task_start(child, &(struct task_birth){.creator = self,
							 .parent = self->process,
							 .clone_flags = args->flags});
	if (pid < 0) {
		discard_child(child);
		return pid;
	}
	if (args->flags & CLONE_VFORK)
		wait_for_vfork_child(child);
	task_put(child);
	return pid;
}
