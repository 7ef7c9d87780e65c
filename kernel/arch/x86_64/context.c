/* A task's registers while it does not run: FPU, segment bases, kernel stack. Only the CPU that
 * runs or switches a task touches its arch_task, so there is no lock. Kernel threads have no FPU
 * state of their own: the kernel never uses the FPU. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/layout.h"
#include "lib/errno.h"
#include "lib/string.h"

struct current_task *switch_stack(u64 *save_sp, u64 sp, struct current_task *previous);
void switch_to_fresh_stack(u64 stack_top, void (*fn)(void)) __noreturn;
void task_begin(void);

/* What switch_stack() pops, lowest address first. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp, rip;
};

void arch_task_init_fpu(struct arch_task *task)
{
	fpu_reset(arch_task_fpu(task));
}

static inline void save(struct arch_task *task)
{
	fpu_save(arch_task_fpu(task));
	task->fs_base = rdmsr(MSR_FS_BASE);
	task->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
}

void arch_task_save(struct arch_task *task)
{
	save(task);
}

void arch_task_load(struct arch_task *task)
{
	fpu_restore(arch_task_fpu(task));
	wrmsr(MSR_FS_BASE, task->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, task->gs_base);
}

/* The same behind the registers of `prev`, which has just been saved; NULL: of some other task. Most
 * tasks have no %gs base, and those of one program the same %fs base: to write an MSR is dear. */
static inline void load_switched(const struct arch_task *next, const struct arch_task *prev)
{
	fpu_restore(arch_task_fpu((struct arch_task *)next));
	if (!prev || prev->fs_base != next->fs_base)
		wrmsr(MSR_FS_BASE, next->fs_base);
	if (!prev || prev->gs_base != next->gs_base)
		wrmsr(MSR_KERNEL_GS_BASE, next->gs_base);
}

void arch_task_copy(struct arch_task *child, struct arch_task *parent)
{
	arch_task_save(parent);
	child->fs_base = parent->fs_base;
	child->gs_base = parent->gs_base;
	child->trap = parent->trap;
	memcpy(arch_task_fpu(child), arch_task_fpu(parent), sizeof(struct fpu_state));
}

void arch_task_registers(const struct arch_task *task, const struct trap_frame *frame,
			 u64 registers[NR_USER_REGISTERS])
{
	const u64 call = frame_is_syscall(frame) ? frame_syscall_nr(frame) : ~0ul;
	const u64 all[NR_USER_REGISTERS] = {
		frame->r15, frame->r14,    frame->r13,    frame->r12,
		frame->rbp, frame->rbx,    frame->r11,    frame->r10,
		frame->r9,  frame->r8,     frame->rax,    frame->rcx,
		frame->rdx, frame->rsi,    frame->rdi,    call,
		frame->rip, frame->cs,     frame->rflags, frame->rsp,
		frame->ss,  task->fs_base, task->gs_base, 0 /* %ds, %es, %fs, %gs */,
	};

	memcpy(registers, all, sizeof(all));
}

int arch_set_fs_base(struct arch_task *task, u64 base)
{
	if (base >= USER_END)
		return -EPERM;
	task->fs_base = base;
	wrmsr(MSR_FS_BASE, base);
	return 0;
}

void arch_task_init(struct arch_task *task, u64 stack_top, void (*entry)(void *), void *arg)
{
	/* Above it stays room for the user frame that exec or fork puts at the end of the stack. */
	struct switch_frame *frame = (struct switch_frame *)user_frame(stack_top) - 1;

	*frame = (struct switch_frame){
		.r12 = (u64)entry,
		.r13 = (u64)arg,
		.rip = (u64)task_begin,
	};
	task->sp = (u64)frame;
}

void debug_arch_task_where(const struct arch_task *task, u64 *rip, u64 *rbp)
{
	const struct switch_frame *frame = (const struct switch_frame *)task->sp;

	*rip = frame->rip;
	*rbp = frame->rbp;
}

void arch_leave_boot_stack(u64 stack_top, void (*fn)(void))
{
	current->kernel_sp_top = stack_top;
	cpu_set_entry_stack(stack_top);
	switch_to_fresh_stack(stack_top, fn);
}

struct current_task *arch_switch(struct arch_task *prev, struct arch_task *next,
				 struct current_task *next_task)
{
	struct current_task *prev_task = current;
	bool from_user = !(prev_task->flags & PF_KTHREAD);

	if (from_user)
		save(prev);
	this_cpu_write(current_task, next_task);
	cpu_set_entry(next_task->kernel_sp_top, next->process_descriptor);
	if (!(next_task->flags & PF_KTHREAD))
		load_switched(next, from_user ? prev : NULL);
	return switch_stack(&prev->sp, next->sp, prev_task);
}
