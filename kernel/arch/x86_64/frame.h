/* What the trap and system-call entries leave on the kernel stack; the layout is shared with
 * entry.S. */
#ifndef ARCH_FRAME_H
#define ARCH_FRAME_H

#include "lib/types.h"

struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector;     /* of a trap; SYSCALL_VECTOR for a system call */
	u64 error_code; /* of the CPU; for a system call its number, as the program gave it */
	u64 rip, cs, rflags, rsp, ss;
};

#define SYSCALL_VECTOR 0x100
#define INT80_VECTOR   0x80

static_assert(sizeof(struct trap_frame) == 22 * 8, "entry.S knows this size");

static inline bool frame_from_user(const struct trap_frame *frame)
{
	return (frame->cs & 3) == 3;
}

/* System-call number, arguments and result, as the Linux ABI places them. */
static inline u64 frame_syscall_nr(const struct trap_frame *frame)
{
	return frame->error_code;
}
static inline void frame_set_result(struct trap_frame *frame, u64 result)
{
	frame->rax = result;
}

/* Prepares a frame that enters user mode at `ip` with stack `sp` and all other registers zero. */
void frame_init_user(struct trap_frame *frame, u64 ip, u64 sp);

#endif
