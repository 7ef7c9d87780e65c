/* A circle of record locks is noticed also when who sleeps in it is in somebody else's way by then than when he began. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static int fd, told[2], go[2];

static int lock(int type, int start, int length, int command)
{
	struct flock flock = {.l_type = type, .l_start = start, .l_len = length};

	return fcntl(fd, command, &flock);
}

static void tell(int pipe_end)
{
	if (write(pipe_end, "", 1) != 1)
		say("nobody hears");
}

static void hear(int pipe_end)
{
	char byte;

	while (read(pipe_end, &byte, 1) < 0)
		;
}

static void hold_for_a_while(void)
{
	SHOW(lock(F_WRLCK, 0, 5, F_SETLK));
	tell(told[1]);
	hear(go[0]);
	SHOW(lock(F_UNLCK, 0, 5, F_SETLK));
	tell(told[1]);
	_exit(0);
}

static void wait_for_lock(void)
{
	SHOW(lock(F_WRLCK, 20, 10, F_SETLK));
	tell(told[1]);
	_exit(lock(F_WRLCK, 0, 10, F_SETLKW) != 0 && errno == EDEADLK);
}

static void until_asleep(pid_t pid)
{
	char path[32], text[64], state = 'R';

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (state != 'S') {
		int stat = open(path, O_RDONLY);
		ssize_t n = read(stat, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = 0;
		sscanf(text, "%*d (%*[^)]) %c", &state);
		close(stat);
	}
}

int main(void)
{
	int status, heard;
	pid_t holder, waiter;

	alarm(20);
	fd = open("locks", O_CREAT | O_RDWR, 0600);
	SHOW(pipe(told) | pipe(go));
	if ((holder = fork()) == 0)
		hold_for_a_while();
	hear(told[0]);
	if ((waiter = fork()) == 0)
		wait_for_lock();
	hear(told[0]);
	until_asleep(waiter);
	SHOW(lock(F_WRLCK, 6, 4, F_SETLK));
	tell(go[1]);
	hear(told[0]);
	waitpid(holder, NULL, 0);
	heard = lock(F_WRLCK, 20, 10, F_SETLKW) != 0 && errno == EDEADLK;
	lock(F_UNLCK, 0, 0, F_SETLK);
	waitpid(waiter, &status, 0);
	/* Which of the two asked last is not fixed. */
	SHOW(heard + WEXITSTATUS(status));
	unlink("locks");
	return 0;
}
