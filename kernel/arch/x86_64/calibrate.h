/* Measuring a counter against the time-stamp counter: private to arch. */
#ifndef ARCH_CALIBRATE_H
#define ARCH_CALIBRATE_H

#include "lib/types.h"

/* How far both counters came in the same interval of about 20 ms. */
struct calibration {
	u64 tsc;
	u32 counts;
};

/* Measures a counter that counts up, modulo 2^32. Interrupts off; after arch_init_clock() has found
 * the HPET. */
struct calibration calibrate(u32 (*read)(void));

#endif
