/* One flat table of enums.def; searched from its start, because printing is slower anyway. */
#include "trace/names.h"

#include "lib/string.h"

static const struct {
	const char *enumeration;
	u32 value;
	const char *text;
} names[] = {
#define VALUE(name, constant, number, text, doc) {#name, number, text},
#include "trace/enums.def"
};

const char *trace_value_name(const char *enumeration, u32 value)
{
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].value == value && !strcmp(names[i].enumeration, enumeration))
			return names[i].text;
	return "?";
}
