/*
 * The frame of a signal handler (signal_frame.h). From the lowest address, where %rsp points when
 * the handler begins; a handler that returns goes to the restorer, which calls rt_sigreturn:
 *
 *   return address   8 bytes: the restorer
 *   ucontext       304: flags, stack, registers, mask
 *   siginfo        128: written for SA_SIGINFO only
 *   padding            so that %rsp is 8 below a multiple of 16, as after a call
 *   FPU state          aligned to 64 (fpu.h)
 *   red zone       128 bytes below the interrupted stack pointer, which a leaf function may use
 *
 * Order of the structures: Linux, arch/x86/include/uapi/asm/{ucontext,sigcontext}.h.
 */
#include "arch/x86_64/signal_frame.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "lib/string.h"

#define RED_ZONE 128

/* struct sigcontext. */
struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	u16 cs, gs, fs, ss;
	u64 error_code, vector, old_mask, cr2;
	u64 fpu_state; /* address, or 0 */
	u64 reserved[8];
};

struct ucontext {
	u64 flags; /* UC_* */
	u64 link;
	struct sigaltstack altstack;
	struct sigcontext registers;
	u64 mask;
};

struct signal_frame {
	u64 restorer;
	struct ucontext context;
	u8 info[SIGINFO_SIZE];
};

static_assert(sizeof(struct sigcontext) == 256, "ABI");
static_assert(sizeof(struct ucontext) == 304, "ABI");
static_assert(sizeof(struct signal_frame) == 440, "ABI");

#define UC_FP_XSTATE         1ul /* the FPU state says in its software bytes how long it is */
#define UC_SIGCONTEXT_SS     2ul /* registers.ss holds something */
#define UC_STRICT_RESTORE_SS 4ul /* and is to be loaded as it is */

/* What a program may change of its flags; beside them IF and the fixed bit are always set. */
#define RFLAGS_OF     0x800
#define RFLAGS_USER   (RFLAGS_STATUS | RFLAGS_OF | RFLAGS_TF | RFLAGS_DF | RFLAGS_RF | RFLAGS_AC)
#define RFLAGS_STATUS 0xd5 /* SF, ZF, AF, PF, CF */

bool altstack_holds(const struct sigaltstack *altstack, u64 sp)
{
	return sp > altstack->sp && sp - altstack->sp <= altstack->size;
}

s32 altstack_state(const struct sigaltstack *altstack, u64 sp)
{
	if (altstack->size == 0)
		return SS_DISABLE;
	if (altstack->flags & SS_AUTODISARM)
		return 0;
	return altstack_holds(altstack, sp) ? SS_ONSTACK : 0;
}

u64 signal_frame_max_size(void)
{
	u64 padding = FPU_FRAME_ALIGN - 1 + 16 - 1 + 8;

	return ALIGN_UP(sizeof(struct signal_frame) + fpu_frame_size() + padding, 16ul);
}

struct frame_place {
	u64 frame, fpu;
};

/* Where the frame goes. -EFAULT when it would leave the alternate stack: better no handler than one
 * that writes over what lies below. */
static int find_place(const struct trap_frame *regs, const struct signal_delivery *delivery,
		      struct frame_place *place)
{
	const struct sigaltstack *altstack = delivery->altstack;
	u64 sp = regs->rsp - RED_ZONE;
	bool limited = altstack_state(altstack, sp) == SS_ONSTACK;

	if (delivery->on_altstack && altstack_state(altstack, sp) == 0) {
		sp = altstack->sp + altstack->size;
		limited = true;
	}
	place->fpu = ALIGN_DOWN(sp - fpu_frame_size(), FPU_FRAME_ALIGN);
	place->frame = ALIGN_DOWN(place->fpu - sizeof(struct signal_frame), 16ul) - 8;
	return limited && !altstack_holds(altstack, place->frame) ? -EFAULT : 0;
}

static void fill_registers(struct sigcontext *to, const struct trap_frame *regs,
			   const struct user_trap *trap)
{
	*to = (struct sigcontext){
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r11 = regs->r11,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.rdi = regs->rdi,
		.rsi = regs->rsi,
		.rbp = regs->rbp,
		.rbx = regs->rbx,
		.rdx = regs->rdx,
		.rax = regs->rax,
		.rcx = regs->rcx,
		.rsp = regs->rsp,
		.rip = regs->rip,
		.rflags = regs->rflags,
		.cs = regs->cs,
		.ss = regs->ss,
		.error_code = trap->error_code,
		.vector = trap->vector,
		.cr2 = trap->address,
	};
}

static u64 context_flags(const struct trap_frame *regs)
{
	u64 flags = UC_SIGCONTEXT_SS;

	if (fpu_has_xsave())
		flags |= UC_FP_XSTATE;
	if (regs->cs == USER_CS)
		flags |= UC_STRICT_RESTORE_SS;
	return flags;
}

static int write_frame(const struct trap_frame *regs, const struct user_trap *trap,
		       const struct signal_delivery *delivery, const struct frame_place *place)
{
	struct signal_frame frame = {
		.restorer = delivery->restorer,
		.context.flags = context_flags(regs),
		.context.altstack = *delivery->altstack,
		.context.mask = delivery->mask,
	};
	size_t size = offsetof(struct signal_frame, info);

	fill_registers(&frame.context.registers, regs, trap);
	frame.context.registers.old_mask = delivery->mask;
	frame.context.registers.fpu_state = place->fpu;
	if (delivery->info) {
		memcpy(frame.info, delivery->info, SIGINFO_SIZE);
		size = sizeof(frame);
	}
	return copy_to_user((void __user *)place->frame, &frame, size);
}

static void enter_handler(struct trap_frame *regs, const struct signal_delivery *delivery,
			  u64 frame)
{
	regs->rdi = delivery->sig;
	regs->rax = 0; /* no vector registers in use: for handlers with "..." */
	regs->rsi = frame + offsetof(struct signal_frame, info);
	regs->rdx = frame + offsetof(struct signal_frame, context);
	regs->rip = delivery->handler;
	regs->rsp = frame;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
}

int signal_frame_push(struct arch_task *task, struct trap_frame *frame,
		      const struct signal_delivery *delivery)
{
	struct frame_place place;

	if (!delivery->restorer || find_place(frame, delivery, &place) != 0 ||
	    fpu_to_frame(arch_task_fpu(task), (void __user *)place.fpu) != 0 ||
	    write_frame(frame, &task->trap, delivery, &place) != 0)
		return -EFAULT;
	enter_handler(frame, delivery, place.frame);
	fpu_reset(arch_task_fpu(task));
	fpu_restore(arch_task_fpu(task));
	return 0;
}

/* Whether IRET takes a program there. */
static bool selectors_ok(u64 cs, u64 ss)
{
	return (cs == USER_CS || cs == USER_CS32) && ss == USER_DS;
}

static int take_registers(struct trap_frame *regs, const struct ucontext *context)
{
	const struct sigcontext *from = &context->registers;
	bool has_ss = context->flags & UC_STRICT_RESTORE_SS;
	u64 cs = from->cs | 3, ss = has_ss ? from->ss | 3 : USER_DS;

	if (!selectors_ok(cs, ss))
		return -EINVAL;
	*regs = (struct trap_frame){
		.r8 = from->r8,
		.r9 = from->r9,
		.r10 = from->r10,
		.r11 = from->r11,
		.r12 = from->r12,
		.r13 = from->r13,
		.r14 = from->r14,
		.r15 = from->r15,
		.rdi = from->rdi,
		.rsi = from->rsi,
		.rbp = from->rbp,
		.rbx = from->rbx,
		.rdx = from->rdx,
		.rax = from->rax,
		.rcx = from->rcx,
		.rsp = from->rsp,
		.rip = from->rip,
		.rflags = (regs->rflags & ~(u64)RFLAGS_USER) | (from->rflags & RFLAGS_USER),
		.cs = cs,
		.ss = ss,
		.vector = NO_SYSCALL_VECTOR,
	};
	return 0;
}

int signal_frame_pop(struct arch_task *task, struct trap_frame *frame,
		     struct signal_context *context, bool *has_mask)
{
	struct ucontext from;
	/* The return address has been popped. */
	u64 at = frame->rsp - sizeof(u64) + offsetof(struct signal_frame, context);

	*has_mask = false;
	if (copy_from_user(&from, (const void __user *)at, sizeof(from)) != 0)
		return -EFAULT;
	context->mask = from.mask;
	context->altstack = from.altstack;
	*has_mask = true;
	int error = take_registers(frame, &from);
	if (error != 0)
		return error;
	return fpu_from_frame(arch_task_fpu(task), (const void __user *)from.registers.fpu_state);
}
