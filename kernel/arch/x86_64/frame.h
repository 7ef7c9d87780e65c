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
/* Of a frame that was a system call's until another context was put into it. */
#define NO_SYSCALL_VECTOR 0x101

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
static inline bool frame_is_syscall(const struct trap_frame *frame)
{
	return frame->vector == SYSCALL_VECTOR || frame->vector == INT80_VECTOR;
}
static inline u64 frame_result(const struct trap_frame *frame)
{
	return frame->rax;
}
static inline void frame_set_result(struct trap_frame *frame, u64 result)
{
	frame->rax = result;
}

/* Makes the program call again what it just called, by the same number or another one. */
static inline void frame_repeat_syscall(struct trap_frame *frame, u64 nr)
{
	frame->rax = nr;
	frame->rip -= 2; /* SYSCALL and INT 0x80 are two bytes long */
}

/* Prepares a frame that enters user mode at `ip` with stack `sp` and all other registers zero. */
void frame_init_user(struct trap_frame *frame, u64 ip, u64 sp);

#endif
