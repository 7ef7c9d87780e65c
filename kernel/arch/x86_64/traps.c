/*
 * Exceptions and system calls: which of them go up, which are a bug of the kernel, and the way back
 * to user mode.
 *
 *   from user mode      page fault, other exception, interrupt, system call (SYSCALL, INT 0x80): upcall, then
 * exit_to_user() from a copy routine page fault on a user address: upcall, on failure the routine's
 * fixup from the kernel     interrupt: handler; breakpoint: monitor; all else: panic
 *
 * No lock is taken here; what runs on the CPU's own stack and frame needs none.
 */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq_dispatch.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/upcall.h"
#include "cpu/irqflags.h"
#include "cpu/lockdep.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "lib/errno.h"
#include "lib/string.h"

static_assert(offsetof(struct trap_frame, r11) == FRAME_R11, "entry code");
static_assert(offsetof(struct trap_frame, vector) == FRAME_VECTOR, "entry code");
static_assert(offsetof(struct trap_frame, rip) == FRAME_RIP, "entry code");
static_assert(offsetof(struct trap_frame, cs) == FRAME_CS, "entry code");
static_assert(offsetof(struct trap_frame, rsp) == FRAME_RSP, "entry code");
static_assert(SYSCALL_VECTOR == ASM_SYSCALL_VECTOR, "entry code");
static_assert(ENOSYS == ASM_ENOSYS, "entry code");

enum {
	EXC_DEBUG = 1,
	EXC_NMI = 2,
	EXC_BREAKPOINT = 3,
	EXC_DOUBLE_FAULT = 8,
	EXC_PAGE_FAULT = 14,
	EXC_MACHINE_CHECK = 18,
};

#define DR6_REASONS  0x400ful     /* breakpoint registers, single step */
#define DR6_RESERVED 0xffff0ff0ul /* always set */

/* Error code of a page fault (SDM vol. 3, 4.7). */
#define PF_PRESENT  BIT(0)
#define PF_WRITE    BIT(1)
#define PF_RESERVED BIT(3)
#define PF_FETCH    BIT(4)

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type; /* present, privilege, 64-bit interrupt gate */
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

#define GATE_KERNEL 0x8e
#define GATE_USER   0xee /* INT from user mode allowed */

#define TRAP_STUB_SIZE 16

static struct idt_gate idt[256] __aligned(16);

extern const char trap_stubs[];

/* An instruction that may fault on user memory, and where it goes on then. */
struct uaccess_site {
	u64 at, fixup;
};
extern const struct uaccess_site uaccess_sites_start[], uaccess_sites_end[];

static enum ist vector_ist(u32 vector)
{
	switch (vector) {
	case EXC_NMI:
		return IST_NMI;
	case EXC_DOUBLE_FAULT:
		return IST_DOUBLE_FAULT;
	case EXC_MACHINE_CHECK:
		return IST_MACHINE_CHECK;
	default:
		return IST_NONE;
	}
}

/* Whether programs may raise it by INT. */
static bool is_for_programs(u32 vector)
{
	return vector == EXC_BREAKPOINT || vector == INT80_VECTOR;
}

void idt_init(void)
{
	for (u32 vector = 0; vector < ARRAY_SIZE(idt); vector++) {
		u64 offset = (u64)trap_stubs + vector * TRAP_STUB_SIZE;

		idt[vector] = (struct idt_gate){
			.offset_low = offset,
			.selector = KERNEL_CS,
			.ist = vector_ist(vector),
			.type = is_for_programs(vector) ? GATE_USER : GATE_KERNEL,
			.offset_middle = offset >> 16,
			.offset_high = offset >> 32,
		};
	}
}

void idt_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed pointer = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" ::"m"(pointer));
}

void frame_init_user(struct trap_frame *frame, u64 ip, u64 sp)
{
	memset(frame, 0, sizeof(*frame));
	frame->vector = SYSCALL_VECTOR;
	frame->rip = ip;
	frame->cs = USER_CS;
	frame->rflags = RFLAGS_IF | RFLAGS_FIXED;
	frame->rsp = sp;
	frame->ss = USER_DS;
}

static const char *exception_name(u64 vector)
{
	static const char *const names[] = {
		"divide error",
		"debug exception",
		"NMI",
		"breakpoint",
		"overflow",
		"bound range exceeded",
		"invalid opcode",
		"device not available",
		"double fault",
		"coprocessor overrun",
		"invalid TSS",
		"segment not present",
		"stack fault",
		"general protection fault",
		"page fault",
		"reserved exception",
		"x87 error",
		"alignment check",
		"machine check",
		"SIMD error",
	};

	return vector < ARRAY_SIZE(names) ? names[vector] : "unknown exception";
}

static void print_registers(const struct trap_frame *f)
{
	printk("rip %016lx rsp %016lx rflags %08lx cs %lx error %lx", f->rip, f->rsp, f->rflags,
	       f->cs, f->error_code);
	printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx, f->rdx);
	printk("rsi %016lx rdi %016lx rbp %016lx r8  %016lx", f->rsi, f->rdi, f->rbp, f->r8);
	printk("r9  %016lx r10 %016lx r11 %016lx r12 %016lx", f->r9, f->r10, f->r11, f->r12);
	printk("r13 %016lx r14 %016lx r15 %016lx cr2 %016lx cr3 %lx", f->r13, f->r14, f->r15,
	       read_cr2(), read_cr3());
}

static void __noreturn die(const struct trap_frame *frame)
{
	print_registers(frame);
	panic_at(frame->rip, frame->rbp, "%s in the kernel", exception_name(frame->vector));
}

static void __noreturn die_page_fault(const struct trap_frame *frame, u64 address)
{
	u64 error = frame->error_code;

	print_registers(frame);
	panic_at(frame->rip, frame->rbp, "page fault in the kernel: %s of %016lx, %s",
		 error & PF_FETCH   ? "execution"
		 : error & PF_WRITE ? "write"
				    : "read",
		 address,
		 error & PF_RESERVED  ? "reserved bit set in its entry"
		 : error & PF_PRESENT ? "protected"
				      : "not mapped");
}

/* Where a faulting copy routine goes on, or 0 when the instruction is not one of theirs. */
static u64 uaccess_fixup(u64 rip)
{
	for (const struct uaccess_site *site = uaccess_sites_start; site < uaccess_sites_end;
	     site++)
		if (site->at == rip)
			return site->fixup;
	return 0;
}

static void kernel_page_fault(struct trap_frame *frame)
{
	u64 address = read_cr2();
	u64 fixup = uaccess_fixup(frame->rip);

	if (!fixup || address >= USER_END || (frame->error_code & (PF_RESERVED | PF_FETCH)) ||
	    !(frame->rflags & RFLAGS_IF))
		die_page_fault(frame, address);
	irq_enable();
	if (upcall_page_fault(frame, address, frame->error_code) != 0)
		frame->rip = fixup;
	irq_disable();
}

static void trap_from_kernel(struct trap_frame *frame)
{
	switch (frame->vector) {
	case EXC_PAGE_FAULT:
		kernel_page_fault(frame);
		break;
	case EXC_BREAKPOINT:
		upcall_breakpoint(frame);
		break;
	default:
		die(frame);
	}
}

/* Why there was a debug exception (SDM vol. 3, 17.2.3); the CPU never clears it. */
static u64 take_debug_status(void)
{
	u64 status;

	__asm__ volatile("movq %%dr6, %0\n\tmovq %1, %%dr6" : "=&r"(status) : "r"(DR6_RESERVED));
	return status & DR6_REASONS;
}

static void trap_from_user(struct trap_frame *frame)
{
	u64 address;

	if (frame->vector == EXC_DEBUG)
		frame->error_code = take_debug_status();
	if (frame->vector != EXC_PAGE_FAULT) {
		irq_enable();
		upcall_user_exception(frame);
		return;
	}
	address = read_cr2();
	if (frame->error_code & PF_RESERVED)
		die_page_fault(frame, address);
	irq_enable();
	/* On failure it has sent the signal, which exit_to_user() delivers: nothing is left to do
	 * with its result. */
	(void)upcall_page_fault(frame, address, frame->error_code);
}

/* Whether something is to be done before user mode. Interrupts are off: who sets one of these from
 * another CPU interrupts this one afterwards, and that interrupt waits until user mode has been
 * reached, from where it comes here again. */
static inline bool has_exit_work(void)
{
	return READ_ONCE(current->exit_work) | this_cpu_read(need_resched) |
	       READ_ONCE(quiesce_wanted);
}

static __noinline void do_exit_work(struct trap_frame *frame)
{
	do {
		irq_enable();
		upcall_return_to_user(frame);
		irq_disable();
	} while (has_exit_work());
}

/* Does what is to be done before user mode; leaves interrupts off. */
static inline void leave_to_user(struct trap_frame *frame)
{
	lockdep_no_locks();
	irq_disable();
	if (unlikely(has_exit_work()))
		do_exit_work(frame);
	/* IRET and SYSRET fault inside the kernel on an address that is not canonical: the first
	 * address behind user memory gives the program the fault that it deserves. */
	if (unlikely(frame->rip > USER_END))
		frame->rip = USER_END;
}

/* The same for arch_enter_user(). */
void exit_to_user(struct trap_frame *frame);

void exit_to_user(struct trap_frame *frame)
{
	leave_to_user(frame);
}

/* From traps.S, like those below. Returns with interrupts off. */
void trap_dispatch(struct trap_frame *frame);
void trap_fatal(struct trap_frame *frame) __noreturn;
bool syscall_dispatch(struct trap_frame *frame);

static void int80(struct trap_frame *frame)
{
	/* Where SYSCALL leaves it. */
	frame->error_code = (u32)frame->rax;
	irq_enable();
	upcall_syscall_i386(frame);
}

void trap_dispatch(struct trap_frame *frame)
{
	if (frame->vector == INT80_VECTOR && frame_from_user(frame))
		int80(frame);
	else if (frame->vector >= NR_EXCEPTIONS)
		irq_dispatch(frame->vector, frame_from_user(frame));
	else if (frame_from_user(frame))
		trap_from_user(frame);
	else
		trap_from_kernel(frame);
	if (frame_from_user(frame))
		leave_to_user(frame);
}

/* Returns whether SYSRET, with the callee-saved registers as this function returns them, restores
 * what the frame says. It does not when the call has put another program or context into the frame:
 * that one's %rcx is not its %rip, which nothing but SYSCALL makes equal. */
bool syscall_dispatch(struct trap_frame *frame)
{
	irq_enable();
	upcall_syscall(frame);
	leave_to_user(frame);
	return frame->rip == frame->rcx && frame->rflags == frame->r11 &&
	       !(frame->rflags & (RFLAGS_TF | RFLAGS_RF)) && frame->cs == USER_CS;
}

/* Whether a double fault came from pushing onto the guard page below the running task's stack. */
static bool is_stack_overflow(u64 address)
{
	u64 bottom = current->kernel_sp_top - KSTACK_SIZE;

	return address < bottom && address >= bottom - PAGE_SIZE;
}

/* NMI, double fault and machine check, on stacks of their own. An NMI is how another CPU's panic
 * stops this one. */
void trap_fatal(struct trap_frame *frame)
{
	if (frame->vector == EXC_NMI)
		cpu_stop_if_asked();
	print_registers(frame);
	if (frame->vector == EXC_DOUBLE_FAULT && is_stack_overflow(read_cr2()))
		panic_at(frame->rip, frame->rbp, "kernel stack overflow at %016lx", read_cr2());
	panic_at(frame->rip, frame->rbp, "%s", exception_name(frame->vector));
}
