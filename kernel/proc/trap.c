/*
 * What arch calls in proc (arch/x86_64/upcall.h): faults and exceptions of user programs, the tick,
 * the way back to user mode, the birth of a CPU. System calls are syscall/dispatch.c, the
 * breakpoint is the monitor's.
 */
#include "arch/x86_64/upcall.h"
#include "arch/x86_64/layout.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "cpu/spinlock.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/special.h"
#include "proc/rseq.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/timer.h"
#include "trace/ring.h"
#include "trace/trace.h"

/* Vectors (SDM vol. 3, 6.15). */
enum {
	EXC_DIVIDE = 0,
	EXC_DEBUG = 1,
	EXC_BREAKPOINT = 3,
	EXC_OVERFLOW = 4,
	EXC_BOUND = 5,
	EXC_INVALID_OPCODE = 6,
	EXC_NO_SEGMENT = 11,
	EXC_STACK_SEGMENT = 12,
	EXC_PROTECTION = 13,
	EXC_X87 = 16,
	EXC_ALIGNMENT = 17,
	EXC_SSE = 19,
};

/* A signal that nobody catches is told on the console, as Linux does. */
static void report(const struct trap_frame *frame, s32 sig, u64 address)
{
	if (!signal_is_handled(sig))
		printk("%s[%d]: signal %d at ip %lx sp %lx address %lx error %lx", current->comm,
		       current->pid, sig, frame->rip, frame->rsp, address, frame->error_code);
}

static void note_trap(const struct trap_frame *frame)
{
	struct user_trap *trap = &current_proc->arch.trap;

	trap->vector = frame->vector;
	trap->error_code = frame->vector == EXC_DEBUG ? 0 : frame->error_code;
}

/* ---- page faults ---- */

#define PF_PROTECTED BIT(0)
#define PF_USER      BIT(2)

/* For a signal frame, which does not tell what the kernel has mapped. */
static void note_page_fault(const struct trap_frame *frame, u64 address)
{
	struct user_trap *trap = &current_proc->arch.trap;

	note_trap(frame);
	trap->error_code |= PF_USER;
	if (address >= USER_END)
		trap->error_code |= PF_PROTECTED;
	trap->address = address;
}

static void send_fault_signal(const struct trap_frame *frame, u64 address, enum fault_result result)
{
	note_page_fault(frame, address);
	switch (result) {
	case FAULT_SIGBUS:
		report(frame, SIGBUS, address);
		signal_force_fault(SIGBUS, BUS_ADRERR, address);
		break;
	case FAULT_OOM:
		signal_force_fatal(SIGKILL);
		break;
	default:
		report(frame, SIGSEGV, address);
		signal_force_fault(SIGSEGV,
				   mm_is_mapped(current->mm, address) ? SEGV_ACCERR : SEGV_MAPERR,
				   address);
		break;
	}
}

int upcall_page_fault(struct trap_frame *frame, u64 address, u64 error_code)
{
	bool user = frame_from_user(frame);

	if (!current->mm)
		return -EFAULT; /* a kernel thread was given a user pointer */
	if (!user && spinlocks_held() != 0)
		return -EFAULT; /* copy_from_user_nofault() and the like */

	enum fault_result result = handle_fault(address, error_code, user ? frame->rip : 0);
	if (result == FAULT_MINOR || result == FAULT_MAJOR)
		return 0;
	if (user)
		send_fault_signal(frame, address, result);
	return -EFAULT;
}

/* ---- other exceptions ---- */

/* What it tells of the first of the FPU's exceptions that is not masked; 0: of none, for it was gone
 * when it was looked for. */
static s32 fpu_code(u32 exceptions)
{
	if (exceptions & FPU_INVALID)
		return FPE_FLTINV;
	if (exceptions & FPU_DIVIDE)
		return FPE_FLTDIV;
	if (exceptions & FPU_OVERFLOW)
		return FPE_FLTOVF;
	if (exceptions & (FPU_DENORMAL | FPU_UNDERFLOW))
		return FPE_FLTUND;
	if (exceptions & FPU_PRECISION)
		return FPE_FLTRES;
	return 0;
}

/* As Linux tells each: the code, and the instruction's address or 0. False: none of these can come
 * from user mode. A signal of 0: nothing is to be told. */
static bool describe(const struct trap_frame *frame, struct siginfo *info)
{
	struct fpu_state *fpu = arch_task_fpu(&current_proc->arch);
	s32 code;

	switch (frame->vector) {
	case EXC_DIVIDE:
		*info = (struct siginfo){
			.signo = SIGFPE, .code = FPE_INTDIV, .fault.address = frame->rip};
		return true;
	case EXC_DEBUG:
		*info = (struct siginfo){.signo = SIGTRAP,
					 .code = frame->error_code ? TRAP_TRACE : TRAP_BRKPT,
					 .fault.address = frame->rip};
		return true;
	case EXC_BREAKPOINT:
		*info = (struct siginfo){.signo = SIGTRAP, .code = SI_KERNEL};
		return true;
	case EXC_INVALID_OPCODE:
		*info = (struct siginfo){
			.signo = SIGILL, .code = ILL_ILLOPN, .fault.address = frame->rip};
		return true;
	case EXC_NO_SEGMENT:
	case EXC_STACK_SEGMENT:
		*info = (struct siginfo){.signo = SIGBUS, .code = SI_KERNEL};
		return true;
	case EXC_OVERFLOW:
	case EXC_BOUND:
	case EXC_PROTECTION:
		*info = (struct siginfo){.signo = SIGSEGV, .code = SI_KERNEL};
		return true;
	case EXC_ALIGNMENT:
		*info = (struct siginfo){.signo = SIGBUS, .code = BUS_ADRALN};
		return true;
	case EXC_X87:
	case EXC_SSE:
		code = fpu_code(frame->vector == EXC_X87 ? fpu_x87_exceptions(fpu)
							 : fpu_sse_exceptions(fpu));
		*info = (struct siginfo){
			.signo = code ? SIGFPE : 0, .code = code, .fault.address = frame->rip};
		return true;
	default:
		return false;
	}
}

void upcall_user_exception(struct trap_frame *frame)
{
	struct siginfo info;

	if (!describe(frame, &info))
		panic("exception %lu in user mode at %lx", frame->vector, frame->rip);
	if (info.signo == 0)
		return;
	note_trap(frame);
	if (frame->vector != EXC_DEBUG && frame->vector != EXC_BREAKPOINT)
		report(frame, info.signo, info.fault.address);
	signal_force_info(&info);
}

void upcall_tick(bool from_user)
{
	if (cpu_id() == 0) {
		timer_tick();
		log_tick();
	}
	special_tick();
	sched_tick(from_user);
	if (current_process && READ_ONCE(current_process->timers.watch_cpu))
		WRITE_ONCE(current->timer_work, true);
	trace_flush_idle();
}

void upcall_return_to_user(struct trap_frame *frame)
{
	quiesce_point();
	if (sched_need_resched())
		schedule();
	if (unlikely(READ_ONCE(current->timer_work))) {
		WRITE_ONCE(current->timer_work, false);
		timers_check_cpu();
	}
	signal_deliver(frame);
	if (unlikely(READ_ONCE(current->rseq_work)))
		rseq_return_to_user(frame);
}

void upcall_secondary_cpu(void)
{
	task_init();
	TRACE(cpu_online, .cpu = cpu_id());
	sched_idle();
}
