/* What arch keeps of a task that does not run, and the switch between two tasks. */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include "arch/x86_64/frame.h"
#include "cpu/current.h"

#define KSTACK_SIZE (16 * KIB)

struct arch_task {
	u64 sp;      /* kernel stack pointer while not running */
	u64 fs_base; /* user's %fs base; live value in the MSR while running */
	u64 gs_base; /* user's %gs base */
	u8 fpu[512] __aligned(
		16); /* FXSAVE image (SDM vol. 1, 10.5); live in the CPU while running */
};

/* The FPU state a fresh program begins with. */
void arch_task_init_fpu(struct arch_task *task);

/* Saves the FPU and %fs base of the running task into its own arch_task: before fork copies it. */
void arch_task_save(struct arch_task *task);

/* Loads FPU, %fs and %gs base of the running task: after exec reset them. */
void arch_task_load(const struct arch_task *task);

/* Sets %fs base of the running task (arch_prctl). Returns -EPERM for an address beyond USER_END. */
int arch_set_fs_base(struct arch_task *task, u64 base);

/* Prepares a new task so that the first switch to it calls entry(arg) on the stack that ends at
 * stack_top. */
void arch_task_init(struct arch_task *task, u64 stack_top, void (*entry)(void *), void *arg);

/* Switches stacks, FPU, segment bases and the trap entry's stack; sets `current`. Returns in `prev`
 * when it runs again, with the task that ran just before it on this CPU. Interrupts off.
 * `next_task` begins with struct current_task. */
struct current_task *arch_switch(struct arch_task *prev, struct arch_task *next,
				 struct current_task *next_task);

/* Where a task goes on that does not run: for a backtrace. */
void debug_arch_task_where(const struct arch_task *task, u64 *rip, u64 *rbp);

/* Enters user mode with this frame, which lies at the top of the current kernel stack. */
void arch_enter_user(struct trap_frame *frame) __noreturn;

/* The user frame of the task whose kernel stack ends at stack_top. */
static inline struct trap_frame *user_frame(u64 stack_top)
{
	return (struct trap_frame *)stack_top - 1;
}

#endif
