/*
 * Entry to and exit from the kernel; the stack layout is struct trap_frame (frame.h).
 *
 * %gs. In the kernel GS_BASE is this CPU's distance (percpu.h), and the program's is kept in
 * KERNEL_GS_BASE; SWAPGS exchanges them. Ordinary entries swap when they come from user mode,
 * which the saved %cs tells. NMI, machine check and double fault can strike between an entry and
 * its SWAPGS, so they look at GS_BASE itself: the kernel's is a distance into the direct map, its
 * top bit set; a program's base is below USER_END. They have stacks of their own and never return.
 *
 * Frame pointers. Each entry leaves a frame of its own (interrupted %rbp, interrupted %rip), so a
 * backtrace walks through.
 */
#include "arch/x86_64/macros.inc"

	.text

.macro PUSH_REGISTERS
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro POP_REGISTERS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
.endm

/* Calls handler(frame) with the frame on top of the stack; two words remain to be taken off, the
 * first of which is the interrupted %rbp. */
.macro CALL_WITH_FRAME handler
	movq %rsp, %rdi
	pushq FRAME_RIP(%rsp)
	pushq %rbp
	movq %rsp, %rbp
	call \handler
.endm

/* One stub of 16 bytes per vector. The CPU pushes an error code only for some exceptions. */
	.balign 16
	.globl trap_stubs
	.type trap_stubs, @function
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if (vector < 10 || vector > 14) && vector != 8 && vector != 17 && vector != 21 && \
	    vector != 29 && vector != 30
	pushq $0
	.endif
	pushq $vector
	.if vector == 2 || vector == 8 || vector == 18
	jmp fatal_entry
	.else
	jmp trap_entry
	.endif
	.set vector, vector + 1
	.endr
END_FUNCTION trap_stubs

FUNCTION trap_entry
	cld
	SMAP_SITE clac
	testb $3, 24(%rsp)	/* %cs behind vector, error code and %rip */
	jz 1f
	swapgs
1:	PUSH_REGISTERS
	CALL_WITH_FRAME trap_dispatch
	addq $16, %rsp
	/* falls through */
END_FUNCTION trap_entry

/* Interrupts are off. */
	.type trap_exit, @function
trap_exit:
	testb $3, FRAME_CS(%rsp)
	jz 1f
	VERW_SITE
	swapgs
1:	POP_REGISTERS
	addq $16, %rsp
	iretq
END_FUNCTION trap_exit

FUNCTION fatal_entry
	cld
	SMAP_SITE clac
	PUSH_REGISTERS
	movl $MSR_GS_BASE, %ecx
	rdmsr
	testl %edx, %edx
	js 1f
	swapgs
1:	CALL_WITH_FRAME trap_fatal
	ud2
END_FUNCTION fatal_entry

/* The CPU has put %rip into %rcx and %rflags into %r11 and turned interrupts off, and is still on
 * the program's stack. */
FUNCTION syscall_entry
	swapgs
	movq %rsp, %gs:syscall_user_sp
	movq %gs:entry_stack_top, %rsp
	pushq $USER_DS
	pushq %gs:syscall_user_sp
	pushq %r11
	pushq $USER_CS
	pushq %rcx
	pushq %rax
	pushq $ASM_SYSCALL_VECTOR
	PUSH_REGISTERS
	CALL_WITH_FRAME syscall_dispatch
	testb %al, %al		/* whether SYSRET restores just what the frame says */
	jz 1f
	/* The C code has kept %rbx and %r12 to %r15. %rcx and %r11 are those of SYSRET. */
	popq %rbp
	addq $(FRAME_R11 + 8), %rsp
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	movq FRAME_RSP - FRAME_VECTOR(%rsp), %rsp
	VERW_SITE
	swapgs
	sysretq
1:	addq $16, %rsp
	jmp trap_exit
END_FUNCTION syscall_entry

/* SYSCALL by 32-bit code, which CPUs of AMD (and QEMU) know: there are no calls for it. Nothing of the kernel's is
 * touched on the way, neither its stack nor its %gs. */
FUNCTION syscall_entry_32
	movl $-ASM_ENOSYS, %eax
	sysretl
END_FUNCTION syscall_entry_32

/* void arch_enter_user(struct trap_frame *frame) */
FUNCTION arch_enter_user
	movq %rdi, %rsp
	CALL_WITH_FRAME exit_to_user
	addq $16, %rsp
	jmp trap_exit
END_FUNCTION arch_enter_user

/* struct current_task *switch_stack(u64 *save_sp, u64 sp, struct current_task *previous): returns
 * on the other stack, with `previous`. What it pushes is known to arch_task_init(). */
FUNCTION switch_stack
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	movq %rdx, %rax
	ret
END_FUNCTION switch_stack

/* void switch_to_fresh_stack(u64 stack_top, void (*fn)(void)) */
FUNCTION switch_to_fresh_stack
	movq %rdi, %rsp
	xorl %ebp, %ebp
	call *%rsi
	ud2
END_FUNCTION switch_to_fresh_stack

/* Where the first switch to a task returns to: entry in %r12, its argument in %r13. */
FUNCTION task_begin
	movq %r13, %rdi
	call *%r12
	ud2
END_FUNCTION task_begin

	.section .rodata
	.balign 2
verw_selector:
	.word KERNEL_DS

	.section .note.GNU-stack, "", @progbits
