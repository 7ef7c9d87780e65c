/* One flat table of enums.def; searched from its start, because printing is slower anyway. */
#include "trace/names.h"

#include "lib/printf.h"
#include "lib/string.h"

struct name {
	const char *enumeration;
	u32 value;
	const char *text;
};

static const struct name names[] = {
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

static const struct name flag_names[] = {
#define FLAG(name, constant, bit, text, doc) {#name, bit, text},
#include "trace/enums.def"
};

void trace_flag_names(char *text, size_t size, const char *set, u32 flags)
{
	size_t length = 0;

	snprintf(text, size, "-");
	for (u32 i = 0; i < ARRAY_SIZE(flag_names); i++) {
		const struct name *flag = &flag_names[i];

		if (!(flags >> flag->value & 1) || strcmp(flag->enumeration, set) != 0)
			continue;
		if (length < size)
			length += snprintf(text + length, size - length, "%s%s", length ? "," : "",
					   flag->text);
	}
}
