/*
 * The memory calls with random arguments, boundary values first of all: 6,000 of them, always the
 * same. They work on an arena at a fixed address, which is made anew for every eight calls. After each
 * call come its result and which pages are mapped and resident; after the eighth, what may be done
 * with each page, and what it holds. All that goes into one number for the eight calls, which is said.
 *
 * When a number differs, `memtuples N` says the calls of line N one by one, and `memtuples all` all.
 *
 * Left out, because the answers depend on the machine: execute-only memory (protection keys), pages
 * poisoned or merged on demand, residency after MADV_PAGEOUT (without swap pages stay). Left out,
 * because releases of Linux answer differently: moving several mappings by one mremap, which 6.17
 * learnt; calls of mremap whose arguments are wrong in two ways are kept, in the order of 6.17.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE      4096ul
#define NR_PAGES  40u
#define ARENA     0x200000000000ul
#define AROUND    (4096 * PAGE) /* nothing else is within that distance of the arena */
#define NR_LINES  750u
#define NR_CALLS  8u
#define ANON      (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW        (PROT_READ | PROT_WRITE)
#define TASK_SIZE 0x7ffffffff000ul

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PICK(array)  ((array)[next() % COUNT(array)])

static uint64_t seed, hash;
static bool verbose;
static bool paged_out; /* in this line: residency says nothing any more */
static uint64_t first_brk;

/* SplitMix64. */
static uint64_t next(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* FNV-1a. */
static void note(uint64_t value)
{
	for (uint32_t i = 0; i < 8; i++)
		hash = (hash ^ (value >> 8 * i & 0xff)) * 0x100000001b3;
}

static uint64_t page_at(uint32_t page)
{
	return ARENA + page * PAGE;
}

/* ---- the arena ---- */

/* Maps pages, writes their numbers into them, and gives them their rights. */
static void lay(uint32_t first, uint32_t nr, int prot, int flags, bool written)
{
	char *at = mmap((void *)page_at(first), nr * PAGE, RW, ANON | MAP_FIXED | flags, -1, 0);

	for (uint32_t i = 0; written && i < nr; i++)
		at[i * PAGE + 64] = (char)(first + i + 1);
	if (prot != RW)
		mprotect(at, nr * PAGE, prot);
}

static void lay_out(void)
{
	munmap((void *)(ARENA - AROUND), 2 * AROUND);
	lay(0, 4, RW, 0, true);
	lay(6, 2, PROT_READ, 0, true);
	lay(8, 1, PROT_NONE, 0, true);
	lay(9, 3, RW, 0, false);
	lay(13, 3, RW, MAP_LOCKED, true);
	lay(20, 2, RW, MAP_GROWSDOWN, true);
	lay(22, 4, RW, MAP_NORESERVE, true);
	lay(26, 2, PROT_READ, 0, false);
	lay(30, 3, RW, 0, true);
	lay(33, 3, RW | PROT_EXEC, 0, true);
}

/* ---- what is there ---- */

static char residency(uint32_t page)
{
	unsigned char state;

	if (mincore((void *)page_at(page), PAGE, &state))
		return '.';
	return paged_out || !(state & 1) ? 'm' : 'r';
}

/* What the kernel may do with the page for us, and its content. A page begins with a zero: an empty
 * path, which does not exist. */
static char rights(uint32_t page)
{
	volatile unsigned char *at = (unsigned char *)page_at(page);
	struct timespec *time = (void *)(page_at(page) + 128);
	bool readable = syscall(SYS_access, at, 0) == -1 && errno == ENOENT, writable;

	if (readable)
		note(at[64]);
	writable = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, time) == 0;
	return writable ? 'w' : readable ? 'r' : '-';
}

static void look(const char *what, char (*at)(uint32_t page))
{
	char states[NR_PAGES + 1] = "";

	for (uint32_t i = 0; i < NR_PAGES; i++)
		note((uint64_t)(states[i] = at(i)));
	if (verbose)
		say("    %s %s", what, states);
}

/* ---- results ---- */

static void result(const char *call, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		   long value)
{
	int error = value == -1 ? errno : 0;
	uint64_t told = error ? (uint64_t)-error : (uint64_t)value;

	note(told);
	if (verbose)
		say("  %s %lx %lx %lx %lx %lx = %lx %s", call, a, b, c, d, e, told,
		    error ? errno_name(error) : "");
}

/* An address that the kernel chose is not the same everywhere: only that it was not in the arena. What
 * is there is taken away. */
static long chosen(long address, uint64_t size)
{
	uint64_t at = (uint64_t)address;

	if (address == -1 || (at >= ARENA - AROUND && at < ARENA + AROUND))
		return address;
	munmap((void *)at, (size + PAGE - 1) & ~(PAGE - 1));
	errno = 0;
	return at & (PAGE - 1) ? 1 : 0;
}

/* ---- arguments ---- */

static uint64_t any_page(void)
{
	return page_at((uint32_t)(next() % NR_PAGES));
}

/* Mostly pages of the arena. */
static uint64_t any_address(void)
{
	static const uint64_t others[] = {
		1,
		PAGE - 1,
		TASK_SIZE,
		TASK_SIZE - PAGE,
		TASK_SIZE + PAGE,
		1ul << 47,
		1ul << 63,
		-PAGE,
		UINT64_MAX,
		ARENA + NR_PAGES * PAGE,
		ARENA - PAGE,
		ARENA + 1,
		ARENA + PAGE - 1,
	};

	return next() % 12 ? any_page() : PICK(others);
}

static uint64_t any_size(void)
{
	static const uint64_t others[] = {
		0,        1,          PAGE - 1,
		PAGE + 1, 1ul << 47,  1ul << 63,
		-PAGE,    UINT64_MAX, UINT64_MAX - 2 * PAGE,
	};

	return next() % 8 ? PAGE * (1 + next() % 8) : PICK(others);
}

/* For calls that pass over holes: not so large that it reaches what is outside. */
static uint64_t any_small_size(void)
{
	static const uint64_t others[] = {0, 1, PAGE - 1, PAGE + 1, -PAGE, UINT64_MAX};

	return next() % 8 ? PAGE * (1 + next() % 12) : PICK(others);
}

static uint64_t any_prot(void)
{
	static const uint64_t prots[] = {PROT_NONE,
					 PROT_READ,
					 PROT_READ,
					 RW,
					 RW,
					 RW,
					 PROT_WRITE,
					 RW | PROT_EXEC,
					 PROT_READ | PROT_EXEC};

	return PICK(prots);
}

/* ---- the calls ---- */

static void do_mmap(void)
{
	static const uint64_t types[] = {MAP_PRIVATE, MAP_PRIVATE, MAP_PRIVATE, MAP_PRIVATE,
					 MAP_PRIVATE, MAP_PRIVATE, 0,           4};
	static const uint64_t more[] = {MAP_POPULATE,  MAP_NORESERVE, MAP_LOCKED,
					MAP_GROWSDOWN, MAP_STACK,     MAP_NONBLOCK | MAP_POPULATE,
					MAP_DENYWRITE, MAP_EXECUTABLE};
	static const uint64_t places[] = {MAP_FIXED,           MAP_FIXED,           MAP_FIXED,
					  MAP_FIXED_NOREPLACE, MAP_FIXED_NOREPLACE, 0};
	uint64_t at = any_address(), size = any_size(), prot = any_prot(), place = PICK(places);
	uint64_t flags = MAP_ANONYMOUS | PICK(types) | place | (next() % 4 ? 0 : PICK(more));

	/* The lowest pages are root's to map, if the machine lets it. Addresses of the last page look to
	 * Linux as if a look for a free one had failed with that errno. */
	if (place && (at < PAGE || at > -PAGE))
		at = ARENA + 1;
	result("mmap", at, size, prot, flags, 0,
	       chosen(syscall(SYS_mmap, at, size, prot, flags, -1, 0), size));
}

static void do_munmap(void)
{
	uint64_t at = any_address(), size = any_size();

	result("munmap", at, size, 0, 0, 0, syscall(SYS_munmap, at, size));
}

static void do_mprotect(void)
{
	static const uint64_t more[] = {
		PROT_GROWSDOWN, PROT_GROWSUP, 8, 0x10, 0x40, PROT_GROWSDOWN | PROT_GROWSUP};
	uint64_t at = any_address(), size = any_size(), prot = any_prot();

	prot |= next() % 6 ? 0 : PICK(more);
	result("mprotect", at, size, prot, 0, 0, syscall(SYS_mprotect, at, size, prot));
}

static void do_mremap(void)
{
	static const uint64_t kinds[] = {0,
					 MREMAP_MAYMOVE,
					 MREMAP_MAYMOVE,
					 MREMAP_MAYMOVE | MREMAP_FIXED,
					 MREMAP_MAYMOVE | MREMAP_FIXED,
					 MREMAP_MAYMOVE | MREMAP_FIXED,
					 MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
					 MREMAP_FIXED,
					 MREMAP_DONTUNMAP,
					 8,
					 MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP};
	uint64_t at = any_address(), size = any_size(), new_size = next() % 3 ? any_size() : size;
	uint64_t flags = PICK(kinds), to = any_address();

	if ((flags & MREMAP_FIXED) && (to < PAGE || to > -PAGE))
		to = ARENA + 1;
	/* See above: a move of several mappings, or of what has a hole, at once. */
	if ((flags & MREMAP_FIXED) && ((size ^ new_size) & -PAGE) == 0 && size > PAGE)
		size = new_size = PAGE;
	result("mremap", at, size, new_size, flags, to,
	       chosen(syscall(SYS_mremap, at, size, new_size, flags, to), new_size));
}

static void do_madvise(void)
{
	static const uint64_t advices[] = {0,  1,  2,  3,  4,  4,  4,         5,  8,
					   8,  9,  10, 11, 16, 17, 18,        19, 20,
					   21, 22, 23, 23, 24, 99, UINT32_MAX};
	uint64_t at = any_address(), size = any_small_size(), advice = PICK(advices);

	paged_out |= advice == 21;
	result("madvise", at, size, advice, 0, 0, syscall(SYS_madvise, at, size, advice));
}

static void do_mlock(void)
{
	uint64_t at = any_address(), size = any_size(), kind = next() % 6;
	static const long flags[] = {0, 1, 2};

	if (kind < 2)
		result("mlock", at, size, 0, 0, 0, syscall(SYS_mlock, at, size));
	else if (kind < 4)
		result("munlock", at, size, 0, 0, 0, syscall(SYS_munlock, at, size));
	else
		result("mlock2", at, size, (uint64_t)flags[kind - 3], 0, 0,
		       syscall(SYS_mlock2, at, size, flags[kind - 3]));
}

static void do_mincore(void)
{
	static unsigned char states[4 * PAGE];
	uint64_t to[] = {(uint64_t)states, (uint64_t)states, 8, 1ul << 63};
	uint64_t at = any_address(), size = any_small_size(), vector = PICK(to);
	long value;

	memset(states, 0, NR_PAGES);
	value = syscall(SYS_mincore, at, size, vector);
	for (uint32_t i = 0; value == 0 && !paged_out && i < NR_PAGES; i++)
		note(states[i] & 1);
	result("mincore", at, size, vector != (uint64_t)states, 0, 0, value);
}

static void do_msync(void)
{
	uint64_t at = any_address(), size = any_small_size(), flags = next() % 10;

	result("msync", at, size, flags, 0, 0, syscall(SYS_msync, at, size, flags));
}

static void do_brk(void)
{
	const uint64_t ends[] = {0,
				 1,
				 first_brk - 1,
				 first_brk,
				 first_brk + 1,
				 first_brk + PAGE,
				 first_brk + 5 * PAGE + 7,
				 first_brk + 40 * PAGE,
				 1ul << 47,
				 TASK_SIZE,
				 UINT64_MAX};
	uint64_t choice = next() % COUNT(ends);

	result("brk", choice, 0, 0, 0, 0,
	       (long)((uint64_t)syscall(SYS_brk, ends[choice]) - first_brk));
}

/* An access, by the kernel: a fault like any other, which grows a stack too. */
static void do_touch(void)
{
	uint64_t at = any_page(), write = next() & 1;

	result(write ? "write" : "read", at, 0, 0, 0, 0,
	       write ? syscall(SYS_clock_gettime, CLOCK_MONOTONIC, at + 128)
		     : syscall(SYS_access, at, 0));
}

static void (*const calls[])(void) = {
	do_mmap,     do_mmap,     do_mmap,    do_munmap, do_munmap, do_mprotect,
	do_mprotect, do_mprotect, do_mremap,  do_mremap, do_mremap, do_mremap,
	do_madvise,  do_madvise,  do_madvise, do_mlock,  do_mlock,  do_mincore,
	do_msync,    do_brk,      do_touch,   do_touch,
};

static void do_line(uint32_t line)
{
	seed = line;
	hash = 0xcbf29ce484222325;
	paged_out = false;
	lay_out();
	for (uint32_t i = 0; i < NR_CALLS; i++) {
		PICK(calls)();
		look("pages", residency);
	}
	look("rights", rights);
	syscall(SYS_brk, first_brk);
	say("%u: %016lx", line, hash);
}

int main(int argc, char **argv)
{
	uint32_t only = argc > 1 ? (uint32_t)atoi(argv[1]) : NR_LINES;

	verbose = argc > 1;
	first_brk = (uint64_t)syscall(SYS_brk, 0);
	for (uint32_t line = 0; line < NR_LINES; line++)
		if (only == NR_LINES || line == only || (argc > 1 && !strcmp(argv[1], "all")))
			do_line(line);
	return 0;
}
