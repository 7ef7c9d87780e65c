/* Numbers of descriptors: which is next, which are wrong, which survive exec. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static char *path;

static void duplicates(void)
{
	SHOW(fcntl(28, F_GETFD));
	int fd = open(path, O_RDONLY);

	SHOW_OK(fd);
	SHOW(fcntl(fd, F_DUPFD, 20));
	SHOW(fcntl(fd, F_DUPFD, 20));
	SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(22, F_GETFD));
	SHOW(fcntl(22, F_SETFD, 0));
	SHOW(fcntl(22, F_GETFD));
	SHOW(fcntl(21, F_SETFD, FD_CLOEXEC));
	SHOW(dup2(21, 27));
	SHOW(fcntl(27, F_GETFD));
	SHOW(dup2(21, 21));
	SHOW(fcntl(21, F_GETFD));
	SHOW(dup2(19, 27));
	SHOW(fcntl(27, F_GETFD));
	SHOW(dup2(27, -1));
	SHOW(dup2(-1, 27));
	SHOW(dup(-1));
	SHOW(dup(19));
	SHOW(fcntl(27, F_DUPFD, -1));
	SHOW(fcntl(19, F_GETFL));
	SHOW(fcntl(27, F_GETFL) & O_ACCMODE);
	SHOW(close(20));
	SHOW(close(20));
	SHOW(close(-1));
	SHOW(fcntl(27, F_DUPFD, 20));
}

/* Descriptors that are copies of each other share one position. */
static void positions(void)
{
	char byte = 0;

	SHOW(lseek(27, 1, SEEK_SET));
	SHOW(read(21, &byte, 1));
	SHOW(byte);
	SHOW(lseek(22, 0, SEEK_CUR));
	SHOW(lseek(27, -1, SEEK_SET));
	SHOW(lseek(27, 0, 77));
	SHOW(lseek(19, 0, SEEK_SET));
	SHOW(read(27, NULL, 0));
	SHOW(read(19, NULL, 0));
	SHOW(write(27, &byte, 1));
}

static void vectors(void)
{
	char bytes[4] = {0};
	struct iovec parts[3] = {
		{.iov_base = bytes, .iov_len = 1}, {0}, {.iov_base = bytes + 1, .iov_len = 2}};

	SHOW(lseek(27, 0, SEEK_SET));
	SHOW(readv(27, parts, 3));
	SHOW(memcmp(bytes,
		    "\x7f"
		    "EL",
		    3));
	SHOW(readv(27, parts, 0));
	SHOW(readv(27, parts, -1));
	SHOW(readv(27, parts, 1025));
	parts[1].iov_len = -1;
	SHOW(readv(27, parts, 3));
}

/* argv of the second run. */
static int after_exec(void)
{
	SHOW(fcntl(20, F_GETFD));
	SHOW(fcntl(21, F_GETFD));
	SHOW(fcntl(22, F_GETFD));
	SHOW(fcntl(27, F_GETFD));
	return 0;
}

int main(int argc, char **argv)
{
	path = argv[0];
	if (argc > 1)
		return after_exec();
	duplicates();
	positions();
	vectors();
	char *again[] = {argv[0], "after exec", NULL};
	execv(argv[0], again);
	return 1;
}
