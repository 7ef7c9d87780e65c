/*
 * What the ABI tests have in common. A test is a function that returns NULL, or the reason why it
 * failed; check_run calls a table of them and prints `ok NAME` or `FAIL NAME: reason`.
 */
#ifndef USER_TESTS_CHECK_H
#define USER_TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct check {
	const char *name;
	const char *(*test)(void);
};

/* Returns the exit status of the program: 0 when all passed, else 1. */
int check_run(const struct check *checks, size_t nr_checks);

/* Leaves the test with the condition as the reason. */
#define CHECK(condition)                                \
	do {                                            \
		if (!(condition))                       \
			return "not true: " #condition; \
	} while (0)

/* The raw wait status of a process that exited with this code. */
#define CHECK_EXITED(code) ((code) << 8)

/* Runs `action` in a forked child, which exits with its result. Returns the raw wait status, or -1.
 */
int check_in_child(int (*action)(void *context), void *context);

/* Whether `access` of an address kills a child with SIGSEGV. */
enum check_access { CHECK_READ, CHECK_WRITE };
bool check_segfaults(void *address, enum check_access access);

#endif
