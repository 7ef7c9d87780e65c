/*
 * The x87, SSE and AVX registers: which there are, saving and loading them, and their place in a
 * signal frame, which is Linux's. A task's state is touched by the CPU that runs or switches it
 * only, so there is no lock.
 *
 * In a signal frame the state is what XSAVE writes, with 48 bytes of software use at offset 464 that
 * say how much there is, and a second magic number behind it. Who returns from a handler with a
 * smaller frame (magic numbers missing) gets x87 and SSE from it, and AVX as it begins.
 */
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "lib/string.h"

/* Components, as in XCR0. */
#define XSTATE_X87 BIT(0)
#define XSTATE_SSE BIT(1)
#define XSTATE_AVX BIT(2)

#define CPUID_XSAVE BIT(26) /* leaf 1, ECX */
#define XSTATE_LEAF 0xd

/* Offsets in the state (SDM vol. 1, 10.5.1 and 13.4.2). */
#define STATE_FCW        0
#define STATE_FSW        2
#define STATE_MXCSR      24
#define STATE_MXCSR_MASK 28
#define STATE_SOFTWARE   464
#define STATE_HEADER     512
#define FXSAVE_SIZE      512

#define INITIAL_FCW       0x37f
#define INITIAL_MXCSR     0x1f80
#define OLDEST_MXCSR_MASK 0xffbfu /* of a CPU that does not tell (SDM vol. 1, 11.6.6) */

struct xstate_header {
	u64 present; /* fpu_components that are not in their initial state */
	u64 compacted;
	u64 reserved[6];
};

/* What Linux leaves in the bytes for software (struct _fpx_sw_bytes). */
struct frame_software {
	u32 magic1;
	u32 extended_size; /* with the second magic number */
	u64 components;
	u32 state_size;
	u32 padding[7];
};

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u

static_assert(sizeof(struct xstate_header) == 64, "SDM vol. 1, 13.4.2");
static_assert(sizeof(struct frame_software) == FXSAVE_SIZE - STATE_SOFTWARE, "ABI");

u32 fpu_components;
bool fpu_has_xsaveopt;
/* Set by CPU 0 before the second one starts. */
static u32 state_size = FXSAVE_SIZE;
static u32 mxcsr_mask = OLDEST_MXCSR_MASK;

u64 fpu_cr4_features(void)
{
	u32 a, b, c, d;

	cpuid(1, &a, &b, &c, &d);
	return c & CPUID_XSAVE ? CR4_OSXSAVE : 0;
}

static void xsetbv(u64 value)
{
	__asm__ volatile("xsetbv" ::"c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

/* The size follows from what is switched on. */
static void choose_components(void)
{
	struct fpu_state probe;
	u32 a, b, c, d;

	if (fpu_cr4_features()) {
		cpuid(XSTATE_LEAF, &a, &b, &c, &d);
		fpu_components = a & (XSTATE_X87 | XSTATE_SSE | XSTATE_AVX);
		xsetbv(fpu_components);
		cpuid(XSTATE_LEAF, &a, &b, &c, &d);
		state_size = b;
		cpuid_count(XSTATE_LEAF, 1, &a, &b, &c, &d);
		fpu_has_xsaveopt = a & BIT(0);
	}
	if (state_size > FPU_STATE_MAX)
		panic("FPU state of %u bytes for components %x", state_size, fpu_components);
	memset(&probe, 0, sizeof(probe));
	__asm__ volatile("fxsave64 %0" : "=m"(probe));
	memcpy(&mxcsr_mask, probe.bytes + STATE_MXCSR_MASK, sizeof(mxcsr_mask));
	if (mxcsr_mask == 0)
		mxcsr_mask = OLDEST_MXCSR_MASK;
	printk("cpu: FPU state of %u bytes by %s", state_size,
	       !fpu_components    ? "FXSAVE"
	       : fpu_has_xsaveopt ? "XSAVEOPT"
				  : "XSAVE");
}

void fpu_init_cpu(u32 cpu)
{
	if (cpu == 0)
		choose_components();
	else if (fpu_components)
		xsetbv(fpu_components);
}

void fpu_reset(struct fpu_state *state)
{
	u16 fcw = INITIAL_FCW;
	u32 mxcsr = INITIAL_MXCSR;

	memset(state, 0, sizeof(*state));
	memcpy(state->bytes + STATE_FCW, &fcw, sizeof(fcw));
	memcpy(state->bytes + STATE_MXCSR, &mxcsr, sizeof(mxcsr));
}

/* The CPU fills in what it had left out, so it gets the state for a moment. */
u64 fpu_whole_state(const struct fpu_state *state, struct fpu_state *own, struct fpu_state *whole)
{
	u64 present = fpu_components;

	memset(whole, 0, sizeof(*whole));
	fpu_save(own);
	fpu_restore(state);
	fpu_save_whole(whole);
	fpu_restore(own);
	memcpy(whole->bytes + STATE_SOFTWARE, &present, sizeof(present));
	return state_size;
}

/* ---- signal frames ---- */

bool fpu_has_xsave(void)
{
	return fpu_components != 0;
}

static u32 frame_magic2_size(void)
{
	return fpu_components ? sizeof(u32) : 0;
}

u64 fpu_frame_size(void)
{
	return state_size + frame_magic2_size();
}

/* The copy may sleep, and the task be switched out and in: that writes the same into `state`. */
int fpu_to_frame(struct fpu_state *state, void __user *to)
{
	struct frame_software software = {
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = fpu_frame_size(),
		.components = fpu_components,
		.state_size = state_size,
	};
	u32 magic2 = FP_XSTATE_MAGIC2;

	if (!fpu_components)
		memset(&software, 0, sizeof(software));
	memcpy(state->bytes + STATE_SOFTWARE, &software, sizeof(software));
	fpu_save_whole(state);
	if (copy_to_user(to, state, state_size) != 0)
		return -EFAULT;
	return fpu_components ? copy_to_user(to + state_size, &magic2, sizeof(magic2)) : 0;
}

static void load_fresh(struct fpu_state *state)
{
	fpu_reset(state);
	fpu_restore(state);
}

/* Whether the frame holds all components, and not just what FXSAVE knows. */
static int read_software(const void __user *from, struct frame_software *software, bool *whole)
{
	u32 magic2;

	if (copy_from_user(software, from + STATE_SOFTWARE, sizeof(*software)) != 0)
		return -EFAULT;
	*whole = false;
	if (!fpu_components || software->magic1 != FP_XSTATE_MAGIC1 ||
	    software->state_size < STATE_HEADER + sizeof(struct xstate_header) ||
	    software->state_size > state_size || software->state_size > software->extended_size)
		return 0;
	if (copy_from_user(&magic2, from + software->state_size, sizeof(magic2)) != 0)
		return -EFAULT;
	*whole = magic2 == FP_XSTATE_MAGIC2;
	return 0;
}

/* Whether the CPU would load it: else it raises a general protection fault, in the kernel. */
static bool is_loadable(const struct fpu_state *image)
{
	struct xstate_header header;
	u32 mxcsr;

	memcpy(&mxcsr, image->bytes + STATE_MXCSR, sizeof(mxcsr));
	memcpy(&header, image->bytes + STATE_HEADER, sizeof(header));
	if (mxcsr & ~mxcsr_mask)
		return false;
	/* Of the reserved words XRSTOR looks at the first. */
	return !(header.present & ~(u64)fpu_components) && header.compacted == 0 &&
	       header.reserved[0] == 0;
}

/* Which of the components in the image count: those that the frame says it has. */
static void limit_components(struct fpu_state *image, u64 wanted)
{
	u64 present;

	memcpy(&present, image->bytes + STATE_HEADER, sizeof(present));
	present &= wanted;
	memcpy(image->bytes + STATE_HEADER, &present, sizeof(present));
}

static int read_image(const void __user *from, struct fpu_state *image)
{
	struct frame_software software;
	bool whole;

	memset(image, 0, sizeof(*image));
	int error = read_software(from, &software, &whole);
	if (error != 0)
		return error;
	if (copy_from_user(image, from, whole ? software.state_size : FXSAVE_SIZE) != 0)
		return -EFAULT;
	if (!whole && fpu_components) {
		u64 present = XSTATE_X87 | XSTATE_SSE;

		memcpy(image->bytes + STATE_HEADER, &present, sizeof(present));
	}
	if (!is_loadable(image))
		return -EINVAL;
	if (whole)
		limit_components(image, software.components);
	return 0;
}

int fpu_from_frame(struct fpu_state *state, const void __user *from)
{
	/* Not straight into `state`: while the copy sleeps, the registers are saved there. */
	struct fpu_state image;

	if (!from) {
		load_fresh(state);
		return 0;
	}
	int error = read_image(from, &image);
	if (error != 0) {
		load_fresh(state);
		return error;
	}
	memcpy(state, &image, sizeof(image));
	fpu_restore(state);
	return 0;
}

/* ---- exceptions ---- */

#define EXCEPTION_BITS 0x3fu
#define MXCSR_MASKS    7 /* where the mask bits begin */

u32 fpu_x87_exceptions(struct fpu_state *state)
{
	u16 control, status;

	fpu_save(state);
	memcpy(&control, state->bytes + STATE_FCW, sizeof(control));
	memcpy(&status, state->bytes + STATE_FSW, sizeof(status));
	return status & ~control & EXCEPTION_BITS;
}

u32 fpu_sse_exceptions(struct fpu_state *state)
{
	u32 mxcsr;

	fpu_save(state);
	memcpy(&mxcsr, state->bytes + STATE_MXCSR, sizeof(mxcsr));
	return mxcsr & ~(mxcsr >> MXCSR_MASKS) & EXCEPTION_BITS;
}
