/*
 * reread: pages of a file that are used by read and write in different ways, and then some that are read over
 * and over while more pages than small machines have go by. Each way has its place in the file, far behind
 * what other files have, so that a reader of the trace can see what became of its pages.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul
/* Pages of each way. */
#define NR 32
/* Where, in pages. */
#define WRITTEN_AT 0x1000000ul /* written once */
#define TWICE_AT   0x1010000ul /* written, then read */
#define MIDDLE_AT  0x1020000ul /* written, then read, but not from the beginning of a page */
#define MAPPED_AT  0x1030000ul /* written through a mapping, which goes, then read */
#define ACTIVE_AT  0x1040000ul /* written in pieces: one write after the other */
#define HOT_AT     0x1050000ul /* read over and over */
#define END_AT     0x1060000ul
#define NR_HOT     128
/* Pages that go by, each three times, and those between two rounds over the hot ones. */
#define NR_STREAM 8192
#define NR_STEP   256

static int fd;

/* Writes `size` bytes of each of the pages, from an offset on. */
static bool write_pages(unsigned long at, size_t nr, size_t offset, size_t size)
{
	char buffer[PAGE];

	memset(buffer, 'x', sizeof(buffer));
	for (size_t i = 0; i < nr; i++)
		if (pwrite(fd, buffer, size, (off_t)((at + i) * PAGE + offset)) != (ssize_t)size)
			return false;
	return true;
}

/* Reads what lies behind the offset of each of the pages. */
static bool read_pages(unsigned long at, size_t nr, size_t offset)
{
	char buffer[PAGE];
	ssize_t size = (ssize_t)(PAGE - offset);

	for (size_t i = 0; i < nr; i++)
		if (pread(fd, buffer, (size_t)size, (off_t)((at + i) * PAGE + offset)) != size ||
		    buffer[0] != 'x')
			return false;
	return true;
}

static const char *test_ways(void)
{
	char *p;

	CHECK(write_pages(WRITTEN_AT, NR, 0, PAGE));
	CHECK(write_pages(TWICE_AT, NR, 0, PAGE) && read_pages(TWICE_AT, NR, 0));
	CHECK(write_pages(MIDDLE_AT, NR, 0, PAGE));
	for (int i = 0; i < 4; i++)
		CHECK(read_pages(MIDDLE_AT, NR, 1));
	p = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 (off_t)(MAPPED_AT * PAGE));
	CHECK(p != MAP_FAILED);
	memset(p, 'x', NR * PAGE);
	CHECK(munmap(p, NR * PAGE) == 0 && read_pages(MAPPED_AT, NR, 0));
	CHECK(write_pages(ACTIVE_AT, NR, 0, PAGE / 2) &&
	      write_pages(ACTIVE_AT, NR, PAGE / 2, PAGE / 2));
	return NULL;
}

static const char *test_hot(void)
{
	char *stream = mmap(NULL, NR_STREAM * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(stream != MAP_FAILED && write_pages(HOT_AT, NR_HOT, 0, PAGE));
	for (size_t i = 0; i < 3 * NR_STREAM; i += NR_STEP) {
		memset(stream + i % NR_STREAM * PAGE, (int)i, NR_STEP * PAGE);
		CHECK(read_pages(HOT_AT, NR_HOT, 0));
	}
	CHECK(munmap(stream, NR_STREAM * PAGE) == 0);
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {
		{"reread_ways", test_ways},
		{"reread_hot", test_hot},
	};

	fd = memfd_create("reread", 0);
	if (fd < 0 || ftruncate(fd, (off_t)(END_AT * PAGE)))
		return 1;
	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
