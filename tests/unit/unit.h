/*
 * What every unit test includes, first: cmocka with the headers it needs, and a main() that ends
 * with the line "N passed, N failed" that tests/run adds up.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* main() of a test program that has its tests in `tests`, an array of struct CMUnitTest. */
#define UNIT_MAIN(tests)                                                  \
	int main(void)                                                    \
	{                                                                 \
		int total = sizeof(tests) / sizeof((tests)[0]);           \
		int failed = cmocka_run_group_tests(tests, NULL, NULL);   \
                                                                          \
		fflush(stderr);                                           \
		printf("%d passed, %d failed\n", total - failed, failed); \
		return failed != 0;                                       \
	}

/* A fixed sequence of numbers that look random: every run is the same (xorshift64*, Vigna 2014). */
static inline uint64_t unit_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

#endif
