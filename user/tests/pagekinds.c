/*
 * pagekinds: a little of each kind of page, for a short session that has them all. A file that a child
 * maps too, one of its pages written privately; memory locked by mlock; a page of 2 MiB, of which a
 * part is given to madvise(PAGEOUT); small pages with holes between them, so that the next page of
 * 2 MiB must be made by compaction. What is read must be what was written.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "check.h"

#define PAGE       4096ul
#define HUGE       (512 * PAGE)
#define FILE_PAGES 48ul
#define LOCKED     16ul
#define SPARE      (5 * HUGE / 8) /* left free when memory is cut into pieces */
#define MOST       (16ul << 20)   /* of these pieces; more only where nothing need be moved */
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static void fill(char *at, uint64_t nr_pages, uint64_t seed)
{
	for (uint64_t i = 0; i < nr_pages; i++)
		*(volatile uint64_t *)(at + i * PAGE + 16) = i ^ seed;
}

static bool holds(const char *at, uint64_t nr_pages, uint64_t seed)
{
	for (uint64_t i = 0; i < nr_pages; i++) {
		if (*(const volatile uint64_t *)(at + i * PAGE + 16) != (i ^ seed))
			return false;
	}
	return true;
}

static char *map(uint64_t size, int flags, int fd)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* The first place in a fresh range that is aligned for pages of 2 MiB. */
static char *map_huge(uint64_t nr)
{
	char *at = map((nr + 1) * HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *aligned = (char *)(((uintptr_t)at + HUGE - 1) & -HUGE);

	return at && madvise(aligned, nr * HUGE, MADV_HUGEPAGE) == 0 ? aligned : NULL;
}

struct file {
	int fd;
	char *shared;
};

/* Reads the file through a mapping of its own, one page of which it writes for itself. */
static int read_file(void *context)
{
	struct file *file = context;
	char *own = map(FILE_PAGES * PAGE, MAP_PRIVATE, file->fd);

	if (!own || !holds(file->shared, FILE_PAGES, 1) || !holds(own, FILE_PAGES, 1))
		return 1;
	fill(own, 1, 99);
	return holds(file->shared, FILE_PAGES, 1) ? 0 : 1;
}

static const char *test_file(void)
{
	struct file file = {.fd = open("pagekinds.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600)};

	CHECK(file.fd >= 0 && ftruncate(file.fd, FILE_PAGES * PAGE) == 0);
	file.shared = map(FILE_PAGES * PAGE, MAP_SHARED, file.fd);
	CHECK(file.shared);
	fill(file.shared, FILE_PAGES, 1);
	CHECK(check_in_child(read_file, &file) == CHECK_EXITED(0));
	/* To swap and back: those that nobody else maps any more. */
	CHECK(madvise(file.shared, FILE_PAGES * PAGE, MADV_PAGEOUT) == 0);
	CHECK(holds(file.shared, FILE_PAGES, 1));
	CHECK(munmap(file.shared, FILE_PAGES * PAGE) == 0 && close(file.fd) == 0);
	CHECK(unlink("pagekinds.tmp") == 0);
	return NULL;
}

static const char *test_locked(void)
{
	char *at = map(2 * LOCKED * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	CHECK(at);
	fill(at, 2 * LOCKED, 2);
	CHECK(mlock(at, LOCKED * PAGE) == 0);
	CHECK(madvise(at + LOCKED * PAGE, LOCKED * PAGE, MADV_PAGEOUT) == 0);
	CHECK(holds(at, 2 * LOCKED, 2));
	CHECK(munlock(at, LOCKED * PAGE) == 0 && munmap(at, 2 * LOCKED * PAGE) == 0);
	return NULL;
}

static const char *test_huge(void)
{
	char *at = map_huge(1);

	CHECK(at);
	fill(at, HUGE / PAGE, 3);
	CHECK(madvise(at, 8 * PAGE, MADV_PAGEOUT) == 0);
	CHECK(holds(at, HUGE / PAGE, 3));
	CHECK(munmap(at, HUGE) == 0);
	return NULL;
}

/* Free pages that another CPU keeps to itself are in the way of compaction: with these, those that
 * the last pieces leave are on this CPU's list, and what was freed before is taken back by the other. */
static bool run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* Memory in pieces: every other page stays. */
static const char *test_moved(void)
{
	struct sysinfo info;
	char *pieces, *at = map_huge(1);
	uint64_t nr_pages;

	CHECK(at && sysinfo(&info) == 0 && info.freeram > SPARE);
	nr_pages = (info.freeram < MOST ? info.freeram - SPARE : MOST) / PAGE;
	pieces = map(nr_pages * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK(run_on(0));
	CHECK(pieces && madvise(pieces, nr_pages * PAGE, MADV_NOHUGEPAGE) == 0);
	fill(pieces, nr_pages, 4);
	for (uint64_t i = 0; i < nr_pages; i += 2)
		CHECK(madvise(pieces + i * PAGE, PAGE, MADV_DONTNEED) == 0);
	CHECK(run_on(1));
	fill(at, HUGE / PAGE, 5);
	for (uint64_t i = 1; i < nr_pages; i += 2)
		CHECK(*(uint64_t *)(pieces + i * PAGE + 16) == (i ^ 4));
	CHECK(holds(at, HUGE / PAGE, 5));
	CHECK(munmap(pieces, nr_pages * PAGE) == 0 && munmap(at, HUGE) == 0);
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {
		{"pagekinds_file", test_file},
		{"pagekinds_locked", test_locked},
		{"pagekinds_huge", test_huge},
		{"pagekinds_moved", test_moved},
	};

	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
