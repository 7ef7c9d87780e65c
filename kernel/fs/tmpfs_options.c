/* Mount options of tmpfs: "name=value,name=value", sizes with a suffix k, m, g or %. */
#include "fs/tmpfs_options.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/page.h"

struct tmpfs_limits tmpfs_default_limits(void)
{
	return (struct tmpfs_limits){nr_managed_frames / 2, nr_managed_frames / 2};
}

static u32 digit_value(char c)
{
	return c >= '0' && c <= '9' ? (u32)(c - '0') : ~0u;
}

/* A number in base 8 or 10 at *text, which moves behind it; false when there is none or it is
 * too large. */
static bool parse_number(const char **text, u32 base, u64 *number)
{
	const char *start = *text;

	*number = 0;
	while (digit_value(**text) < base) {
		if (__builtin_mul_overflow(*number, base, number) ||
		    __builtin_add_overflow(*number, digit_value(**text), number))
			return false;
		(*text)++;
	}
	return *text > start;
}

/* A whole value. */
static bool parse_value(const char *text, u32 base, u64 *number)
{
	return parse_number(&text, base, number) && *text == '\0';
}

/* Bytes, with a suffix; '%' is of RAM. */
static bool parse_size(const char *text, u64 *bytes)
{
	u32 shift = 0;

	if (!parse_number(&text, 10, bytes))
		return false;
	if (text[0] == '%' && text[1] == '\0') {
		*bytes = *bytes * nr_managed_frames / 100 * PAGE_SIZE;
		return true;
	}
	switch (*text) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	default:
		return *text == '\0';
	}
	return text[1] == '\0' && !__builtin_mul_overflow(*bytes, 1ul << shift, bytes);
}

static bool set_option(const char *name, const char *value, struct tmpfs_limits *limits,
		       struct tmpfs_root *root)
{
	u64 number;

	if (strcmp(name, "size") == 0) {
		if (!parse_size(value, &number) || number > ~0ul - PAGE_SIZE)
			return false;
		limits->blocks = PAGE_ALIGN(number) / PAGE_SIZE;
		return true;
	}
	if (strcmp(name, "nr_blocks") == 0)
		return parse_size(value, &limits->blocks);
	if (strcmp(name, "nr_inodes") == 0)
		return parse_size(value, &limits->inodes);
	if (strcmp(name, "mode") == 0) {
		bool ok = parse_value(value, 8, &number);

		root->mode = number & 07777;
		return ok;
	}
	if (!parse_value(value, 10, &number) || number >= 0xffffffffu)
		return false;
	if (strcmp(name, "uid") == 0) {
		root->uid = number;
		root->has_uid = true;
	} else if (strcmp(name, "gid") == 0) {
		root->gid = number;
		root->has_gid = true;
	} else {
		return false;
	}
	return true;
}

int tmpfs_parse_options(char *options, struct tmpfs_limits *limits, struct tmpfs_root *root)
{
	while (options && *options) {
		char *next = strchr(options, ',');

		if (next)
			*next++ = '\0';
		char *value = strchr(options, '=');
		if (value)
			*value++ = '\0';
		if (*options && (!value || !set_option(options, value, limits, root)))
			return -EINVAL;
		options = next;
	}
	return 0;
}

void tmpfs_show_options(const struct tmpfs_limits *limits, const struct tmpfs_root *root, char *to,
			size_t size)
{
	struct tmpfs_limits defaults = tmpfs_default_limits();
	char texts[5][32] = {"", "", "", "", ""};

	if (limits->blocks != defaults.blocks)
		snprintf(texts[0], sizeof(texts[0]), ",size=%luk",
			 limits->blocks * (PAGE_SIZE / KIB));
	if (limits->inodes != defaults.inodes)
		snprintf(texts[1], sizeof(texts[1]), ",nr_inodes=%lu", limits->inodes);
	if (root->mode != 01777)
		snprintf(texts[2], sizeof(texts[2]), ",mode=%u%u%u", root->mode >> 6 & 7,
			 root->mode >> 3 & 7, root->mode & 7);
	if (root->uid)
		snprintf(texts[3], sizeof(texts[3]), ",uid=%u", root->uid);
	if (root->gid)
		snprintf(texts[4], sizeof(texts[4]), ",gid=%u", root->gid);
	snprintf(to, size, "%s%s%s%s%s", texts[0], texts[1], texts[2], texts[3], texts[4]);
}
