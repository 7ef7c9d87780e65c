/*
 * mapchurn: mappings made, cut, protected, moved, locked, given up and removed in random order,
 * checked against a model.
 *
 * The model knows of each page of an arena whether it is mapped, with which rights, and what it must
 * hold. Each step picks a range of pages and one operation; what the call returns and what it leaves
 * behind must be what the model says, holes and half-done calls included. Rights are checked from
 * the side of the kernel by system calls that read or write one byte of the page (EFAULT or not),
 * and now and then from the side of the processor, by a child that touches what it may not and must
 * die of it. Exit status: 0; 1 when something was not as in the model; 2 for a wrong command line.
 *
 * mremap moves single pages only: which mappings the kernel has merged, and so which longer ranges
 * are one mapping, a program cannot know. A kernel without mremap is no failure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

#define MAX_PAGES        32768u /* half of what Linux allows in mappings: each page may be one */
#define STEPS_PER_CHILD  256
#define PROBE_WRITE_SIZE 16u /* a struct timespec */
#define MAX_LOCKED       64u /* pages at a time: small machines must be able to */

_Static_assert(PAGECHECK_SPARE + PROBE_WRITE_SIZE <= PAGE_SIZE, "the probe must spoil no stamp");

struct page_model {
	uint32_t step;   /* in which it was stamped; 0: never, zeroes */
	uint32_t origin; /* the page that was stamped: another one when it was moved */
	uint8_t mapped;
	uint8_t prot;
	uint8_t given_up; /* MADV_FREE: it may have become zeroes */
};

static struct page_model model[MAX_PAGES];
static struct pagecheck arena;
static uint32_t step; /* from 1 */
static bool mremap_missing;

/* One operation's range. */
struct range {
	uint64_t first, nr;
};

static void *address_of(uint64_t page)
{
	return arena.base + page * PAGE_SIZE;
}

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print("mapchurn: seed %llu step %u: %s\n", (unsigned long long)arena.seed, step, text);
	_exit(1);
}

/* The call must have returned this; error 0: success. */
static void expect_result(const char *call, struct range range, long result, int error)
{
	int found = result == -1 ? errno : 0;

	if (found != error)
		fail("%s of %llu pages at %p: expected \"%s\", got \"%s\"", call,
		     (unsigned long long)range.nr, address_of(range.first), strerror(error),
		     strerror(found));
}

static bool readable(uint64_t page)
{
	return model[page].mapped && (model[page].prot & PROT_READ);
}

static bool writable(uint64_t page)
{
	return model[page].mapped && (model[page].prot & PROT_WRITE);
}

/* Pages from the beginning of the range up to the first that is not mapped. */
static uint64_t mapped_prefix(struct range range)
{
	uint64_t nr = 0;

	while (nr < range.nr && model[range.first + nr].mapped)
		nr++;
	return nr;
}

static bool any_mapped(struct range range)
{
	for (uint64_t i = 0; i < range.nr; i++) {
		if (model[range.first + i].mapped)
			return true;
	}
	return false;
}

static int random_prot(uint64_t random)
{
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};

	return prots[random % (sizeof(prots) / sizeof(prots[0]))];
}

static void model_map(struct range range, int prot)
{
	for (uint64_t i = 0; i < range.nr; i++)
		model[range.first + i] = (struct page_model){.mapped = 1, .prot = (uint8_t)prot};
}

/* ---- the operations ---- */

static void do_map(struct range range, uint64_t random)
{
	int prot = random_prot(random);
	void *result = mmap(address_of(range.first), range.nr * PAGE_SIZE, prot,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	expect_result("mmap", range, result == MAP_FAILED ? -1 : 0, 0);
	model_map(range, prot);
}

static void do_map_free(struct range range, uint64_t random)
{
	int prot = random_prot(random);
	bool taken = any_mapped(range);
	void *result = mmap(address_of(range.first), range.nr * PAGE_SIZE, prot,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	expect_result("mmap with MAP_FIXED_NOREPLACE", range, result == MAP_FAILED ? -1 : 0,
		      taken ? EEXIST : 0);
	if (!taken)
		model_map(range, prot);
}

static void do_unmap(struct range range, uint64_t random)
{
	(void)random;
	expect_result("munmap", range, munmap(address_of(range.first), range.nr * PAGE_SIZE), 0);
	memset(&model[range.first], 0, range.nr * sizeof(model[0]));
}

/* What lies before a hole is changed, then the hole is reported. */
static void do_protect(struct range range, uint64_t random)
{
	int prot = random_prot(random);
	uint64_t nr = mapped_prefix(range);

	expect_result("mprotect", range,
		      mprotect(address_of(range.first), range.nr * PAGE_SIZE, prot),
		      nr < range.nr ? ENOMEM : 0);
	for (uint64_t i = 0; i < nr; i++)
		model[range.first + i].prot = (uint8_t)prot;
}

/* Holes are skipped, and reported at the end. */
static void do_discard(struct range range, uint64_t random)
{
	(void)random;
	expect_result("madvise", range,
		      madvise(address_of(range.first), range.nr * PAGE_SIZE, MADV_DONTNEED),
		      mapped_prefix(range) < range.nr ? ENOMEM : 0);
	for (uint64_t i = 0; i < range.nr; i++)
		model[range.first + i].step = 0;
}

/* As do_discard, but when the pages go is the kernel's affair. */
static void do_give_up(struct range range, uint64_t random)
{
	(void)random;
	expect_result("madvise with MADV_FREE", range,
		      madvise(address_of(range.first), range.nr * PAGE_SIZE, MADV_FREE),
		      mapped_prefix(range) < range.nr ? ENOMEM : 0);
	for (uint64_t i = 0; i < range.nr; i++)
		model[range.first + i].given_up = model[range.first + i].step != 0;
}

static void do_move(struct range range, uint64_t random)
{
	uint64_t from = range.first, to = random % arena.nr_pages;
	void *result;

	if (!model[from].mapped || from == to || mremap_missing)
		return;
	range.nr = 1;
	result = mremap(address_of(from), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			address_of(to));
	if (result == MAP_FAILED && errno == ENOSYS) {
		mremap_missing = true;
		return;
	}
	expect_result("mremap", range, result == MAP_FAILED ? -1 : 0, 0);
	model[to] = model[from];
	model[from] = (struct page_model){0};
}

/* Whether what a page that was given up holds is known now: it has been written to, so it stays as it
 * is. */
static bool settle(uint64_t page)
{
	struct page_model *m = &model[page];

	if (!m->given_up)
		return true;
	if (!writable(page))
		return false;
	((volatile unsigned char *)address_of(page))[PAGECHECK_SPARE] = 1;
	m->given_up = 0;
	if (*(volatile uint64_t *)address_of(page) == 0)
		m->step = 0;
	return true;
}

static void verify(uint64_t page)
{
	const struct page_model *m = &model[page];

	if (!settle(page))
		return;
	if (m->step == 0)
		pagecheck_verify_zero(&arena, page);
	else
		pagecheck_verify_moved(&arena, page, m->origin,
				       (struct generation){.writer = 0, .round = m->step});
}

static void do_access(struct range range, uint64_t random)
{
	for (uint64_t page = range.first; page < range.first + range.nr; page++) {
		if (readable(page))
			verify(page);
		if (!writable(page) || random_mix(random + page) % 2 == 0)
			continue;
		pagecheck_write(&arena, page, (struct generation){.writer = 0, .round = step});
		model[page].step = step;
		model[page].origin = (uint32_t)page;
		model[page].given_up = 0;
	}
}

/* Locks a few pages, and unlocks them when they were found in memory, as they were. What no access is
 * allowed to cannot be brought in, which is an error as a hole is. */
static void do_lock(struct range range, uint64_t random)
{
	unsigned char states[MAX_LOCKED];
	uint64_t nr;

	if (range.nr > MAX_LOCKED)
		range.nr = MAX_LOCKED;
	nr = mapped_prefix(range);
	for (uint64_t i = 0; i < nr; i++) {
		if (model[range.first + i].prot == PROT_NONE)
			nr = 0;
	}
	expect_result(
		"mlock", range,
		random & 1 ? mlock(address_of(range.first), range.nr * PAGE_SIZE)
			   : syscall(SYS_mlock2, address_of(range.first), range.nr * PAGE_SIZE, 0),
		nr < range.nr ? ENOMEM : 0);
	if (nr == range.nr) {
		do_access(range, random);
		expect_result("mincore", range,
			      mincore(address_of(range.first), range.nr * PAGE_SIZE, states), 0);
		for (uint64_t i = 0; i < range.nr; i++) {
			if (!(states[i] & 1))
				fail("page %p is locked and not in memory",
				     address_of(range.first + i));
		}
	}
	expect_result("munlock", range, munlock(address_of(range.first), range.nr * PAGE_SIZE),
		      mapped_prefix(range) < range.nr ? ENOMEM : 0);
}

/* Whether the kernel may read, and write, the page on our behalf. A page begins with zeroes or with
 * the address of a page, whose first byte is zero too: an empty path, which does not exist. */
static void do_probe(struct range range, uint64_t random)
{
	uint64_t page = range.first;
	struct range one = {.first = page, .nr = 1};

	(void)random;
	expect_result("access", one, syscall(SYS_access, address_of(page), F_OK),
		      readable(page) ? ENOENT : EFAULT);
	expect_result("clock_gettime", one,
		      syscall(SYS_clock_gettime, CLOCK_MONOTONIC,
			      (unsigned char *)address_of(page) + PAGECHECK_SPARE),
		      writable(page) ? 0 : EFAULT);
}

static void touch(uint64_t page, bool write)
{
	volatile unsigned char *byte = (unsigned char *)address_of(page) + PAGE_SIZE - 1;

	if (write)
		*byte = 1;
	else
		(void)*byte;
}

/* A child touches one page, which must kill it or not, as the rights say. It has all the mappings
 * too, so this is also a fork of whatever the steps have made. */
static void check_by_child(uint64_t page, bool write)
{
	bool allowed = write ? writable(page) : readable(page);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		touch(page, write);
		if (readable(page))
			verify(page);
		_exit(0);
	}
	if (pid < 0 || wait4(pid, &status, 0, NULL) != pid)
		fail("fork and wait4: %s", strerror(errno));
	if (allowed ? status != 0 : !(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV))
		fail("%s of %p, which is %s: wait status %#x", write ? "write" : "read",
		     address_of(page), allowed ? "allowed" : "not allowed", (unsigned int)status);
}

/* As often as they stand here: changes must not outweigh the accesses that fill memory. */
static void (*const operations[])(struct range range, uint64_t random) = {
	do_map,    do_map,    do_map_free, do_unmap,  do_protect, do_protect, do_discard,
	do_move,   do_access, do_access,   do_access, do_access,  do_access,  do_access,
	do_access, do_access, do_access,   do_access, do_access,  do_access,  do_access,
	do_access, do_access, do_access,   do_access, do_access,  do_access,  do_give_up,
	do_lock,   do_probe,  do_probe,    do_probe,
};

static void do_step(uint64_t random, uint64_t max_range)
{
	struct range range = {.first = random_mix(random + 1) % arena.nr_pages,
			      .nr = 1 + random_mix(random + 2) % max_range};
	uint64_t choice = random_mix(random + 3);

	if (range.nr > arena.nr_pages - range.first)
		range.nr = arena.nr_pages - range.first;
	operations[choice % (sizeof(operations) / sizeof(operations[0]))](range,
									  random_mix(random + 4));
	if (step % STEPS_PER_CHILD == 0)
		check_by_child(range.first, choice >> 32 & 1);
}

int main(int argc, char **argv)
{
	uint64_t size = 8u << 20, steps = 20000, range = 64, seed = 1, nr_mapped = 0;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, (uint64_t)MAX_PAGES * PAGE_SIZE},
		{"--steps", OPTION_NUMBER, &steps, 1, UINT32_MAX - 1},
		{"--range", OPTION_NUMBER, &range, 1, MAX_PAGES},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	arena = pagecheck_map(size, seed, 0);
	model_map((struct range){0, arena.nr_pages}, PROT_READ | PROT_WRITE);
	for (step = 1; step <= steps; step++)
		do_step(random_mix(random_mix(seed) + step), range);
	for (uint64_t page = 0; page < arena.nr_pages; page++) {
		do_probe((struct range){page, 1}, 0);
		if (readable(page))
			verify(page);
		nr_mapped += model[page].mapped;
	}
	print("mapchurn.size %llu pages\n", (unsigned long long)arena.nr_pages);
	print("mapchurn.steps %llu steps\n", (unsigned long long)steps);
	print("mapchurn.mapped %llu pages\n", (unsigned long long)nr_mapped);
	print("mapchurn.mremap %d present\n", !mremap_missing);
	measure_print_faults("mapchurn");
	return 0;
}
