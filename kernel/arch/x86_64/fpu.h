/*
 * The x87, SSE and AVX registers of programs. The kernel itself never uses them, so they are
 * switched with the task, at once and always: no trap on first use.
 *
 * XSAVE where the CPU has it, for the components x87, SSE and AVX; else FXSAVE, for the first two.
 * The components of AVX-512 and newer are left off: XGETBV tells programs so.
 */
#ifndef ARCH_FPU_H
#define ARCH_FPU_H

#include "lib/types.h"

/* The standard form of x87, SSE and AVX: 512 bytes as FXSAVE has it, a header of 64, the upper
 * halves of YMM (SDM vol. 1, 13.4). XSAVE wants it aligned so. */
#define FPU_STATE_MAX 832

struct fpu_state {
	u8 bytes[FPU_STATE_MAX];
} __aligned(64);

/* Bits of CR4 that fpu_init_cpu() needs set on this CPU. */
u64 fpu_cr4_features(void);

/* Switches the components on. On each CPU, with CR4 set; on CPU 0 it first decides which. */
void fpu_init_cpu(u32 cpu);

/* What a fresh program begins with. */
void fpu_reset(struct fpu_state *state);

/* The components that are switched on, as in XCR0, all of them in its lower half; 0: the CPU has FXSAVE.
 * Set by CPU 0 before the second one starts. */
extern u32 fpu_components;
extern bool fpu_has_xsaveopt;

/* From the registers of this CPU: all, components in their initial state included. */
static inline void fpu_save_whole(struct fpu_state *state)
{
	if (likely(fpu_components))
		__asm__ volatile("xsave64 %0" : "+m"(*state) : "a"(fpu_components), "d"(0));
	else
		__asm__ volatile("fxsave64 %0" : "+m"(*state));
}

/* From and to the registers of this CPU. */
static inline void fpu_save(struct fpu_state *state)
{
	if (likely(fpu_has_xsaveopt))
		__asm__ volatile("xsaveopt64 %0" : "+m"(*state) : "a"(fpu_components), "d"(0));
	else
		fpu_save_whole(state);
}

static inline void fpu_restore(const struct fpu_state *state)
{
	if (likely(fpu_components))
		__asm__ volatile("xrstor64 %0" ::"m"(*state), "a"(fpu_components), "d"(0));
	else
		__asm__ volatile("fxrstor64 %0" ::"m"(*state));
}

/* The registers of the running task as they lie in a signal frame: bytes, and how they are
 * aligned. */
#define FPU_FRAME_ALIGN 64
u64 fpu_frame_size(void);
bool fpu_has_xsave(void);

/* Writes them there. `state` is the running task's. 0 or -EFAULT. May sleep. */
int fpu_to_frame(struct fpu_state *state, void __user *to);

/* Loads them from there, or fresh ones for NULL. Nothing in the frame is trusted: what the CPU
 * would refuse is -EINVAL, and the registers are fresh ones then. 0, -EFAULT, -EINVAL. May sleep. */
int fpu_from_frame(struct fpu_state *state, const void __user *from);

/* Of any task that does not run, or `own` of the running one: the whole state, components in their
 * initial state included, and in the bytes for software which components those are. Returns its
 * size. */
u64 fpu_whole_state(const struct fpu_state *state, struct fpu_state *own, struct fpu_state *whole);

/* Exceptions that are raised and not masked, of the x87 unit or of SSE: FPU_INVALID and so on. */
#define FPU_INVALID   BIT(0)
#define FPU_DENORMAL  BIT(1)
#define FPU_DIVIDE    BIT(2)
#define FPU_OVERFLOW  BIT(3)
#define FPU_UNDERFLOW BIT(4)
#define FPU_PRECISION BIT(5)
u32 fpu_x87_exceptions(struct fpu_state *state);
u32 fpu_sse_exceptions(struct fpu_state *state);

#endif
