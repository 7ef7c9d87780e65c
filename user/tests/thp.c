/*
 * thp: memory in 2 MiB pages has the content and the rights that memory in pages of 4 KiB has, whatever
 * is done to parts of it. Each test says how many pages of its range are in memory after the first
 * byte was touched: 512 where the machine gave a huge page, so a reader knows what was tested.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "../lib/print.h"

#define PAGE     4096ul
#define HUGE     (512 * PAGE)
#define NR_PARTS 512
#ifndef MADV_PAGEOUT
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif

static char *reserve(size_t nr_huge)
{
	char *p = mmap(NULL, (nr_huge + 1) * HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t aligned = ((uintptr_t)p + HUGE - 1) & ~(HUGE - 1);

	return p == MAP_FAILED ? NULL : (char *)aligned;
}

static size_t resident(char *p)
{
	unsigned char states[NR_PARTS];
	size_t nr = 0;

	if (mincore(p, HUGE, states))
		return SIZE_MAX;
	for (size_t i = 0; i < NR_PARTS; i++)
		nr += states[i] & 1;
	return nr;
}

/* A range of 2 MiB pages, if the machine gives any, with a pattern in it; NULL without memory. */
static char *map_huge(const char *name, size_t nr_huge)
{
	char *p = reserve(nr_huge);

	if (!p || madvise(p, nr_huge * HUGE, MADV_HUGEPAGE))
		return NULL;
	p[PAGE] = 1;
	print("thp.%s %lu %lu address, resident\n", name, (unsigned long)p,
	      (unsigned long)resident(p));
	return p;
}

static unsigned int word_of(size_t page, unsigned int seed)
{
	return (unsigned int)(page * 2654435761u) ^ seed;
}

/* Every page its own words, at its ends and in its middle. */
static void fill(char *p, size_t first, size_t nr, unsigned int seed)
{
	for (size_t i = first; i < first + nr; i++) {
		unsigned int *words = (unsigned int *)(p + i * PAGE);

		words[0] = words[511] = words[1023] = word_of(i, seed);
	}
}

static bool holds(const char *p, size_t first, size_t nr, unsigned int seed)
{
	for (size_t i = first; i < first + nr; i++) {
		const unsigned int *words = (const unsigned int *)(p + i * PAGE);
		unsigned int word = word_of(i, seed);

		if (words[0] != word || words[511] != word || words[1023] != word)
			return false;
	}
	return true;
}

static bool is_zero(const char *p, size_t first, size_t nr)
{
	for (size_t i = first * PAGE; i < (first + nr) * PAGE; i++) {
		if (p[i])
			return false;
	}
	return true;
}

static bool unmap(char *p, size_t nr_huge)
{
	return munmap(p, nr_huge * HUGE) == 0;
}

static const char *test_zeroed(void)
{
	char *p = map_huge("zeroed", 2);

	CHECK(p);
	p[PAGE] = 0;
	CHECK(is_zero(p, 0, 2 * NR_PARTS));
	fill(p, 0, 2 * NR_PARTS, 1);
	CHECK(holds(p, 0, 2 * NR_PARTS, 1));
	CHECK(unmap(p, 2));
	return NULL;
}

/* What is read first is mapped huge too, or is the page of zeroes. */
static const char *test_read_first(void)
{
	char *p = reserve(1);

	CHECK(p && madvise(p, HUGE, MADV_HUGEPAGE) == 0);
	CHECK(is_zero(p, 0, NR_PARTS));
	fill(p, 0, NR_PARTS, 2);
	CHECK(holds(p, 0, NR_PARTS, 2));
	CHECK(unmap(p, 1));
	return NULL;
}

/* A range that is not aligned has huge pages only where 2 MiB of it are. */
static const char *test_edges(void)
{
	char *p = reserve(3);

	CHECK(p);
	CHECK(munmap(p, PAGE) == 0 && munmap(p + 3 * HUGE - PAGE, PAGE) == 0);
	CHECK(madvise(p + PAGE, 3 * HUGE - 2 * PAGE, MADV_HUGEPAGE) == 0);
	fill(p, 1, 3 * NR_PARTS - 2, 3);
	CHECK(holds(p, 1, 3 * NR_PARTS - 2, 3));
	CHECK(check_segfaults(p, CHECK_READ));
	CHECK(check_segfaults(p + 3 * HUGE - PAGE, CHECK_READ));
	CHECK(unmap(p, 3));
	return NULL;
}

/* Flags that differ keep VMAs apart; advice that becomes equal joins them. */
static const char *test_advice(void)
{
	char *p = reserve(2);

	CHECK(p);
	CHECK(madvise(p, HUGE, MADV_HUGEPAGE) == 0);
	CHECK(madvise(p + HUGE, HUGE, MADV_NOHUGEPAGE) == 0);
	p[0] = p[HUGE] = 1;
	print("thp.advice %lu %lu resident, with and without\n", (unsigned long)resident(p),
	      (unsigned long)resident(p + HUGE));
	CHECK(resident(p + HUGE) == 1);
	CHECK(madvise(p, 2 * HUGE, MADV_HUGEPAGE) == 0);
	CHECK(madvise(p, 2 * HUGE, MADV_NOHUGEPAGE) == 0);
	CHECK(p[0] == 1 && p[HUGE] == 1);
	CHECK(madvise(p + 1, HUGE, MADV_HUGEPAGE) == -1 && errno == EINVAL);
	CHECK(unmap(p, 2));
	CHECK(madvise(p, HUGE, MADV_HUGEPAGE) == -1 && errno == ENOMEM);
	return NULL;
}

static const char *test_partial_unmap(void)
{
	char *p = map_huge("partial_unmap", 2);

	CHECK(p);
	fill(p, 0, 2 * NR_PARTS, 4);
	CHECK(munmap(p + 10 * PAGE, PAGE) == 0);
	CHECK(munmap(p + 500 * PAGE, 24 * PAGE) == 0);
	CHECK(check_segfaults(p + 10 * PAGE, CHECK_READ));
	CHECK(check_segfaults(p + 512 * PAGE, CHECK_WRITE));
	CHECK(holds(p, 0, 10, 4) && holds(p, 11, 489, 4) && holds(p, 524, 500, 4));
	fill(p, 524, 500, 5);
	CHECK(holds(p, 524, 500, 5) && holds(p, 11, 489, 4));
	CHECK(unmap(p, 2));
	return NULL;
}

static const char *test_protect(void)
{
	char *p = map_huge("protect", 2);

	CHECK(p);
	fill(p, 0, 2 * NR_PARTS, 6);
	/* The whole: stays huge. */
	CHECK(mprotect(p, HUGE, PROT_READ) == 0);
	CHECK(check_segfaults(p + 7 * PAGE, CHECK_WRITE));
	CHECK(holds(p, 0, NR_PARTS, 6));
	CHECK(mprotect(p, HUGE, PROT_READ | PROT_WRITE) == 0);
	fill(p, 0, NR_PARTS, 7);
	/* A part. */
	CHECK(mprotect(p + 5 * PAGE, 3 * PAGE, PROT_READ) == 0);
	CHECK(check_segfaults(p + 5 * PAGE, CHECK_WRITE));
	fill(p, 0, 5, 8);
	fill(p, 8, NR_PARTS - 8, 8);
	CHECK(holds(p, 5, 3, 7) && holds(p, 0, 5, 8) && holds(p, 8, NR_PARTS - 8, 8));
	/* No access at all. */
	CHECK(mprotect(p + HUGE, HUGE, PROT_NONE) == 0);
	CHECK(check_segfaults(p + HUGE, CHECK_READ));
	CHECK(mprotect(p + HUGE, HUGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(holds(p, NR_PARTS, NR_PARTS, 6));
	CHECK(unmap(p, 2));
	return NULL;
}

static const char *test_dontneed(void)
{
	char *p = map_huge("dontneed", 2);

	CHECK(p);
	fill(p, 0, 2 * NR_PARTS, 9);
	CHECK(madvise(p + 3 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK(is_zero(p, 3, 2));
	CHECK(holds(p, 0, 3, 9) && holds(p, 5, 2 * NR_PARTS - 5, 9));
	CHECK(madvise(p + HUGE, HUGE, MADV_DONTNEED) == 0);
	CHECK(is_zero(p, NR_PARTS, NR_PARTS));
	CHECK(holds(p, 5, NR_PARTS - 5, 9));
	fill(p, 0, 2 * NR_PARTS, 10);
	CHECK(holds(p, 0, 2 * NR_PARTS, 10));
	CHECK(unmap(p, 2));
	return NULL;
}

struct shared {
	char *p;
	int ready[2], go[2];
};

static int child_writes(void *context)
{
	char *p = context;

	if (!holds(p, 0, 2 * NR_PARTS, 11))
		return 1;
	fill(p, 100, 1, 12); /* copies this page only */
	if (!holds(p, 0, 100, 11) || !holds(p, 100, 1, 12) ||
	    !holds(p, 101, 2 * NR_PARTS - 101, 11))
		return 2;
	if (munmap(p + HUGE, HUGE / 2))
		return 3;
	return holds(p, NR_PARTS + NR_PARTS / 2, NR_PARTS / 2, 11) ? 0 : 4;
}

static const char *test_fork(void)
{
	char *p = map_huge("fork", 2);

	CHECK(p);
	fill(p, 0, 2 * NR_PARTS, 11);
	CHECK(check_in_child(child_writes, p) == 0);
	CHECK(holds(p, 0, 2 * NR_PARTS, 11));
	fill(p, 0, 2 * NR_PARTS, 13); /* nobody else has them now */
	CHECK(holds(p, 0, 2 * NR_PARTS, 13));
	CHECK(unmap(p, 2));
	return NULL;
}

static int child_only_reads(void *context)
{
	return holds(context, 0, NR_PARTS, 14) ? 0 : 1;
}

/* A child that only looks leaves the page whole: the parent's next write takes it back. */
static const char *test_fork_reads(void)
{
	char *p = map_huge("fork_reads", 1);

	CHECK(p);
	fill(p, 0, NR_PARTS, 14);
	CHECK(check_in_child(child_only_reads, p) == 0);
	fill(p, 0, NR_PARTS, 15);
	CHECK(holds(p, 0, NR_PARTS, 15));
	CHECK(unmap(p, 1));
	return NULL;
}

/* The child looks after the parent has written. */
static int child_waits(void *context)
{
	struct shared *shared = context;
	char byte;

	if (write(shared->ready[1], "r", 1) != 1 || read(shared->go[0], &byte, 1) != 1)
		return 1;
	return holds(shared->p, 0, NR_PARTS, 16) ? 0 : 2;
}

static const char *test_parent_writes(void)
{
	struct shared shared = {.p = map_huge("parent_writes", 1)};
	int status = -1;
	pid_t child;
	char byte;

	CHECK(shared.p);
	fill(shared.p, 0, NR_PARTS, 16);
	CHECK(pipe(shared.ready) == 0 && pipe(shared.go) == 0);
	child = fork();
	if (child == 0)
		_exit(child_waits(&shared));
	CHECK(read(shared.ready[0], &byte, 1) == 1);
	fill(shared.p, 0, 300, 17);
	CHECK(write(shared.go[1], "g", 1) == 1);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(holds(shared.p, 0, 300, 17) && holds(shared.p, 300, NR_PARTS - 300, 16));
	for (int i = 0; i < 2; i++)
		CHECK(close(shared.ready[i]) == 0 && close(shared.go[i]) == 0);
	CHECK(unmap(shared.p, 1));
	return NULL;
}

static const char *test_pageout(void)
{
	char *p = map_huge("pageout", 2);

	CHECK(p);
	fill(p, 0, 2 * NR_PARTS, 18);
	CHECK(madvise(p, 2 * HUGE, MADV_PAGEOUT) == 0);
	CHECK(holds(p, 0, 2 * NR_PARTS, 18));
	CHECK(unmap(p, 2));
	p = map_huge("pageout_part", 2);
	CHECK(p);
	fill(p, 0, 2 * NR_PARTS, 19);
	CHECK(madvise(p + 100 * PAGE, 600 * PAGE, MADV_PAGEOUT) == 0);
	CHECK(madvise(p, HUGE, MADV_COLD) == 0);
	CHECK(holds(p, 0, 2 * NR_PARTS, 19));
	fill(p, 0, 2 * NR_PARTS, 20);
	CHECK(check_in_child(child_only_reads, p) == CHECK_EXITED(1));
	CHECK(holds(p, 0, 2 * NR_PARTS, 20));
	CHECK(unmap(p, 2));
	return NULL;
}

static const char *test_cold(void)
{
	char *p = map_huge("cold", 1);

	CHECK(p);
	fill(p, 0, NR_PARTS, 21);
	CHECK(madvise(p, HUGE, MADV_COLD) == 0);
	CHECK(holds(p, 0, NR_PARTS, 21));
	CHECK(madvise(p + PAGE, PAGE, MADV_COLD) == 0);
	CHECK(holds(p, 0, NR_PARTS, 21));
	CHECK(unmap(p, 1));
	return NULL;
}

/* What a system call reads and writes may lie anywhere in the page, and beyond it. */
static const char *test_kernel_copies(void)
{
	char *p = map_huge("kernel_copies", 2);
	int ends[2];

	CHECK(p);
	CHECK(pipe(ends) == 0);
	fill(p, 511, 1, 22);
	CHECK(write(ends[1], p + 511 * PAGE, PAGE) == (ssize_t)PAGE);
	CHECK(read(ends[0], p + HUGE - 8, PAGE) == (ssize_t)PAGE);
	CHECK(memcmp(p + HUGE - 8, &(unsigned int){word_of(511, 22)}, 4) == 0);
	CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
	CHECK(unmap(p, 2));
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {
		{"thp_zeroed", test_zeroed},
		{"thp_read_first", test_read_first},
		{"thp_edges", test_edges},
		{"thp_advice", test_advice},
		{"thp_partial_unmap", test_partial_unmap},
		{"thp_protect", test_protect},
		{"thp_dontneed", test_dontneed},
		{"thp_fork", test_fork},
		{"thp_fork_reads", test_fork_reads},
		{"thp_parent_writes", test_parent_writes},
		{"thp_pageout", test_pageout},
		{"thp_cold", test_cold},
		{"thp_kernel_copies", test_kernel_copies},
	};

	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
