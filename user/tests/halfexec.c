/*
 * halfexec: execs by a thread that is not the leader. One ends well. One fails when the other threads are gone: it shares its
 * descriptors, and there is no memory to copy the table, which is large. That process can only die.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"

/* The table of so many is a block of 2 MiB, of which a small machine has a few. */
#define NR_FDS     131072
#define MAX_TABLES 64

static void *exec_self(void *argument)
{
	char *argv[] = {"halfexec", argument, NULL};

	execv("/proc/self/exe", argv);
	print("halfexec.back %s\n", strerror(errno));
	exit(1);
}

static void exec_by_thread(char *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_self, argument) == 0)
		for (;;)
			pause();
	exit(2);
}

static void fail_half_way(void)
{
	pid_t pid = 1;

	setpgid(0, 0);
	if (syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0) == 0)
		for (;;)
			pause();
	/* Each has a table of its own, until there is no block for another. */
	for (int i = 0; i < MAX_TABLES && pid > 0; i++)
		pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0 && errno == ENOMEM)
		exec_by_thread("unreachable");
	exit(3);
}

int main(int argc, char **argv)
{
	struct rlimit limit = {NR_FDS, NR_FDS};
	int status;

	if (argc > 1)
		return atoi(argv[1]);
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || dup2(0, NR_FDS - 1) < 0) {
		print("halfexec: no large table: %s\n", strerror(errno));
		return 1;
	}
	pid_t pid = fork();
	if (pid == 0)
		fail_half_way();
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL);
	print("halfexec.status %d\n", status);
	exec_by_thread("3");
}
