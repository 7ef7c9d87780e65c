/* Names of the kernel's functions, from a table that the build embeds. */
#ifndef CPU_SYMBOLS_H
#define CPU_SYMBOLS_H

#include "lib/types.h"

/* The function that contains a text address, and the distance from its beginning; NULL outside of
 * the text. */
const char *symbol_find(u64 address, u64 *offset);

#endif
