/* Shared memory and mapped files: who sees what, what may be asked for, and where a file ends. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE        4096ul
#define RW          (PROT_READ | PROT_WRITE)
#define SHARED_ANON (MAP_SHARED | MAP_ANONYMOUS)

static char *shared(size_t pages)
{
	return mmap(NULL, pages * PAGE, RW, SHARED_ANON, -1, 0);
}

/* How a child ends that runs f(arg). */
static int in_child(void (*f)(char *arg), char *arg)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		f(arg);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void write_two(char *at)
{
	at[0] = 'c';
	at[3 * PAGE] = 'd';
}

static void read_it(char *at)
{
	_exit(*(volatile char *)at);
}

static void write_it(char *at)
{
	*(volatile char *)at = 1;
}

static void across_fork(void)
{
	char *at = shared(4), *private = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	at[0] = 'p';
	private[0] = 'p';
	SHOW(in_child(write_two, at));
	say("the child wrote %c and %c", at[0], at[3 * PAGE]);
	SHOW(in_child(write_it, private));
	say("not to what is private: %c", private[0]);
	SHOW(munmap(at, PAGE));
	SHOW(in_child(read_it, at));
	say("the rest is still %c", at[3 * PAGE]);
}

static void rights(void)
{
	char *at = shared(2);

	at[0] = 'r';
	SHOW(mprotect(at, PAGE, PROT_READ));
	SHOW(in_child(write_it, at));
	SHOW(in_child(read_it, at));
	SHOW(mprotect(at, PAGE, PROT_NONE));
	SHOW(in_child(read_it, at));
	SHOW(mprotect(at, PAGE, RW));
	SHOW(in_child(write_it, at));
	say("written by the child: %d", at[0]);
}

static void advice(void)
{
	unsigned char in_memory[4] = {0};
	char *at = shared(4);

	at[0] = 'a';
	at[PAGE] = 'b';
	SHOW(madvise(at, 2 * PAGE, MADV_DONTNEED));
	say("still there: %c%c", at[0], at[PAGE]);
	SHOW(mincore(at, 4 * PAGE, in_memory));
	say("in memory: %d%d%d%d", in_memory[0] & 1, in_memory[1] & 1, in_memory[2] & 1,
	    in_memory[3] & 1);
	SHOW(madvise(at, PAGE, MADV_REMOVE));
	say("removed: %d, kept: %c", at[0], at[PAGE]);
	SHOW(madvise(at, PAGE, MADV_FREE));
	SHOW(madvise(at, PAGE, MADV_WIPEONFORK));
	SHOW(msync(at, PAGE, MS_SYNC));
}

/* The same memory at two places. */
static void twice(void)
{
	char *at = shared(4), *again;

	at[2 * PAGE] = 't';
	again = mremap(at + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
	say("a second mapping: %d", again != MAP_FAILED && again != at + PAGE);
	say("of the same page: %c", again[PAGE]);
	again[PAGE] = 'u';
	say("%c", at[2 * PAGE]);
	at = mremap(at, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	say("grown: %c", at[2 * PAGE]);
	/* It is a file of four pages. */
	SHOW(in_child(read_it, at + 4 * PAGE));
	SHOW(munmap(at, 8 * PAGE));
	say("after the first one went: %c", again[PAGE]);
}

static void errors(int fd)
{
	SHOW(syscall(SYS_mmap, 0l, PAGE, RW, MAP_ANONYMOUS, -1, 0l));
	SHOW(syscall(SYS_mmap, 0l, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0l));
	SHOW(syscall(SYS_mmap, 0l, PAGE, RW, SHARED_ANON | MAP_GROWSDOWN, -1, 0l));
	SHOW(syscall(SYS_mmap, 0l, PAGE, RW, MAP_SHARED, -1, 0l));
	SHOW(syscall(SYS_mmap, 0l, PAGE, RW, MAP_SHARED, fd, 0l));
	SHOW(syscall(SYS_mmap, 0l, PAGE, PROT_READ, MAP_SHARED, fd, 1l));
	SHOW(syscall(SYS_mmap, 0l, 0l, PROT_READ, MAP_SHARED, fd, 0l));
	SHOW(syscall(SYS_mmap, 0l, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)-PAGE));
	SHOW(syscall(SYS_mmap, 0l, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0l));
	SHOW(syscall(SYS_mmap, 0l, PAGE, PROT_READ, 0, fd, 0l));
}

static void of_a_file(int fd)
{
	struct stat stat;
	char *at, *shared;
	size_t size;

	fstat(fd, &stat);
	size = (stat.st_size + PAGE - 1) & ~(PAGE - 1);
	at = mmap(NULL, size + PAGE, RW, MAP_PRIVATE, fd, 0);
	shared = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	say("private and shared: %.3s %.3s", at + 1, shared + 1);
	SHOW(memcmp(at, shared, stat.st_size));
	at[1] = 'X';
	say("written: %.3s %.3s", at + 1, shared + 1);
	SHOW(in_child(write_it, shared));
	SHOW(mprotect(shared, PAGE, RW));
	SHOW(in_child(read_it, at + size - 1));
	SHOW(in_child(read_it, at + size));
	SHOW(in_child(write_it, at + size));
	SHOW(madvise(at, PAGE, MADV_DONTNEED));
	say("the file again: %.3s", at + 1);
	SHOW(madvise(shared, PAGE, MADV_REMOVE));
	SHOW(munmap(at, size + PAGE));
	SHOW(munmap(shared, size));
}

int main(int argc, char **argv)
{
	int fd = open(argv[0], O_RDONLY);

	(void)argc;
	across_fork();
	rights();
	advice();
	twice();
	errors(fd);
	of_a_file(fd);
	return 0;
}
