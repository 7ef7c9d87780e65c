/*
 * What the programs of user/tests/abi have in common. Each asks the kernel things and says what it
 * heard; tests/system/test_abi_programs.py runs it on the host and in the guest and holds the lines
 * against each other. So what is said must not depend on the machine: no addresses, no pids, no
 * times, no order that the scheduler chooses.
 */
#ifndef USER_TESTS_ABI_H
#define USER_TESTS_ABI_H

#include <errno.h>

#include "check.h"

/* Prints one line, with the program's name before it: that tells it from what others print. At most
 * SAY_MAX bytes; what is longer is cut. Keeps errno. */
#define SAY_MAX 400
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "EINVAL" for EINVAL; "errno N" for one without a name here. */
const char *errno_name(int error);

/* Says the call and its result: `close(9) = -1 EBADF`. For results that are the same everywhere. */
#define SHOW(call) (errno = 0, show_result(#call, (long)(call)))
/* The same with `ok` for every result but -1 (MAP_FAILED is -1 too). */
#define SHOW_OK(call) (errno = 0, show_success(#call, (long)(call)))
long show_result(const char *call, long result);
long show_success(const char *call, long result);

/* Says how a process ended or stopped, from the wait status: `what: exited 3`. */
void show_status(const char *what, int status);

/* Runs `action` in a forked child, which exits with its result, and says how it ended. */
void show_child(const char *what, int (*action)(void *context), void *context);

#endif
