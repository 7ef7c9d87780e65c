/* Formatting. A conversion that this does not know is copied as it stands, so that a mistake shows
 * instead of misleading. */
#include "lib/printf.h"
#include "lib/string.h"

/* Enough for 64 bits in decimal. */
#define DIGITS_MAX 20

/* Where the text goes: `length` counts everything, also what no longer fits. */
struct output {
	char *buf;
	size_t size, length;
};

/* One conversion, as parsed. */
struct spec {
	bool left, zero, upper;
	size_t width;
	size_t precision; /* SIZE_MAX: none given */
	u32 longs;        /* number of l; z counts as one */
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buf[out->length] = c;
	out->length++;
}

static void pad(struct output *out, char c, size_t used, size_t width)
{
	for (; used < width; used++)
		put(out, c);
}

static void put_text(struct output *out, const struct spec *spec, const char *s, size_t n)
{
	if (!spec->left)
		pad(out, ' ', n, spec->width);
	for (size_t i = 0; i < n; i++)
		put(out, s[i]);
	if (spec->left)
		pad(out, ' ', n, spec->width);
}

static void put_number(struct output *out, const struct spec *spec, u64 v, u32 base, bool negative)
{
	const char *digits = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[DIGITS_MAX + 1];
	size_t at = sizeof(text);

	do {
		text[--at] = digits[v % base];
		v /= base;
	} while (v);
	if (spec->zero && !spec->left) {
		if (negative)
			put(out, '-');
		pad(out, '0', sizeof(text) - at + negative, spec->width);
		for (; at < sizeof(text); at++)
			put(out, text[at]);
		return;
	}
	if (negative)
		text[--at] = '-';
	put_text(out, spec, text + at, sizeof(text) - at);
}

static size_t parse_number(const char **format)
{
	size_t n = 0;

	for (; **format >= '0' && **format <= '9'; (*format)++)
		n = n * 10 + (**format - '0');
	return n;
}

/* Everything between % and the conversion's letter. */
static struct spec parse_spec(const char **format)
{
	struct spec spec = {.precision = SIZE_MAX};

	for (;; (*format)++) {
		if (**format == '-')
			spec.left = true;
		else if (**format == '0')
			spec.zero = true;
		else
			break;
	}
	spec.width = parse_number(format);
	if (**format == '.') {
		(*format)++;
		spec.precision = parse_number(format);
	}
	for (; **format == 'l' || **format == 'z'; (*format)++)
		spec.longs++;
	return spec;
}

static void put_signed(struct output *out, const struct spec *spec, s64 v)
{
	put_number(out, spec, v < 0 ? -(u64)v : (u64)v, 10, v < 0);
}

static void put_pointer(struct output *out, const void *p)
{
	const struct spec spec = {.zero = true, .width = 16};

	put_number(out, &spec, (u64)p, 16, false);
}

static void put_string(struct output *out, const struct spec *spec, const char *s)
{
	if (!s)
		s = "(null)";
	put_text(out, spec, s, strnlen(s, spec->precision));
}

int vsnprintf(char *buf, size_t size, const char *format, va_list args)
{
	struct output out = {buf, size, 0};

	while (*format) {
		const char *start = format;
		struct spec spec;
		char c;

		if (*format++ != '%') {
			put(&out, *start);
			continue;
		}
		spec = parse_spec(&format);
		switch (*format) {
		case 'd':
		case 'i':
			put_signed(&out, &spec, spec.longs ? va_arg(args, s64) : va_arg(args, s32));
			break;
		case 'X':
			spec.upper = true;
			/* fallthrough */
		case 'x':
		case 'u':
			put_number(&out, &spec, spec.longs ? va_arg(args, u64) : va_arg(args, u32),
				   *format == 'u' ? 10 : 16, false);
			break;
		case 'p':
			put_pointer(&out, va_arg(args, void *));
			break;
		case 's':
			put_string(&out, &spec, va_arg(args, const char *));
			break;
		case 'c':
			c = va_arg(args, int);
			put_text(&out, &spec, &c, 1);
			break;
		case '%':
			put(&out, '%');
			break;
		default:
			while (start < format)
				put(&out, *start++);
			continue;
		}
		format++;
	}
	if (size)
		buf[min(out.length, size - 1)] = '\0';
	return out.length;
}

int snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buf, size, format, args);
	va_end(args);
	return length;
}
