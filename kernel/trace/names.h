/* The names that trace/enums.def gives to values, for what the kernel prints itself. */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

#include "lib/types.h"

/* Text of a value of an enumeration, such as ("lru_list", LRU_ISOLATED); "?" when it has none. Any
 * context; slow. */
const char *trace_value_name(const char *enumeration, u32 value);

/* Names of the bits that are set in a value of a set of flags, such as ("page_flags", PG_LRU | PG_DIRTY),
 * with commas between; "-" when none is. Any context; slow. */
void trace_flag_names(char *text, size_t size, const char *set, u32 flags);

#endif
