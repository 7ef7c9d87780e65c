/*
 * madvise: which advice is taken, what it does to the content of memory, and its errors. Prints the
 * ranges that it advised, so that a reader of the trace can see what became of their pages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "../lib/print.h"

#define PAGE 4096ul
/* musl does not name them. */
#ifndef MADV_COLD
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif

/* Advised by the test of PAGEOUT. */
#define NR_OUT 200
/* Looks at a range's residence, 10 ms apart; a machine without swap needs them all. */
#define NR_LOOKS 300
/* Where the ranges of WILLNEED lie: addresses that nothing else in the trace has. */
#define UNASKED_AT  0x200000000000ul
#define WILLNEED_AT 0x210000000000ul
#define BEHIND_AT   0x220000000000ul
#define FREE_AT     0x230000000000ul
/* Pages of files, each way in a range of its own. */
#define NR_FILE    32
#define MINE_AT    0x240000000000ul
#define OTHERS_AT  0x250000000000ul
#define OPEN_AT    0x260000000000ul
#define PRIVATE_AT 0x270000000000ul
/* Nobody: owns no file. */
#define NOBODY 65534
/* Kept in use while NR_STREAM pages, more than small machines have, go by. */
#define NR_HOT    256
#define NR_STREAM 8192
/* Pages of the stream between two rounds over the hot ones. */
#define NR_STEP 256

static char *map(size_t nr_pages)
{
	return mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

static char *map_at(unsigned long addr, size_t nr_pages)
{
	return mmap((void *)addr, nr_pages * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static void write_pages(char *p, size_t nr_pages, unsigned int seed)
{
	for (size_t i = 0; i < nr_pages; i++)
		memset(p + i * PAGE, (int)(seed + i), PAGE);
}

static bool pages_are_as_written(const char *p, size_t nr_pages, unsigned int seed)
{
	for (size_t i = 0; i < nr_pages * PAGE; i++) {
		if (p[i] != (char)(seed + i / PAGE))
			return false;
	}
	return true;
}

/* The call's errno, or 0. */
static int advise(char *p, size_t size, int advice)
{
	return madvise(p, size, advice) ? errno : 0;
}

static const char *test_errors(void)
{
	static const int advices[] = {MADV_NORMAL,   MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
				      MADV_DONTNEED, MADV_COLD,   MADV_PAGEOUT,    MADV_FREE};
	char *p = map(4);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		CHECK(advise(p, 4 * PAGE, advices[i]) == 0);
		CHECK(advise(p, 0, advices[i]) == 0);
		CHECK(advise(p, 1, advices[i]) == 0);
		CHECK(advise(p + 1, PAGE, advices[i]) == EINVAL);
		CHECK(advise(p, SIZE_MAX, advices[i]) == EINVAL);
		CHECK(advise(p, SIZE_MAX - 4 * PAGE, advices[i]) == EINVAL);
	}
	CHECK(advise(p, PAGE, 1234) == EINVAL);
	CHECK(advise(p, 0, 1234) == EINVAL);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		CHECK(advise(p, 4 * PAGE, advices[i]) == ENOMEM);
		CHECK(advise(p + PAGE, PAGE, advices[i]) == ENOMEM);
		CHECK(advise(p + 2 * PAGE, 2 * PAGE, advices[i]) == 0);
	}
	CHECK(munmap(p, 4 * PAGE) == 0);
	return NULL;
}

/* What lies behind a hole is advised all the same. */
static const char *test_holes_are_skipped(void)
{
	char *p = map(3);

	CHECK(p != MAP_FAILED);
	write_pages(p, 3, 1);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	CHECK(advise(p, 3 * PAGE, MADV_DONTNEED) == ENOMEM);
	CHECK(p[0] == 0 && p[2 * PAGE] == 0);
	CHECK(munmap(p, 3 * PAGE) == 0);
	return NULL;
}

static const char *test_pageout(void)
{
	char *p = map(NR_OUT);

	CHECK(p != MAP_FAILED);
	CHECK(advise(p, NR_OUT * PAGE, MADV_PAGEOUT) == 0); /* nothing there yet */
	write_pages(p, NR_OUT, 7);
	print("madvise.pageout %lu %d address, pages\n", (unsigned long)p, NR_OUT);
	CHECK(advise(p, NR_OUT * PAGE, MADV_PAGEOUT) == 0);
	CHECK(advise(p, NR_OUT * PAGE, MADV_PAGEOUT) == 0); /* all of it gone already */
	CHECK(pages_are_as_written(p, NR_OUT, 7));
	write_pages(p, NR_OUT, 9);
	CHECK(advise(p, NR_OUT * PAGE, MADV_PAGEOUT) == 0);
	CHECK(pages_are_as_written(p, NR_OUT, 9));
	CHECK(munmap(p, NR_OUT * PAGE) == 0);
	return NULL;
}

static size_t resident_pages(char *p, size_t nr_pages)
{
	unsigned char states[NR_OUT];
	size_t nr = 0;

	if (mincore(p, nr_pages * PAGE, states))
		return SIZE_MAX;
	for (size_t i = 0; i < nr_pages; i++)
		nr += states[i] & 1;
	return nr;
}

/* Waits until so many pages are in memory, a while at most: what a hint does is up to the machine.
 */
static void wait_resident(char *p, size_t nr_pages, size_t wanted)
{
	for (int i = 0; i < NR_LOOKS && resident_pages(p, nr_pages) != wanted; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static long major_faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) ? -1 : usage.ru_majflt;
}

/* Pages the range out and reads it; prints the major faults that it took. */
static const char *read_back(const char *name, char *p, bool will_need)
{
	long before;

	CHECK(advise(p, NR_OUT * PAGE, MADV_PAGEOUT) == 0);
	wait_resident(p, NR_OUT, 0);
	if (will_need) {
		CHECK(advise(p, NR_OUT * PAGE, MADV_WILLNEED) == 0);
		wait_resident(p, NR_OUT, NR_OUT);
		CHECK(advise(p, NR_OUT * PAGE, MADV_WILLNEED) == 0); /* nothing left to read */
	}
	before = major_faults();
	CHECK(pages_are_as_written(p, NR_OUT, 11));
	print("madvise.%s %lu %d %ld address, pages, major faults\n", name, (unsigned long)p,
	      NR_OUT, major_faults() - before);
	return NULL;
}

static const char *test_willneed(void)
{
	char *without = map_at(UNASKED_AT, NR_OUT), *with = map_at(WILLNEED_AT, NR_OUT);
	const char *failure;

	CHECK(without != MAP_FAILED && with != MAP_FAILED);
	CHECK(advise(with, NR_OUT * PAGE, MADV_WILLNEED) == 0); /* nothing there yet */
	write_pages(without, NR_OUT, 11);
	write_pages(with, NR_OUT, 11);
	failure = read_back("unasked", without, false);
	if (!failure)
		failure = read_back("willneed", with, true);
	CHECK(munmap(without, NR_OUT * PAGE) == 0 && munmap(with, NR_OUT * PAGE) == 0);
	return failure;
}

/* Behind a hole too; and a range that goes while its pages are read. */
static const char *test_willneed_unmapped(void)
{
	char *p = map_at(BEHIND_AT, NR_OUT);

	CHECK(p != MAP_FAILED);
	write_pages(p, NR_OUT, 12);
	CHECK(advise(p, NR_OUT * PAGE, MADV_PAGEOUT) == 0);
	wait_resident(p, NR_OUT, 0);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	print("madvise.behind %lu %d address, pages\n", (unsigned long)(p + 2 * PAGE), NR_OUT - 2);
	CHECK(advise(p, NR_OUT * PAGE, MADV_WILLNEED) == ENOMEM);
	CHECK(munmap(p, NR_OUT * PAGE) == 0);
	return NULL;
}

static int child_reads(void *pages)
{
	return pages_are_as_written(pages, 16, 3) ? 0 : 1;
}

static int child_pages_out(void *pages)
{
	print("madvise.shared %lu 16 address, pages\n", (unsigned long)pages);
	return advise(pages, 16 * PAGE, MADV_PAGEOUT) == 0 ? child_reads(pages) : 1;
}

/* Content that two address spaces share stays right, whoever advises. */
static const char *test_pageout_shared(void)
{
	char *p = map(16);

	CHECK(p != MAP_FAILED);
	write_pages(p, 16, 3);
	CHECK(check_in_child(child_pages_out, p) == 0);
	CHECK(pages_are_as_written(p, 16, 3));
	CHECK(advise(p, 16 * PAGE, MADV_PAGEOUT) == 0);
	CHECK(check_in_child(child_reads, p) == 0);
	CHECK(pages_are_as_written(p, 16, 3));
	CHECK(munmap(p, 16 * PAGE) == 0);
	return NULL;
}

/* A file that the caller of PAGEOUT maps. */
struct file_case {
	const char *name;
	unsigned long at;
	uid_t uid;   /* the caller */
	mode_t mode; /* of the file, which is root's */
	int flags;   /* of the mapping; a private one has copied the first half */
};

static int child_pages_out_file(void *context)
{
	const struct file_case *test = context;
	int fd = memfd_create(test->name, 0);
	char *p;

	if (fd < 0 || ftruncate(fd, NR_FILE * PAGE) || fchmod(fd, test->mode))
		return 1;
	for (size_t i = 0; i < NR_FILE; i++)
		if (pwrite(fd, "x", 1, (off_t)(i * PAGE)) != 1)
			return 2;
	/* Only root can, and the host's user may be another one: the answers are the same. */
	if (getuid() == 0 && setuid(test->uid))
		return 3;
	p = mmap((void *)test->at, NR_FILE * PAGE, PROT_READ | PROT_WRITE,
		 test->flags | MAP_FIXED_NOREPLACE, fd, 0);
	if (p == MAP_FAILED)
		return 4;
	for (size_t i = 0; i < NR_FILE; i++)
		if (p[i * PAGE] != 'x')
			return 5;
	if (test->flags & MAP_PRIVATE)
		write_pages(p, NR_FILE / 2, 15);
	print("madvise.%s %lu %d address, pages\n", test->name, test->at, NR_FILE);
	if (advise(p, NR_FILE * PAGE, MADV_PAGEOUT))
		return 6;
	for (size_t i = NR_FILE / 2; i < NR_FILE; i++)
		if (p[i * PAGE] != 'x')
			return 7;
	return test->flags & MAP_PRIVATE && !pages_are_as_written(p, NR_FILE / 2, 15) ? 8 : 0;
}

/* Pages of a file go only for who could write to it. */
static const char *test_pageout_file(void)
{
	static struct file_case cases[] = {
		{"mine", MINE_AT, 0, 0444, MAP_SHARED},
		{"others", OTHERS_AT, NOBODY, 0444, MAP_SHARED},
		{"open", OPEN_AT, NOBODY, 0666, MAP_SHARED},
		{"private", PRIVATE_AT, NOBODY, 0444, MAP_PRIVATE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(check_in_child(child_pages_out_file, &cases[i]) == 0);
	return NULL;
}

static const char *test_cold(void)
{
	char *hot = map(NR_HOT), *stream = map(NR_STREAM);

	CHECK(hot != MAP_FAILED && stream != MAP_FAILED);
	write_pages(hot, NR_HOT, 5);
	/* Once to fill memory, then a reclaimer must come by twice to find them used twice. */
	for (size_t i = 0; i < 3 * NR_STREAM; i += NR_STEP) {
		write_pages(stream + i % NR_STREAM * PAGE, NR_STEP, 6);
		CHECK(pages_are_as_written(hot, NR_HOT, 5));
	}
	print("madvise.cold %lu %d address, pages\n", (unsigned long)hot, NR_HOT);
	CHECK(advise(hot, NR_HOT * PAGE, MADV_COLD) == 0);
	CHECK(pages_are_as_written(hot, NR_HOT, 5));
	CHECK(munmap(hot, NR_HOT * PAGE) == 0 && munmap(stream, NR_STREAM * PAGE) == 0);
	return NULL;
}

/* Whether each page is as written or, if it went, zeroes. */
static bool written_or_gone(const char *p, size_t nr_pages, unsigned int seed)
{
	for (size_t i = 0; i < nr_pages; i++) {
		const char *page = p + i * PAGE;

		for (size_t n = 1; n < PAGE; n++)
			if (page[n] != page[0])
				return false;
		if (page[0] != 0 && page[0] != (char)(seed + i))
			return false;
	}
	return true;
}

/* Pages that were given up go when memory is short, without being written to swap; those that were
 * written to again stay. */
static const char *test_free(void)
{
	char *p = map_at(FREE_AT, NR_OUT), *again = p + NR_OUT / 2 * PAGE, *stream = map(NR_STREAM);

	CHECK(p != MAP_FAILED && stream != MAP_FAILED);
	write_pages(p, NR_OUT, 20);
	print("madvise.free %lu %d address, pages\n", (unsigned long)p, NR_OUT / 2);
	print("madvise.again %lu %d address, pages\n", (unsigned long)again, NR_OUT / 2);
	CHECK(advise(p, NR_OUT * PAGE, MADV_FREE) == 0);
	write_pages(again, NR_OUT / 2, 30);
	write_pages(stream, NR_STREAM, 6);
	CHECK(written_or_gone(p, NR_OUT / 2, 20));
	CHECK(pages_are_as_written(again, NR_OUT / 2, 30));
	write_pages(p, NR_OUT / 2, 40);
	CHECK(pages_are_as_written(p, NR_OUT / 2, 40));
	CHECK(munmap(stream, NR_STREAM * PAGE) == 0);
	/* What is in swap goes at once. */
	CHECK(advise(p, NR_OUT * PAGE, MADV_PAGEOUT) == 0);
	CHECK(advise(p, NR_OUT * PAGE, MADV_FREE) == 0);
	CHECK(munmap(p, NR_OUT * PAGE) == 0);
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {
		{"madvise_errors", test_errors},
		{"madvise_holes_are_skipped", test_holes_are_skipped},
		{"madvise_pageout", test_pageout},
		{"madvise_willneed", test_willneed},
		{"madvise_willneed_unmapped", test_willneed_unmapped},
		{"madvise_pageout_shared", test_pageout_shared},
		{"madvise_pageout_file", test_pageout_file},
		{"madvise_cold", test_cold},
		{"madvise_free", test_free},
	};

	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
