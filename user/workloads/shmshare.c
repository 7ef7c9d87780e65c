/*
 * shmshare: the pages of one file, shared by several processes.
 *
 * The file is shared memory (the default) or, with --file 1, one in the working directory that was unlinked. The parent fills it. In
 * each round it forks `--children` children; each writes the pages that are its own, reads all, and
 * verifies its own again. Then every page must be as its child wrote it, in the mapping and as
 * pread() gives it. At last the file is cut in half and made whole again: what was cut is zeroes.
 * Exit status: 0; 1 when a page was lost or stale here or in a child, or a call failed; 2 for a
 * wrong command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

static void fail(const char *what)
{
	print("shmshare: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* A file of that size without a name. */
static int make_file(uint64_t size)
{
	int fd = open("shmshare.tmp", O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || unlink("shmshare.tmp") || ftruncate(fd, (off_t)size))
		fail("file");
	return fd;
}

static struct generation owner_of(uint64_t page, uint32_t round, uint32_t nr_children)
{
	if (round == 0)
		return (struct generation){0, 0};
	return (struct generation){(uint32_t)(page % nr_children) + 1, round};
}

static void run_child(const struct pagecheck *region, uint32_t child, uint32_t round,
		      uint32_t nr_children)
{
	struct random_order order =
		random_order(region->nr_pages, region->seed ^ ((uint64_t)child << 32 | round));
	const volatile unsigned char *base = region->base;

	for (uint64_t i = 0; i < region->nr_pages; i++) {
		uint64_t page = random_order_at(&order, i);
		struct generation owner = owner_of(page, round, nr_children);

		if (owner.writer == child)
			pagecheck_write(region, page, owner);
		else
			(void)base[page * PAGE_SIZE];
	}
	for (uint64_t page = child - 1; page < region->nr_pages; page += nr_children)
		pagecheck_verify(region, page, owner_of(page, round, nr_children));
	_exit(0);
}

static void run_round(const struct pagecheck *region, uint32_t round, uint32_t nr_children)
{
	for (uint32_t child = 1; child <= nr_children; child++) {
		pid_t pid = fork();

		if (pid == 0)
			run_child(region, child, round, nr_children);
		if (pid < 0)
			fail("fork");
	}
	for (uint32_t child = 1; child <= nr_children; child++) {
		int status;

		if (wait4(-1, &status, 0, NULL) < 0)
			fail("wait4");
		if (status != 0) {
			print("shmshare: a child failed: wait status %#x\n", (unsigned int)status);
			_exit(1);
		}
	}
}

/* All pages are as their children wrote them in this round; read() says the same. */
static void verify_all(const struct pagecheck *region, int fd, uint32_t round, uint32_t nr_children)
{
	static unsigned char buffer[PAGE_SIZE];

	for (uint64_t page = 0; page < region->nr_pages; page++) {
		pagecheck_verify(region, page, owner_of(page, round, nr_children));
		if (fd < 0)
			continue;
		if (pread(fd, buffer, PAGE_SIZE, (off_t)(page * PAGE_SIZE)) != PAGE_SIZE)
			fail("pread");
		if (memcmp(buffer, region->base + page * PAGE_SIZE, PAGE_SIZE) != 0) {
			print("shmshare: page %llu is another in the file\n",
			      (unsigned long long)page);
			_exit(1);
		}
	}
}

static void cut_in_half(const struct pagecheck *region, int fd, uint32_t round,
			uint32_t nr_children)
{
	uint64_t half = region->nr_pages / 2;

	if (ftruncate(fd, (off_t)(half * PAGE_SIZE)) ||
	    ftruncate(fd, (off_t)(region->nr_pages * PAGE_SIZE)))
		fail("ftruncate");
	for (uint64_t page = 0; page < half; page++)
		pagecheck_verify(region, page, owner_of(page, round, nr_children));
	for (uint64_t page = half; page < region->nr_pages; page++)
		pagecheck_verify_zero(region, page);
}

int main(int argc, char **argv)
{
	uint64_t size = 8u << 20, children = 4, rounds = 2, seed = 1, file = 0;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, UINT64_C(1) << 40},
		{"--children", OPTION_NUMBER, &children, 1, 1000},
		{"--rounds", OPTION_NUMBER, &rounds, 1, 1000000},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
		{"--file", OPTION_NUMBER, &file, 0, 1},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct pagecheck region = {
		.nr_pages = (size + PAGE_SIZE - 1) / PAGE_SIZE, .seed = seed, .write_percent = 100};
	int fd = file ? make_file(region.nr_pages * PAGE_SIZE) : -1;

	region.base = mmap(NULL, region.nr_pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | (file ? 0 : MAP_ANONYMOUS), fd, 0);
	if (region.base == MAP_FAILED)
		fail("mmap");
	for (uint64_t page = 0; page < region.nr_pages; page++)
		pagecheck_write(&region, page, owner_of(page, 0, (uint32_t)children));
	for (uint32_t round = 1; round <= rounds; round++) {
		run_round(&region, round, (uint32_t)children);
		verify_all(&region, fd, round, (uint32_t)children);
	}
	if (fd >= 0)
		cut_in_half(&region, fd, (uint32_t)rounds, (uint32_t)children);
	print("shmshare.size %llu pages\n", (unsigned long long)region.nr_pages);
	print("shmshare.children %llu processes\n", (unsigned long long)(children * rounds));
	measure_print_faults("shmshare");
	return 0;
}
