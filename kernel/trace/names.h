/* The names that trace/enums.def gives to values, for what the kernel prints itself. */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

#include "lib/types.h"

/* Text of a value of an enumeration, such as ("lru_list", LRU_ISOLATED); "?" when it has none. Any
 * context; slow. */
const char *trace_value_name(const char *enumeration, u32 value);

#endif
