/*
 * thpfrag: huge pages in fragmented memory. Nearly all of memory is used page by page, then every other page given
 * back: no 2 MiB are free in one piece, and all that is in the way can be moved. What is in the way are pages that are written
 * to all the while by another thread, shared with a child, and of a shared mapping; each must keep its content.
 *
 *   thpfrag never   sets .../transparent_hugepage/defrag so: pages of 4 KiB come instead
 *   thpfrag short   has less than a huge page free, too
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"
#include "check.h"

#define PAGE     4096ul
#define NR_PARTS 512ul
#define HUGE     (NR_PARTS * PAGE)
#define NR_HUGE  3
/* Left free while memory is being filled, so that nothing is swapped. */
#define SPARE (3ul << 20)
/* And in the end, when memory is to be short. */
#define SHORT  (3ul << 19)
#define DEFRAG "/sys/kernel/mm/transparent_hugepage/defrag"

static uint64_t *area, nr_pages;
static _Atomic int stop;
static bool memory_is_short;

static uint64_t *page_at(uint64_t i)
{
	return area + i * (PAGE / sizeof(uint64_t));
}

/* The pages that stay, of three kinds in turn: written to by a thread, shared with a child, shared mapping. */
static bool stays(uint64_t i)
{
	return i % 2 == 0;
}

static void fill(uint64_t i)
{
	uint64_t *words = page_at(i);

	words[0] = i;
	words[255] = ~i;
	words[511] = i * 2654435761u;
}

static bool holds(uint64_t i)
{
	const uint64_t *words = page_at(i);

	return words[0] == i && words[255] == ~i && words[511] == i * 2654435761u;
}

/* Counts up in every third page: a count that is lost shows. */
static void *writer(void *result)
{
	for (uint64_t round = 1; !stop; round++) {
		for (uint64_t i = 0; i < nr_pages; i += 6) {
			volatile uint64_t *count = page_at(i) + 100;

			if (*count != round - 1) {
				*(uint64_t *)result = i + 1;
				return NULL;
			}
			*count = round;
		}
	}
	return NULL;
}

/* Half of the area is private memory, the other a shared mapping right behind it. */
static bool map_area(void)
{
	struct sysinfo info;
	uint64_t size;

	if (sysinfo(&info) != 0 || info.freeram < 2 * SPARE)
		return false;
	size = (info.freeram - SPARE) / 2 / HUGE * HUGE;
	nr_pages = 2 * size / PAGE;
	area = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return area != MAP_FAILED &&
	       mmap((char *)area + size, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* Gives the pages that do not stay back; those of the shared mapping leave a hole. */
static bool fragment(void)
{
	for (uint64_t i = 0; i < nr_pages; i++) {
		int advice = i < nr_pages / 2 ? MADV_DONTNEED : MADV_REMOVE;

		if (!stays(i) && madvise(page_at(i), PAGE, advice) != 0)
			return false;
	}
	return true;
}

/* Uses what is free but for a little. */
static bool use_rest(void)
{
	struct sysinfo info;
	uint64_t size;
	char *at;

	if (sysinfo(&info) != 0 || info.freeram < SHORT)
		return false;
	size = info.freeram - SHORT;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return false;
	for (uint64_t i = 0; i < size; i += PAGE)
		at[i] = 1;
	return true;
}

static bool set_defrag(const char *word)
{
	FILE *file = fopen(DEFRAG, "w");

	return file && fputs(word, file) >= 0 && fclose(file) == 0;
}

/* One huge page: whether it is in memory as a whole after one touch. */
static bool touch_huge(char *at)
{
	unsigned char states[NR_PARTS];

	at[PAGE + 1] = 1;
	if (mincore(at, HUGE, states) != 0)
		return false;
	for (uint64_t i = 0; i < NR_PARTS; i++) {
		if (!(states[i] & 1))
			return false;
	}
	for (uint64_t i = 0; i < HUGE; i++) {
		if (at[i] != (i == PAGE + 1))
			return false;
	}
	return true;
}

static pid_t hold_shared(int *end)
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe(ends) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		uint64_t wrong = 0;

		close(ends[1]);
		(void)!read(ends[0], &byte, 1);
		for (uint64_t i = 0; i < nr_pages; i += 2)
			wrong += !holds(i);
		_exit(wrong != 0);
	}
	close(ends[0]);
	*end = ends[1];
	return pid;
}

static const char *test_compaction(void)
{
	uint64_t lost = 0, huge = 0;
	pthread_t thread;
	char *room, *at;
	int end, status;
	pid_t pid;

	CHECK(map_area());
	/* By turns: frames of both kinds lie in each block. */
	for (uint64_t i = 0; i < nr_pages / 2; i++) {
		fill(i);
		fill(nr_pages / 2 + i);
	}
	CHECK(fragment());
	CHECK((pid = hold_shared(&end)) > 0);
	/* The child keeps what it shares; every third page is the parent's own again. */
	for (uint64_t i = 0; i < nr_pages; i += 6)
		page_at(i)[100] = 0;
	CHECK(!memory_is_short || use_rest());
	CHECK(pthread_create(&thread, NULL, writer, &lost) == 0);
	room = mmap(NULL, (NR_HUGE + 1) * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	CHECK(room != MAP_FAILED);
	at = (char *)(((uint64_t)room + HUGE - 1) & ~(HUGE - 1));
	CHECK(madvise(at, NR_HUGE * HUGE, MADV_HUGEPAGE) == 0);
	for (uint64_t i = 0; i < NR_HUGE; i++)
		huge += touch_huge(at + i * HUGE);
	stop = 1;
	CHECK(pthread_join(thread, NULL) == 0);
	print("thpfrag.huge %lu of\n", (unsigned long)huge);
	CHECK(lost == 0);
	for (uint64_t i = 0; i < nr_pages; i += 2)
		CHECK(holds(i));
	close(end);
	CHECK(waitpid(pid, &status, 0) == pid && status == CHECK_EXITED(0));
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {{"thpfrag", test_compaction}};

	if (argc > 1 && strcmp(argv[1], "never") == 0 && !set_defrag("never"))
		return 2;
	memory_is_short = argc > 1 && strcmp(argv[1], "short") == 0;
	return check_run(checks, 1);
}
