/* The kernel command line: `name=value` words, and a few that stand alone. Set at boot, read-only
 * afterwards. */
#ifndef LIB_CMDLINE_H
#define LIB_CMDLINE_H

#include "lib/types.h"

/* Keeps a copy (cut at 1 KiB). Called before any other function here. */
void cmdline_set(const char *line);

/* The whole line. */
const char *cmdline_get(void);

/* Value of `name`, or `otherwise` when absent or not a number. Numbers take 0x and the suffixes K,
 * M, G. */
u64 cmdline_u64(const char *name, u64 otherwise);

/* Whether `name` is present with just this value. */
bool cmdline_is(const char *name, const char *value);

/* Whether the word stands there by itself, as `nokaslr` does. */
bool cmdline_has(const char *word);

/* Copies the value of `name`; returns false and leaves `buf` alone when absent. */
bool cmdline_text(const char *name, char *buf, size_t size);

#endif
