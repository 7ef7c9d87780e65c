/* A process that is told to stop and, before it has stopped, to go on. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define ROUNDS      600
#define PATIENCE_MS 10000

static void echo(int in, int out)
{
	char byte;

	while (read(in, &byte, 1) == 1 && write(out, &byte, 1) == 1)
		;
	_exit(0);
}

/* It may stop for a moment, or not at all: but it goes on. */
static int rounds_survived(pid_t child, int sig, int to, int from)
{
	struct pollfd answer = {.fd = from, .events = POLLIN};
	char byte = 0;

	for (int round = 0; round < ROUNDS; round++) {
		if (write(to, &byte, 1) != 1 || kill(child, sig) != 0 || kill(child, SIGCONT) != 0)
			return -1;
		if (poll(&answer, 1, PATIENCE_MS) != 1 || read(from, &byte, 1) != 1)
			return round;
	}
	return ROUNDS;
}

int main(void)
{
	int to[2], from[2], status = 0;

	if (pipe(to) != 0 || pipe(from) != 0)
		return 1;
	/* In a group of its own, which is not orphaned: its parent is of the same session. */
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		close(to[1]);
		echo(to[0], from[1]);
	}
	setpgid(child, child);
	close(to[0]);
	SHOW(rounds_survived(child, SIGTSTP, to[1], from[0]));
	SHOW(rounds_survived(child, SIGSTOP, to[1], from[0]));
	SHOW(kill(child, SIGKILL));
	SHOW(waitpid(child, &status, 0) == child);
	show_status("child", status);
	return 0;
}
