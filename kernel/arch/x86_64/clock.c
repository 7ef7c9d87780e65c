/*
 * The clock: the time-stamp counter, its rate measured against the HPET while one CPU runs.
 *
 * The host may take the processor away at any moment, so a reading is the pair with the narrowest
 * bracket of several, and of three intervals the one with the narrowest ends counts. Rejected:
 * averaging, which one bad interval spoils.
 */
#include "cpu/clock.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/calibrate.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/machine.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"

#define INTERVALS   3
#define INTERVAL_NS (20 * NSEC_PER_MSEC)
#define READINGS    8
#define FS_PER_NS   1000000ul

/* Registers of the HPET (IA-PC HPET 1.0a, 2.3). */
enum { HPET_PERIOD = 0x004, HPET_CONFIG = 0x010, HPET_COUNTER = 0x0f0 };
#define HPET_ENABLE BIT(0)
#define HPET_SIZE   0x400

struct clock clock;

static_assert(NSEC_PER_SEC % BIT(9) == 0 && 64 - 7 - 9 == CLOCK_SHIFT, "mult is a whole number");

static volatile u32 *hpet;
static u32 hpet_period_fs;

/* The low half: enough for the intervals measured here, and there is nothing to tear. */
static u32 hpet_read(void)
{
	return hpet[HPET_COUNTER / 4];
}

static void hpet_start(void)
{
	hpet = arch_mmio(acpi.hpet_base, HPET_SIZE);
	hpet_period_fs = hpet[HPET_PERIOD / 4];
	if (hpet_period_fs == 0 || hpet_period_fs > 100 * FS_PER_NS)
		panic("HPET with a period of %u fs", hpet_period_fs);
	hpet[HPET_CONFIG / 4] |= HPET_ENABLE;
}

static u64 hpet_ns(u32 counts)
{
	return (u64)counts * hpet_period_fs / FS_PER_NS;
}

/* A counter and the TSC at the same moment, which is known to `width` TSC counts. */
struct reading {
	u64 tsc, width;
	u32 count;
};

static struct reading take_reading(u32 (*read)(void))
{
	struct reading best = {.width = ~0ul};

	for (u32 i = 0; i < READINGS; i++) {
		u64 before = rdtsc();
		u32 count = read();
		u64 width = rdtsc() - before;

		if (width < best.width)
			best = (struct reading){before + width / 2, width, count};
	}
	return best;
}

/* Some microseconds without a look at the HPET: each look leaves a virtual machine, and with -icount costs its host more
 * than a thousand instructions. Only the length of the interval depends on it, which is measured. */
static void idle_away(void)
{
	for (u32 i = 0; i < 5000; i++)
		barrier();
}

struct calibration calibrate(u32 (*read)(void))
{
	struct calibration best = {0};
	u64 best_width = ~0ul;

	for (u32 i = 0; i < INTERVALS; i++) {
		struct reading start = take_reading(read), end;
		u32 from = hpet_read();

		while (hpet_ns(hpet_read() - from) < INTERVAL_NS)
			idle_away();
		end = take_reading(read);
		if (start.width + end.width >= best_width)
			continue;
		best_width = start.width + end.width;
		best = (struct calibration){end.tsc - start.tsc, end.count - start.count};
	}
	return best;
}

void arch_init_clock(void)
{
	struct calibration c;

	hpet_start();
	c = calibrate(hpet_read);
	if (hpet_ns(c.counts) == 0 || c.tsc == 0)
		panic("the HPET or the time-stamp counter does not run");
	clock.tsc_hz = c.tsc * NSEC_PER_SEC / hpet_ns(c.counts);
	/* Rounding is off by 64 in 2^64 / hz: at 4 GHz by 1.4 in 10^8. */
	clock.sec_mult = ALIGN_DOWN(~0ul / clock.tsc_hz + 64, 128ul);
	clock.mult = (clock.sec_mult >> 7) * (NSEC_PER_SEC >> 9);
}

void delay_ns(u64 ns)
{
	u64 start = clock_ns();

	while (clock_ns() - start < ns)
		cpu_relax();
}
