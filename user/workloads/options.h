/*
 * Command lines of the form `--name value`.
 */
#ifndef USER_WORKLOADS_OPTIONS_H
#define USER_WORKLOADS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_NUMBER, /* decimal digits */
	OPTION_SIZE,   /* decimal digits, then nothing, K, M or G (powers of 1,024) */
};

struct option {
	const char *name; /* with its dashes */
	enum option_kind kind;
	uint64_t *value; /* holds the default before, the value of the command line after */
	uint64_t min;
	uint64_t max;
};

/*
 * Sets the options that argv names. On a mistake: prints one line that says which argument is wrong
 * and exits with status 2.
 */
void options_parse(const struct option *options, size_t nr_options, int argc, char **argv);

/* False when the text is not a number of this kind. */
bool options_parse_number(const char *text, enum option_kind kind, uint64_t *value);

#endif
