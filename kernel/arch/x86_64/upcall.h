/* The only way up: what arch calls in the layers above it; they implement these. */
#ifndef ARCH_UPCALL_H
#define ARCH_UPCALL_H

#include "arch/x86_64/frame.h"

/* First C code above arch, on CPU 0 with interrupts off, boot_info filled, the early page tables
 * loaded. */
void kernel_main(void) __noreturn;

/* A page fault, from user mode or from a copy routine of uaccess.h (the frame tells). Interrupts
 * are on; may sleep. Returns 0 when the access may be repeated. Otherwise a negative errno: in a
 * copy routine the copy then fails; from user mode the handler has already sent the signal. */
int upcall_page_fault(struct trap_frame *frame, u64 address, u64 error_code);

/* A system call; interrupts are on. Sets frame->rax. */
void upcall_syscall(struct trap_frame *frame);

/* The same by INT 0x80, with the numbers and in the registers of i386. */
void upcall_syscall_i386(struct trap_frame *frame);

/* An exception in user mode other than a page fault; interrupts are on. Of a debug exception
 * error_code is DR6: not 0 when the CPU was asked for it, by single steps or a breakpoint register.
 */
void upcall_user_exception(struct trap_frame *frame);

/* int3 in kernel mode and an explicit request: enter the monitor. Interrupts are off. */
void upcall_breakpoint(struct trap_frame *frame);

/* The timer of this CPU, and whether it interrupted a program; interrupts are off. */
void upcall_tick(bool from_user);

/* Just before user mode is entered again, after any trap, interrupt or call; interrupts are on:
 * schedule, quiesce, signals. */
void upcall_return_to_user(struct trap_frame *frame);

/* First C code on a secondary CPU with its own stack, per-CPU area and interrupts off. Does not
 * return. */
void upcall_secondary_cpu(void);

#endif
