/*
 * forkshare: one region shared copy-on-write by a parent and its children.
 *
 * The parent fills the region. In each round it forks `--children` children and then writes a
 * random part of its own copy while they run. A child reads all pages and must find what it
 * inherited, whatever the parent wrote since; writes a random part of its copy, its own choice of
 * pages; and verifies both kinds of pages again. The parent collects the children, and its own copy
 * must hold its own writes and none of theirs. Exit status: 0; 1 when a page was lost or stale here
 * or in a child, or a child could not run; 2 for a wrong command line.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

/* A different order for each process and round: they must not march through the region in step. */
static struct random_order order_of(const struct pagecheck *region, uint32_t writer, uint32_t round)
{
	return random_order(region->nr_pages,
			    region->seed ^ ((uint64_t)writer << 32 | (uint64_t)round << 1));
}

static void verify_inherited(const struct pagecheck *region, struct generation self)
{
	struct random_order order = order_of(region, self.writer, self.round);

	for (uint64_t i = 0; i < region->nr_pages; i++) {
		uint64_t page = random_order_at(&order, i);
		pagecheck_verify(region, page, pagecheck_latest(region, page, self.round - 1));
	}
}

static void write_part(const struct pagecheck *region, struct generation self)
{
	struct random_order order = order_of(region, self.writer, self.round);

	for (uint64_t i = 0; i < region->nr_pages; i++) {
		uint64_t page = random_order_at(&order, i);
		if (pagecheck_is_written(region, page, self))
			pagecheck_write(region, page, self);
	}
}

static void verify_own(const struct pagecheck *region, struct generation self)
{
	for (uint64_t page = 0; page < region->nr_pages; page++) {
		if (pagecheck_is_written(region, page, self))
			pagecheck_verify(region, page, self);
		else
			pagecheck_verify(region, page,
					 pagecheck_latest(region, page, self.round - 1));
	}
}

static void run_child(const struct pagecheck *region, struct generation self)
{
	verify_inherited(region, self);
	write_part(region, self);
	verify_own(region, self);
	_exit(0);
}

/* Waits for one child. Returns 0, or 1 when it failed. */
static int collect_child(void)
{
	int status;
	pid_t pid = wait4(-1, &status, 0, NULL);

	if (pid < 0) {
		print("forkshare: wait4: %s\n", strerror(errno));
		return 1;
	}
	if (status != 0) {
		print("forkshare: child %d failed: wait status %#x\n", pid, (unsigned int)status);
		return 1;
	}
	return 0;
}

/* Returns how many children failed or could not be started. */
static uint64_t run_round(const struct pagecheck *region, uint32_t round, uint32_t nr_children)
{
	uint32_t nr_started = 0;
	uint64_t nr_failed = 0;

	for (uint32_t child = 1; child <= nr_children; child++) {
		pid_t pid = fork();

		if (pid == 0)
			run_child(region, (struct generation){.writer = child, .round = round});
		if (pid > 0)
			nr_started++;
		else
			print("forkshare: fork: %s\n", strerror(errno));
	}
	nr_failed = nr_children - nr_started;

	write_part(region, (struct generation){.writer = 0, .round = round});
	while (nr_started-- > 0)
		nr_failed += (uint64_t)collect_child();
	for (uint64_t page = 0; page < region->nr_pages; page++)
		pagecheck_verify(region, page, pagecheck_latest(region, page, round));
	return nr_failed;
}

int main(int argc, char **argv)
{
	uint64_t size = 40u << 20, children = 8, rounds = 2, seed = 1, writes = 25;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, UINT64_C(1) << 40},
		{"--children", OPTION_NUMBER, &children, 1, 1000},
		{"--rounds", OPTION_NUMBER, &rounds, 1, 1000000},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
		{"--writes", OPTION_NUMBER, &writes, 0, 100},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct pagecheck region = pagecheck_map(size, seed, writes);
	uint64_t nr_failed = 0;

	for (uint64_t page = 0; page < region.nr_pages; page++)
		pagecheck_write(&region, page, (struct generation){0, 0});
	for (uint32_t round = 1; round <= rounds; round++)
		nr_failed += run_round(&region, round, (uint32_t)children);

	print("forkshare.size %llu pages\n", (unsigned long long)region.nr_pages);
	print("forkshare.children %llu processes\n", (unsigned long long)(children * rounds));
	print("forkshare.failed %llu processes\n", (unsigned long long)nr_failed);
	measure_print_faults("forkshare");
	return nr_failed != 0;
}
