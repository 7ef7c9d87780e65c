/* Formatted text: %d %i %u %x %X %lx %lu %ld %llu %zu %p %s %c %%, width, 0, -, and precision for
 * %s. */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include "lib/types.h"

/* Writes at most `size` bytes with the terminator; returns the length the whole text has. */
int vsnprintf(char *buf, size_t size, const char *format, va_list args);
int snprintf(char *buf, size_t size, const char *format, ...) __printf(3, 4);

#endif
