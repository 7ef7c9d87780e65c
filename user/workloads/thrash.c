/*
 * thrash: more anonymous memory than the machine has, visited in random order.
 *
 * Fills all pages, then visits them in `--rounds` rounds, each in a new random order: every page is
 * verified, and a share of them is written again, so that evictions of clean and of dirty pages
 * both occur. A last round only verifies. Exit status: 0, 1 when a page was lost or stale, 2 for a
 * wrong command line.
 */
#include <stdint.h>
#include <sys/mman.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

static void fill(const struct pagecheck *region)
{
	struct random_order order = random_order(region->nr_pages, region->seed);

	for (uint64_t i = 0; i < region->nr_pages; i++)
		pagecheck_write(region, random_order_at(&order, i), (struct generation){0, 0});
}

/* Verifies every page and writes those whose turn it is; returns how many were written. */
static uint64_t visit(const struct pagecheck *region, uint32_t round)
{
	struct random_order order = random_order(region->nr_pages, region->seed + round);
	struct generation g = {.writer = 0, .round = round};
	uint64_t nr_written = 0;

	for (uint64_t i = 0; i < region->nr_pages; i++) {
		uint64_t page = random_order_at(&order, i);

		pagecheck_verify(region, page, pagecheck_latest(region, page, round - 1));
		if (pagecheck_is_written(region, page, g)) {
			pagecheck_write(region, page, g);
			nr_written++;
		}
	}
	return nr_written;
}

static void verify_all(const struct pagecheck *region, uint32_t last_round)
{
	struct random_order order = random_order(region->nr_pages, region->seed + last_round + 1);

	for (uint64_t i = 0; i < region->nr_pages; i++) {
		uint64_t page = random_order_at(&order, i);
		pagecheck_verify(region, page, pagecheck_latest(region, page, last_round));
	}
}

int main(int argc, char **argv)
{
	uint64_t size = 96u << 20, rounds = 2, seed = 1, writes = 50;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, UINT64_C(1) << 40},
		{"--rounds", OPTION_NUMBER, &rounds, 1, 1000000},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
		{"--writes", OPTION_NUMBER, &writes, 0, 100},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct pagecheck region = pagecheck_map(size, seed, writes);
	uint64_t begin = measure_now_ns(), nr_written = region.nr_pages;

	fill(&region);
	print("thrash.fill_time %llu ns\n", (unsigned long long)(measure_now_ns() - begin));
	for (uint32_t round = 1; round <= rounds; round++) {
		uint64_t round_begin = measure_now_ns();

		nr_written += visit(&region, round);
		print("thrash.round_%u_time %llu ns\n", round,
		      (unsigned long long)(measure_now_ns() - round_begin));
	}
	verify_all(&region, (uint32_t)rounds);

	print("thrash.size %llu pages\n", (unsigned long long)region.nr_pages);
	print("thrash.written %llu pages\n", (unsigned long long)nr_written);
	print("thrash.verified %llu pages\n", (unsigned long long)(region.nr_pages * (rounds + 1)));
	print("thrash.total_time %llu ns\n", (unsigned long long)(measure_now_ns() - begin));
	measure_print_faults("thrash");
	munmap(region.base, region.nr_pages * PAGE_SIZE);
	return 0;
}
