/* FIFOs: who waits for whom at open, and what each end sees of the other. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define NAME "fifo"

static char bytes[100];

static int events(int fd)
{
	struct pollfd poller = {fd, POLLIN | POLLOUT, 0};

	poll(&poller, 1, 0);
	return poller.revents;
}

static void opens(void)
{
	struct stat stat;

	SHOW(mkfifo(NAME, 0640));
	SHOW(mkfifo(NAME, 0640));
	SHOW(lstat(NAME, &stat));
	SHOW(stat.st_mode);
	SHOW(open(NAME, O_WRONLY | O_NONBLOCK));
	int reader = open(NAME, O_RDONLY | O_NONBLOCK);
	SHOW_OK(reader);
	SHOW(events(reader));
	SHOW(read(reader, bytes, 1));
	int writer = open(NAME, O_WRONLY | O_NONBLOCK | O_TRUNC);
	SHOW_OK(writer);
	SHOW(events(reader));
	SHOW(read(reader, bytes, 1));
	SHOW(write(writer, "four", 4));
	SHOW(events(reader));
	SHOW(close(writer));
	SHOW(events(reader));
	SHOW(read(reader, bytes, 100));
	SHOW(events(reader));
	SHOW(read(reader, bytes, 100));
	writer = open(NAME, O_WRONLY);
	SHOW_OK(writer);
	SHOW(events(reader));
	SHOW(write(writer, "lost", 4));
	close(reader);
	SHOW(events(writer));
	close(writer);
	/* What was in it is gone with the last end. */
	int both = open(NAME, O_RDWR | O_NONBLOCK);
	SHOW(read(both, bytes, 100));
	SHOW(write(both, "self", 4));
	SHOW(events(both));
	SHOW(read(both, bytes, 100));
	SHOW(lseek(both, 0, SEEK_SET));
	SHOW(ftruncate(both, 0));
	SHOW(fcntl(both, F_GETPIPE_SZ));
	close(both);
}

/* Both sides wait for each other in open. */
static void meet(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int writer = open(NAME, O_WRONLY);

		_exit(write(writer, "met", 3) == 3 ? 0 : 1);
	}
	int reader = open(NAME, O_RDONLY);
	SHOW_OK(reader);
	SHOW(read(reader, bytes, 100));
	SHOW(memcmp(bytes, "met", 3));
	SHOW(read(reader, bytes, 100));
	close(reader);
	waitpid(pid, &status, 0);
	show_status("writer", status);
	pid = fork();
	if (pid == 0) {
		reader = open(NAME, O_RDONLY);
		_exit(read(reader, bytes, 100) == 0 ? 4 : 5);
	}
	close(open(NAME, O_WRONLY));
	waitpid(pid, &status, 0);
	show_status("reader", status);
}

int main(void)
{
	opens();
	meet();
	SHOW(unlink(NAME));
	return 0;
}
