/*
 * What arch calls in proc (arch/x86_64/upcall.h): faults and exceptions of user programs, the tick,
 * the way back to user mode, the birth of a CPU. System calls are syscall/dispatch.c, the
 * breakpoint is the monitor's.
 */
#include "arch/x86_64/upcall.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/timer.h"
#include "trace/ring.h"
#include "trace/trace.h"

static void report(const struct trap_frame *frame, const char *what, u64 address)
{
	printk("%s[%d]: %s at ip %lx sp %lx address %lx", current->comm, current->pid, what,
	       frame->rip, frame->rsp, address);
}

static void send_fault_signal(const struct trap_frame *frame, u64 address, enum fault_result result)
{
	switch (result) {
	case FAULT_SIGBUS:
		report(frame, "SIGBUS", address);
		signal_force(SIGBUS);
		break;
	case FAULT_OOM:
		signal_force(SIGKILL);
		break;
	default:
		report(frame, "SIGSEGV", address);
		signal_force(SIGSEGV);
		break;
	}
}

int upcall_page_fault(struct trap_frame *frame, u64 address, u64 error_code)
{
	bool user = frame_from_user(frame);

	if (!current->mm)
		return -EFAULT; /* a kernel thread was given a user pointer */

	enum fault_result result = handle_fault(address, error_code, user ? frame->rip : 0);
	if (result == FAULT_MINOR || result == FAULT_MAJOR)
		return 0;
	if (user)
		send_fault_signal(frame, address, result);
	return -EFAULT;
}

/* Signals of the exceptions, by vector (SDM vol. 3, 6.15); 0: none of these can come from user
 * mode. */
static const u8 exception_signals[] = {
	[0] = SIGFPE,   /* divide error */
	[1] = SIGTRAP,  /* debug */
	[3] = SIGTRAP,  /* breakpoint */
	[4] = SIGSEGV,  /* overflow */
	[5] = SIGSEGV,  /* bound range */
	[6] = SIGILL,   /* invalid opcode */
	[7] = SIGFPE,   /* no x87 */
	[11] = SIGBUS,  /* segment not present */
	[12] = SIGBUS,  /* stack segment */
	[13] = SIGSEGV, /* general protection */
	[16] = SIGFPE,  /* x87 error */
	[17] = SIGBUS,  /* alignment */
	[19] = SIGFPE,  /* SIMD error */
};

void upcall_user_exception(struct trap_frame *frame)
{
	s32 sig = 0;

	if (frame->vector < ARRAY_SIZE(exception_signals))
		sig = exception_signals[frame->vector];
	if (sig == 0)
		panic("exception %lu in user mode at %lx", frame->vector, frame->rip);
	printk("%s[%d]: exception %lu (signal %d) at ip %lx sp %lx error %lx", current->comm,
	       current->pid, frame->vector, sig, frame->rip, frame->rsp, frame->error_code);
	signal_force(sig);
}

void upcall_tick(bool from_user)
{
	if (cpu_id() == 0)
		timer_tick();
	sched_tick(from_user);
	trace_flush_idle();
}

void upcall_return_to_user(struct trap_frame *frame)
{
	(void)frame; /* signal handlers, when they come, are entered by changing it */
	quiesce_point();
	if (sched_need_resched())
		schedule();
	signal_deliver();
}

void upcall_secondary_cpu(void)
{
	task_init();
	TRACE(cpu_online, .cpu = cpu_id());
	sched_idle();
}
