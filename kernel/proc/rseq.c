/* Restartable sequences (rseq.h). An area, or a section, that cannot be used ends the program by
 * SIGSEGV, as on Linux. */
#include "proc/rseq.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "proc/fork.h"
#include "proc/signal.h"
#include "proc/task.h"

/* cpu_id of an area that is not registered. */
#define CPU_ID_UNINITIALIZED (~0u)

/* ---- registration ---- */

long rseq_register(struct rseq __user *area, u32 size, u32 signature)
{
	struct task *self = current_proc;

	if (self->rseq) {
		if (self->rseq != area || size != sizeof(*area))
			return -EINVAL;
		return self->rseq_signature == signature ? -EBUSY : -EPERM;
	}
	if ((u64)area % sizeof(*area) != 0 || size != sizeof(*area))
		return -EINVAL;
	if (!user_range_ok(area, size))
		return -EFAULT;
	self->rseq = area;
	self->rseq_signature = signature;
	self->cur.rseq_work = true;
	return 0;
}

/* The first two words of the area. 0 or -EFAULT. */
static int put_cpu(struct rseq __user *area, u32 start, u32 cpu)
{
	u32 ids[] = {start, cpu};

	return copy_to_user(&area->cpu_id_start, ids, sizeof(ids));
}

long rseq_unregister(struct rseq __user *area, u32 size, u32 signature)
{
	struct task *self = current_proc;

	if (self->rseq != area || !area || size != sizeof(*area))
		return -EINVAL;
	if (self->rseq_signature != signature)
		return -EPERM;
	if (put_cpu(area, 0, CPU_ID_UNINITIALIZED) != 0)
		return -EFAULT;
	self->rseq = NULL;
	return 0;
}

void rseq_fork(struct task *child, u64 clone_flags)
{
	const struct task *self = current_proc;

	if (clone_flags & CLONE_VM)
		return;
	child->rseq = self->rseq;
	child->rseq_signature = self->rseq_signature;
	child->cur.rseq_work = child->rseq;
}

void rseq_exec(void)
{
	current_proc->rseq = NULL;
}

/* ---- critical sections ---- */

/* 0 or -EINVAL. */
static int check_section(const struct rseq_cs *section)
{
	u64 end;

	if (section->version != 0 || section->start_ip >= USER_END || section->abort_ip >= USER_END)
		return -EINVAL;
	if (__builtin_add_overflow(section->start_ip, section->post_commit_offset, &end) ||
	    end >= USER_END)
		return -EINVAL;
	/* What aborts must lie outside. */
	return section->abort_ip - section->start_ip < section->post_commit_offset ? -EINVAL : 0;
}

/* The section that the area names; an empty one for none. 0, -EFAULT, -EINVAL. */
static int get_section(const struct task *self, struct rseq_cs *section)
{
	u32 signature;
	u64 at;

	*section = (struct rseq_cs){0};
	if (copy_from_user(&at, &self->rseq->rseq_cs, sizeof(at)) != 0)
		return -EFAULT;
	if (!at)
		return 0;
	if (copy_from_user(section, (const void __user *)at, sizeof(*section)) != 0)
		return -EFAULT;
	int error = check_section(section);
	if (error != 0)
		return error;
	if (copy_from_user(&signature, (const void __user *)(section->abort_ip - sizeof(signature)),
			   sizeof(signature)) != 0)
		return -EFAULT;
	return signature == self->rseq_signature ? 0 : -EINVAL;
}

/* Leaves the section that the program is in, if any. 0, -EFAULT, -EINVAL. */
static int abort_section(struct task *self, struct trap_frame *frame)
{
	static const u64 none = 0;
	struct rseq_cs section;
	u32 flags = 0;
	int error = get_section(self, &section);

	if (error != 0)
		return error;
	bool is_inside = frame->rip - section.start_ip < section.post_commit_offset;
	if (is_inside && copy_from_user(&flags, &self->rseq->flags, sizeof(flags)) != 0)
		return -EFAULT;
	/* The flags that kept a section from being restarted are no more. */
	if (is_inside && (section.flags | flags) != 0)
		return -EINVAL;
	if (copy_to_user(&self->rseq->rseq_cs, &none, sizeof(none)) != 0)
		return -EFAULT;
	if (is_inside)
		frame->rip = section.abort_ip;
	return 0;
}

/* 0, or the area is of no use. A task that loses the CPU after it was asked for its number comes here
 * again: cur.rseq_work was cleared before. */
static int update(struct task *self, struct trap_frame *frame)
{
	if (abort_section(self, frame) != 0)
		return -EFAULT;
	u32 cpu = READ_ONCE(self->cpu);
	return put_cpu(self->rseq, cpu, cpu);
}

void rseq_return_to_user(struct trap_frame *frame)
{
	struct task *self = current_proc;

	WRITE_ONCE(self->cur.rseq_work, false);
	__asm__ volatile("" ::: "memory"); /* against the scheduler on this CPU */
	if (self->rseq && update(self, frame) != 0)
		signal_force(SIGSEGV);
}

void rseq_signal(struct trap_frame *frame, s32 sig)
{
	struct task *self = current_proc;

	if (!self->rseq || update(self, frame) == 0)
		return;
	if (sig == SIGSEGV)
		signal_force_fatal(SIGSEGV);
	else
		signal_force(SIGSEGV);
}
