/* Names of the kernel's functions, from a table that the build embeds. */
#ifndef CPU_SYMBOLS_H
#define CPU_SYMBOLS_H

#include "lib/types.h"

/* How far from where it was linked the kernel runs: bytes, 0 without KASLR. */
u64 kernel_offset(void);

/* The function that contains a text address, the distance from its beginning, and its size with the
 * padding behind it; NULL outside of the text. */
const char *symbol_find(u64 address, u64 *offset, u64 *size);

#endif
