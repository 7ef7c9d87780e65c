/*
 * pagecache: pages of files that are locked, cut, read and mapped while others do the same. Prints the
 * ranges it used, so that a reader of the trace can see what became of their pages.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "../lib/print.h"

#define PAGE 4096ul
/* Pages of a test's file. */
#define NR 64
/* Where they are mapped: addresses that nothing else in the trace has. */
#define CUT_AT     0x200000000000ul
#define PUNCH_AT   0x210000000000ul
#define TWICE_AT   0x220000000000ul
#define TOUCHED_AT 0x230000000000ul
/* More pages than small machines have. */
#define NR_STREAM 8192
#define NR_CUTS   40

/* A file in memory, and a shared mapping of it, or NULL. */
static char *map_file(unsigned long at, int *fd)
{
	void *p;

	*fd = memfd_create("pagecache", 0);
	if (*fd < 0 || ftruncate(*fd, NR * PAGE))
		return NULL;
	p = mmap((void *)at, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
		 *fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

static void write_pages(char *p, size_t nr_pages)
{
	for (size_t i = 0; i < nr_pages; i++)
		memset(p + i * PAGE, (int)i, PAGE);
}

/* Takes all memory that can be had, for a moment. */
static bool press(void)
{
	char *p = mmap(NULL, NR_STREAM * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		return false;
	write_pages(p, NR_STREAM);
	return munmap(p, NR_STREAM * PAGE) == 0;
}

/* What is locked goes with its file. */
static const char *test_cut_locked(void)
{
	int fd;
	char *p = map_file(CUT_AT, &fd);

	CHECK(p && mlock(p, NR * PAGE) == 0);
	write_pages(p, NR);
	CHECK(ftruncate(fd, 0) == 0);
	CHECK(munmap(p, NR * PAGE) == 0 && close(fd) == 0);
	return NULL;
}

static const char *test_punch_locked(void)
{
	int fd;
	char *p = map_file(PUNCH_AT, &fd);

	CHECK(p && mlock(p, NR * PAGE) == 0);
	write_pages(p, NR);
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, NR * PAGE) == 0);
	for (size_t i = 0; i < NR * PAGE; i++)
		CHECK(p[i] == 0);
	CHECK(munmap(p, NR * PAGE) == 0 && close(fd) == 0);
	return NULL;
}

/* Two locked mappings, of which one is unlocked: the pages stay. */
static const char *test_locked_twice(void)
{
	int fd;
	char *p = map_file(TWICE_AT, &fd), *q;
	unsigned char states[NR];

	q = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p && q != MAP_FAILED && mlock(p, NR * PAGE) == 0 && mlock(q, NR * PAGE) == 0);
	write_pages(p, NR);
	CHECK(munlock(q, NR * PAGE) == 0);
	CHECK(press() && press());
	CHECK(mincore(p, NR * PAGE, states) == 0);
	for (size_t i = 0; i < NR; i++)
		CHECK(states[i] & 1);
	CHECK(munmap(q, NR * PAGE) == 0 && munmap(p, NR * PAGE) == 0 && close(fd) == 0);
	return NULL;
}

/* Behind the end of the file: the next page. */
static void on_sigbus(int sig)
{
	(void)sig;
	_exit(0);
}

/* Touches the pages until one lies behind the end. */
static void __attribute__((noreturn)) child_touches(volatile char *pages)
{
	signal(SIGBUS, on_sigbus);
	for (;;)
		for (size_t i = 0; i < NR; i++)
			pages[i * PAGE] = 1;
}

/* While others fault in it, a file is cut: no page is left behind its end. */
static const char *test_cut_while_touched(void)
{
	int fd;
	char *p = map_file(TOUCHED_AT, &fd);
	struct stat stat;

	CHECK(p);
	for (int i = 0; i < NR_CUTS; i++) {
		pid_t pids[2];

		CHECK(ftruncate(fd, NR * PAGE) == 0);
		for (int n = 0; n < 2; n++) {
			pids[n] = fork();
			CHECK(pids[n] >= 0);
			if (pids[n] == 0)
				child_touches(p);
		}
		for (int n = 0; n < i % 8; n++)
			sched_yield();
		CHECK(ftruncate(fd, 0) == 0);
		for (int n = 0; n < 2; n++)
			CHECK(waitpid(pids[n], NULL, 0) == pids[n]);
		CHECK(fstat(fd, &stat) == 0);
		CHECK(stat.st_blocks == 0);
	}
	CHECK(munmap(p, NR * PAGE) == 0 && close(fd) == 0);
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {
		{"pagecache_cut_locked", test_cut_locked},
		{"pagecache_punch_locked", test_punch_locked},
		{"pagecache_locked_twice", test_locked_twice},
		{"pagecache_cut_while_touched", test_cut_while_touched},
	};

	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
