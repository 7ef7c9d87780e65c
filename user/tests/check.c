/*
 * Owns nothing. Whether an access faults is asked of a child that may die of it: catching SIGSEGV
 * was rejected, because a kernel needs no signal handlers to run these tests.
 */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"

int check_run(const struct check *checks, size_t nr_checks)
{
	int exit_status = 0;

	for (size_t i = 0; i < nr_checks; i++) {
		const char *reason = checks[i].test();

		if (reason) {
			print("FAIL %s: %s\n", checks[i].name, reason);
			exit_status = 1;
		} else {
			print("ok %s\n", checks[i].name);
		}
	}
	return exit_status;
}

int check_in_child(int (*action)(void *context), void *context)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0)
		_exit(action(context));
	if (wait4(pid, &status, 0, NULL) != pid)
		return -1;
	return status;
}

static int read_byte(void *address)
{
	(void)*(volatile char *)address;
	return 0;
}

static int write_byte(void *address)
{
	*(volatile char *)address = 1;
	return 0;
}

bool check_segfaults(void *address, enum check_access access)
{
	int status = check_in_child(access == CHECK_WRITE ? write_byte : read_byte, address);

	return status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}
