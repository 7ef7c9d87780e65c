/*
 * Entering a signal handler, and returning from it: the frame that lies on the program's stack
 * meanwhile, exactly as Linux lays it out on x86-64. What signals mean is proc/signal.h.
 */
#ifndef ARCH_SIGNAL_FRAME_H
#define ARCH_SIGNAL_FRAME_H

#include "arch/x86_64/context.h"

#define SIGINFO_SIZE 128

/* stack_t of the ABI. */
struct sigaltstack {
	u64 sp;
	s32 flags; /* SS_* */
	s32 pad;
	u64 size; /* 0: there is none */
};

/* Linux's values. */
#define SS_ONSTACK    1
#define SS_DISABLE    2
#define SS_AUTODISARM ((s32)0x80000000u)
#define MINSIGSTKSZ   2048ul

/* Whether a stack pointer lies on an alternate stack. With SS_AUTODISARM it never counts as that:
 * the stack is given up when a handler enters it. */
bool altstack_holds(const struct sigaltstack *altstack, u64 sp);

/* What sigaltstack(2) answers in `flags` for a program that runs at `sp`: 0, SS_ONSTACK or
 * SS_DISABLE. */
s32 altstack_state(const struct sigaltstack *altstack, u64 sp);

struct signal_delivery {
	s32 sig;
	bool on_altstack;      /* SA_ONSTACK */
	const void *info;      /* SIGINFO_SIZE bytes; NULL: without SA_SIGINFO */
	u64 handler, restorer; /* restorer 0: the program gave none */
	u64 mask;              /* blocked signals to return to */
	const struct sigaltstack *altstack;
};

/* Writes a frame below the program's stack pointer, or on the alternate stack, and makes `frame`
 * enter the handler with fresh FPU registers. 0, or -EFAULT with `frame` unchanged: the stack is not
 * to be written, overflows, or there is no restorer. May sleep. */
int signal_frame_push(struct arch_task *task, struct trap_frame *frame,
		      const struct signal_delivery *delivery);

/* What rt_sigreturn gives back beside the registers. */
struct signal_context {
	u64 mask;
	struct sigaltstack altstack;
};

/* Loads the registers from the frame that a handler returns to. Nothing in it is trusted. 0, or
 * -EFAULT or -EINVAL: the program is to die of SIGSEGV; context->mask is valid when
 * *has_mask is set even then. May sleep. */
int signal_frame_pop(struct arch_task *task, struct trap_frame *frame,
		     struct signal_context *context, bool *has_mask);

/* The most bytes that a frame takes from a stack (AT_MINSIGSTKSZ). */
u64 signal_frame_max_size(void);

#endif
