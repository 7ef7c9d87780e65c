/*
 * Device registers: accesses of one size that the compiler neither merges, splits nor moves across
 * other memory accesses. That is all the order x86 needs: registers are mapped uncached, so the CPU
 * itself completes earlier stores first.
 */
#ifndef DEV_MMIO_H
#define DEV_MMIO_H

#include "cpu/clock.h"
#include "cpu/irqflags.h"
#include "cpu/wait.h"
#include "lib/types.h"

#define DEFINE_MMIO(bits)                                             \
	static inline u##bits mmio_read##bits(const void *reg)        \
	{                                                             \
		u##bits value = *(const volatile u##bits *)reg;       \
                                                                      \
		barrier();                                            \
		return value;                                         \
	}                                                             \
	static inline void mmio_write##bits(void *reg, u##bits value) \
	{                                                             \
		barrier();                                            \
		*(volatile u##bits *)reg = value;                     \
	}

DEFINE_MMIO(8)
DEFINE_MMIO(16)
DEFINE_MMIO(32)
DEFINE_MMIO(64)

#undef DEFINE_MMIO

/*
 * Waits until the bits of `mask` in a register read `value`. Returns whether they did within
 * limit_ns. Gives way to other tasks meanwhile, once there are any: no spinlock held.
 */
static inline bool __must_check mmio_wait32(const void *reg, u32 mask, u32 value, u64 limit_ns)
{
	u64 begin = clock_ns();

	while ((mmio_read32(reg) & mask) != value) {
		if (clock_ns() - begin > limit_ns)
			return false;
		cpu_relax();
		cond_resched();
	}
	return true;
}

#endif
