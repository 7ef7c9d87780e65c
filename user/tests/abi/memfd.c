/* memfd_create and seals. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)

static int make(const char *name, unsigned int flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

static void names(void)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[250] = 0;
	SHOW(make(name, 0));
	name[249] = 0;
	SHOW_OK(make(name, 0));
	SHOW(make("f", 0x100));
	SHOW(make((const char *)8, 0));
}

static void content(void)
{
	int fd = make("content", MFD_CLOEXEC);
	struct stat stat;
	char text[8] = "";
	char *at;

	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL));
	SHOW(pwrite(fd, "hello", 5, PAGE));
	fstat(fd, &stat);
	say("size %ld, blocks %ld, mode %o, links %ld", (long)stat.st_size, (long)stat.st_blocks,
	    stat.st_mode, (long)stat.st_nlink);
	at = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	say("mapped: %.5s", at + PAGE);
	at[0] = 'A';
	SHOW(pread(fd, text, 1, 0));
	say("read: %s", text);
	SHOW(ftruncate(fd, PAGE));
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	close(fd);
	say("closed: %c", at[0]);
}

static void seals(void)
{
	int fd = make("seals", MFD_ALLOW_SEALING);
	char *at;

	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(ftruncate(fd, 2 * PAGE));
	SHOW(fcntl(fd, F_ADD_SEALS, 0x100));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(ftruncate(fd, 3 * PAGE));
	SHOW(pwrite(fd, "x", 1, 2 * PAGE));
	SHOW(pwrite(fd, "xy", 2, 2 * PAGE - 1));
	SHOW(ftruncate(fd, PAGE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(ftruncate(fd, 0));
	at = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(at, PAGE);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(write(fd, "x", 1));
	SHOW(syscall(SYS_mmap, 0l, PAGE, RW, MAP_SHARED, fd, 0l));
	SHOW_OK(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(fcntl(fd, F_GET_SEALS));
}

static void future(void)
{
	int fd = make("future", MFD_ALLOW_SEALING), pipes[2];
	char *at;

	SHOW(ftruncate(fd, PAGE));
	at = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	SHOW(fcntl(fd, F_ADD_SEALS, 0x10)); /* F_SEAL_FUTURE_WRITE */
	at[0] = 'f';
	say("the old mapping: %c", at[0]);
	SHOW(write(fd, "x", 1));
	SHOW(syscall(SYS_mmap, 0l, PAGE, RW, MAP_SHARED, fd, 0l));
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	say("readable: %c", at[0]);
	SHOW(mprotect(at, PAGE, RW));
	SHOW(pipe(pipes));
	SHOW(fcntl(pipes[1], F_ADD_SEALS, F_SEAL_GROW));
	SHOW(fcntl(pipes[1], F_GET_SEALS));
}

int main(void)
{
	names();
	content();
	seals();
	future();
	return 0;
}
