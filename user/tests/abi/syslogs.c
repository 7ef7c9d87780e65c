/* syslog(2) and /dev/kmsg: what they refuse, and how a message looks. What the log holds is the
 * machine's, so nothing is said of it, cleared or written. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../abi.h"

static char buffer[8192];
static char *volatile nowhere = (char *)8;

static long call(int action, void *to, int size)
{
	return syscall(SYS_syslog, action, to, size);
}

static void refusals(void)
{
	SHOW(call(-1, buffer, 1));
	SHOW(call(11, buffer, 1));
	SHOW(call(0, NULL, 0));
	SHOW(call(1, NULL, 0));
	for (int action = 2; action <= 3; action++) {
		say("action %d", action);
		SHOW(call(action, NULL, 10));
		SHOW(call(action, buffer, -1));
		SHOW(call(action, buffer, 0));
		SHOW(call(action, (void *)0xffffffff81000000, 10));
	}
	SHOW(call(8, NULL, 0));
	SHOW(call(8, NULL, 9));
	SHOW(call(9, NULL, 0) >= 0);
	SHOW(call(10, NULL, 0) >= 4096);
}

static int is_line(const char *line)
{
	char *end;

	return line[0] == '<' && strtol(line + 1, &end, 10) >= 0 && *end == '>';
}

/* The last messages are whole ones. */
static void last_messages(void)
{
	long size = call(3, buffer, sizeof(buffer));

	SHOW(size > 0 && size <= (long)sizeof(buffer));
	SHOW(is_line(buffer));
	SHOW(size > 0 && buffer[size - 1] == '\n');
	SHOW(call(3, buffer, 3));
}

static int unprivileged(void *nothing)
{
	(void)nothing;
	SHOW(setuid(65534));
	SHOW(call(0, NULL, 0));
	SHOW(call(2, buffer, 10));
	SHOW(call(4, buffer, 10));
	SHOW(call(5, NULL, 0));
	SHOW(call(6, NULL, 0));
	SHOW(call(8, NULL, 4));
	SHOW(call(9, NULL, 0));
	SHOW(call(11, NULL, 0));
	return 0;
}

static int events(int fd)
{
	struct pollfd poller = {fd, POLLIN | POLLOUT, 0};

	poll(&poller, 1, 0);
	return poller.revents;
}

static int has_form(const char *record)
{
	char *at;

	strtol(record, &at, 10);
	if (*at != ',')
		return 0;
	strtol(at + 1, &at, 10);
	if (*at != ',')
		return 0;
	strtol(at + 1, &at, 10);
	return *at == ',' && strchr(at, ';');
}

static void device(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	struct stat stat;
	long size;

	SHOW(fstat(fd, &stat));
	SHOW(stat.st_mode);
	SHOW(stat.st_rdev == makedev(1, 11));
	SHOW(events(fd));
	size = read(fd, buffer, sizeof(buffer) - 1);
	SHOW(size > 0 && buffer[size - 1] == '\n');
	SHOW(has_form(buffer));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(read(fd, buffer, 3));
	SHOW(read(fd, nowhere, sizeof(buffer)));
	SHOW(write(fd, "x", 1));
	SHOW(lseek(fd, 1, SEEK_SET));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(pread(fd, buffer, 10, 0) < 0);
	while ((size = read(fd, buffer, sizeof(buffer))) > 0 || errno == EPIPE)
		;
	SHOW(read(fd, buffer, sizeof(buffer)));
	SHOW(events(fd));
	close(fd);
	fd = open("/dev/kmsg", O_WRONLY);
	SHOW(write(fd, buffer, 4096));
	SHOW(write(fd, nowhere, 10));
	SHOW(read(fd, buffer, 10));
	close(fd);
}

int main(void)
{
	refusals();
	last_messages();
	show_child("unprivileged", unprivileged, NULL);
	device();
	return 0;
}
