/* fadvise and readahead: what may be advised, about which files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi.h"

static long advise(int fd, long offset, long length, int advice)
{
	return syscall(SYS_fadvise64, fd, offset, length, advice);
}

static void ask(int fd)
{
	for (int advice = 0; advice <= 5; advice++)
		SHOW(advise(fd, 0, 4096, advice));
	SHOW(advise(fd, 0, 4096, 6));
	SHOW(advise(fd, 0, 4096, -1));
	SHOW(advise(fd, 0, -1, 0));
	SHOW(advise(fd, -1, 1, 0));
	SHOW(advise(fd, 0, 0, 4));
	SHOW(syscall(SYS_readahead, fd, 0l, 4096l));
	SHOW(syscall(SYS_readahead, fd, 0l, -1l));
}

int main(void)
{
	int file = open("advice.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600), ends[2];
	int writer = open("advice.tmp", O_WRONLY), path = open("advice.tmp", O_PATH);
	int directory = open(".", O_RDONLY), null = open("/dev/null", O_RDONLY);

	SHOW(pipe(ends));
	say("file");
	ask(file);
	say("write only");
	ask(writer);
	say("O_PATH");
	ask(path);
	say("directory");
	ask(directory);
	say("pipe");
	ask(ends[0]);
	say("null");
	ask(null);
	say("none");
	ask(-1);
	SHOW(unlink("advice.tmp"));
	return 0;
}
