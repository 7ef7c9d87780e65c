/* The command line, searched anew for each question: it is short, and questions are asked at boot.
 * The last word wins when a name occurs twice, so that an option can be appended to override. */
#include "lib/cmdline.h"
#include "lib/string.h"

static char command_line[1024];

void cmdline_set(const char *line)
{
	strscpy_pad(command_line, line, sizeof(command_line));
}

const char *cmdline_get(void)
{
	return command_line;
}

static size_t word_length(const char *word)
{
	size_t n = 0;

	while (word[n] && word[n] != ' ')
		n++;
	return n;
}

/* The text behind the last `name=`, up to a blank or the end; NULL when absent. */
static const char *find_value(const char *name)
{
	size_t n = strlen(name);
	const char *value = NULL;

	for (const char *at = command_line; *at; at += word_length(at)) {
		while (*at == ' ')
			at++;
		if (strncmp(at, name, n) == 0 && at[n] == '=')
			value = at + n + 1;
	}
	return value;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static u32 suffix_shift(char c)
{
	switch (c) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

u64 cmdline_u64(const char *name, u64 otherwise)
{
	const char *at = find_value(name);
	int base = 10, digit;
	u64 v = 0;
	u32 shift, digits = 0;

	if (!at)
		return otherwise;
	if (at[0] == '0' && at[1] == 'x') {
		base = 16;
		at += 2;
	}
	for (; (digit = digit_value(*at)) >= 0 && digit < base; at++, digits++)
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return otherwise;
	shift = suffix_shift(*at);
	if (shift)
		at++;
	if (digits == 0 || (*at && *at != ' ') || v << shift >> shift != v)
		return otherwise;
	return v << shift;
}

bool cmdline_is(const char *name, const char *value)
{
	const char *at = find_value(name);

	return at && word_length(at) == strlen(value) && strncmp(at, value, strlen(value)) == 0;
}

bool cmdline_has(const char *word)
{
	size_t n = strlen(word);

	for (const char *at = command_line; *at; at += word_length(at)) {
		while (*at == ' ')
			at++;
		if (word_length(at) == n && strncmp(at, word, n) == 0)
			return true;
	}
	return false;
}

bool cmdline_text(const char *name, char *buf, size_t size)
{
	const char *at = find_value(name);

	if (!at || size == 0)
		return false;
	strscpy_pad(buf, at, min(size, word_length(at) + 1));
	return true;
}
