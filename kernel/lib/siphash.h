/* SipHash-2-4 (Aumasson and Bernstein, 2012) of one 64-bit number: a keyed function that cannot be
 * turned round, so whoever sees what it gives learns neither key nor other values. */
#ifndef LIB_SIPHASH_H
#define LIB_SIPHASH_H

#include "lib/types.h"

u64 siphash(u64 key0, u64 key1, u64 number);

#endif
