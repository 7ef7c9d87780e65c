/* eventfd: counting, waiting, polling; and sockets of kinds that there are not. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static int events(int fd)
{
	struct pollfd poller = {fd, POLLIN | POLLOUT, 0};

	poll(&poller, 1, 0);
	return poller.revents;
}

static uint64_t value;

static void count(int flags)
{
	int fd = eventfd(2, flags | EFD_NONBLOCK);

	SHOW(fcntl(fd, F_GETFL));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(events(fd));
	SHOW(read(fd, &value, 7));
	SHOW(write(fd, &value, 7));
	SHOW(read(fd, &value, 8));
	SHOW(value);
	SHOW(read(fd, &value, 16));
	SHOW(value);
	SHOW(read(fd, &value, 8));
	SHOW(events(fd));
	value = -2;
	SHOW(write(fd, &value, 8));
	value = 0;
	SHOW(write(fd, &value, 8));
	SHOW(events(fd));
	value = 1;
	SHOW(write(fd, &value, 8));
	value = -1;
	SHOW(write(fd, &value, 8));
	SHOW(read(fd, (void *)8, 8));
	SHOW(write(fd, (void *)8, 8));
	SHOW(lseek(fd, 0, SEEK_SET) <= 0);
	close(fd);
}

static void wait_for_each_other(void)
{
	int there = eventfd(0, 0), back = eventfd(0, 0), status;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 100; i++) {
			if (read(there, &value, 8) != 8 || value != 1 ||
			    write(back, &value, 8) != 8)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		value = 1;
		if (write(there, &value, 8) != 8 || read(back, &value, 8) != 8 || value != 1)
			say("failed");
	}
	waitpid(pid, &status, 0);
	show_status("echo", status);
	close(there);
	close(back);
}

int main(void)
{
	count(0);
	count(EFD_SEMAPHORE | EFD_CLOEXEC);
	SHOW(eventfd(0, 2));
	wait_for_each_other();
	SHOW(socket(99, SOCK_STREAM, 0));
	SHOW(socket(AF_UNIX, 77, 0));
	SHOW(socket(-1, SOCK_STREAM, 0));
	return 0;
}
