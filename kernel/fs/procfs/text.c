/* Text that grows in a buffer. */
#include "fs/procfs/text.h"
#include "lib/printf.h"
#include "lib/string.h"

void text_put(struct text *text, const void *bytes, size_t size)
{
	if (text->used < text->size)
		memcpy(text->buffer + text->used, bytes, min(size, text->size - text->used));
	text->used += size;
}

void text_puts(struct text *text, const char *string)
{
	text_put(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	size_t length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	text_put(text, line, min(length, sizeof(line) - 1));
}

void text_put_list(struct text *text, u64 mask)
{
	const char *comma = "";

	for (u32 first = 0; first < 64; first++) {
		u32 last = first;

		if (!(mask & BIT(first)))
			continue;
		while (last + 1 < 64 && (mask & BIT(last + 1)))
			last++;
		text_printf(text, "%s%u", comma, first);
		if (last > first)
			text_printf(text, "-%u", last);
		comma = ",";
		first = last;
	}
}

void text_pad(struct text *text, size_t start, size_t column)
{
	while (text->used < start + column)
		text_put(text, " ", 1);
}

void text_put_escaped(struct text *text, const char *string, const char *escape)
{
	for (; *string; string++) {
		if (strchr(escape, *string))
			text_printf(text, "\\%u%u%u", *string >> 6 & 3, *string >> 3 & 7,
				    *string & 7);
		else
			text_put(text, string, 1);
	}
}

void text_put_octal(struct text *text, u32 number)
{
	char digits[12];
	u32 at = sizeof(digits);

	do {
		digits[--at] = '0' + (number & 7);
		number >>= 3;
	} while (number);
	text_put(text, digits + at, sizeof(digits) - at);
}
