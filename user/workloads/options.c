/*
 * Owns the spelling of numbers and sizes on the command lines of workloads. getopt_long was
 * rejected: it prints its messages through stdio and knows neither sizes nor limits.
 */
#include "options.h"

#include <string.h>
#include <unistd.h>

#include "../lib/print.h"

#define EXIT_USAGE 2

static bool parse_suffix(const char *text, enum option_kind kind, unsigned int *shift)
{
	*shift = 0;
	if (*text == '\0')
		return true;
	if (kind != OPTION_SIZE || text[1] != '\0')
		return false;
	switch (*text) {
	case 'K':
		*shift = 10;
		return true;
	case 'M':
		*shift = 20;
		return true;
	case 'G':
		*shift = 30;
		return true;
	default:
		return false;
	}
}

bool options_parse_number(const char *text, enum option_kind kind, uint64_t *value)
{
	uint64_t number = 0;
	unsigned int shift;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return false;
	}
	if (!parse_suffix(text, kind, &shift) || number > UINT64_MAX >> shift)
		return false;
	*value = number << shift;
	return true;
}

static const struct option *find_option(const struct option *options, size_t nr_options,
					const char *name)
{
	for (size_t i = 0; i < nr_options; i++) {
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	}
	return NULL;
}

void options_parse(const struct option *options, size_t nr_options, int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		const struct option *option = find_option(options, nr_options, argv[i]);
		uint64_t value;

		if (!option) {
			print("%s: unknown option %s\n", argv[0], argv[i]);
			_exit(EXIT_USAGE);
		}
		if (i + 1 == argc) {
			print("%s: %s needs a value\n", argv[0], argv[i]);
			_exit(EXIT_USAGE);
		}
		if (!options_parse_number(argv[i + 1], option->kind, &value) ||
		    value < option->min || value > option->max) {
			print("%s: %s %s: want a number from %llu to %llu%s\n", argv[0], argv[i],
			      argv[i + 1], (unsigned long long)option->min,
			      (unsigned long long)option->max,
			      option->kind == OPTION_SIZE ? ", K, M or G allowed" : "");
			_exit(EXIT_USAGE);
		}
		*option->value = value;
	}
}
