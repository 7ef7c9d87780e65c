/* What arch keeps of a task that does not run, and the switch between two tasks. */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/frame.h"
#include "cpu/current.h"

#define KSTACK_SIZE (16 * KIB)

/* The last exception that a program raised, for the signal frames that tell it. */
struct user_trap {
	u64 vector, error_code;
	u64 address; /* CR2 of its last page fault */
};

struct arch_task {
	u64 sp;      /* kernel stack pointer while not running */
	u64 fs_base; /* user's %fs base; live value in the MSR while running */
	u64 gs_base; /* user's %gs base */
	struct user_trap trap;
	u64 process_descriptor; /* of the segment whose limit tells the vDSO the process */
	/* Live in the CPU while running. Memory for tasks is aligned to 16 bytes only, so the state
	 * lies somewhere in here: arch_task_fpu(). */
	u8 fpu_space[sizeof(struct fpu_state) + FPU_FRAME_ALIGN - 16] __aligned(16);
};

static inline struct fpu_state *arch_task_fpu(struct arch_task *task)
{
	return (struct fpu_state *)ALIGN_UP((u64)task->fpu_space, FPU_FRAME_ALIGN);
}

/* The FPU state a fresh program begins with. */
void arch_task_init_fpu(struct arch_task *task);

/* Saves the FPU, %fs and %gs base of the running task into its own arch_task. */
void arch_task_save(struct arch_task *task);

/* fork: a child that has not run yet gets all registers of the running task but those of its
 * frame. */
void arch_task_copy(struct arch_task *child, struct arch_task *parent);

/* Loads FPU, %fs and %gs base of the running task: after exec reset them. */
void arch_task_load(struct arch_task *task);

/* The general registers of a core file, as Linux's struct user_regs_struct. */
#define NR_USER_REGISTERS 27
/* Of a task that does not run, or that runs and was saved (arch_task_save()). */
void arch_task_registers(const struct arch_task *task, const struct trap_frame *frame,
			 u64 registers[NR_USER_REGISTERS]);

/* Sets %fs base of the running task (arch_prctl). Returns -EPERM for an address beyond USER_END. */
int arch_set_fs_base(struct arch_task *task, u64 base);

/* What a task's program hears from the vDSO as its process. Before it runs first. */
void arch_task_set_process(struct arch_task *task, u32 number);

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
