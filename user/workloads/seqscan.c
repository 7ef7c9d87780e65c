/*
 * seqscan: passes over a region from its first page to its last.
 *
 * The worst case of LRU when the region is larger than memory: what is needed next is what was
 * evicted longest ago; and the best case of readahead. The first pass fills the region, each of the
 * `--passes` following ones verifies every page and writes a share of them again; a last one only
 * verifies. Exit status: 0, 1 when a page was lost or stale, 2 for a wrong command line.
 */
#include <stdint.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"

/* Verifies every page and writes those whose turn it is; returns how many were written. */
static uint64_t scan(const struct pagecheck *region, uint32_t pass)
{
	struct generation g = {.writer = 0, .round = pass};
	uint64_t nr_written = 0;

	for (uint64_t page = 0; page < region->nr_pages; page++) {
		pagecheck_verify(region, page, pagecheck_latest(region, page, pass - 1));
		if (pagecheck_is_written(region, page, g)) {
			pagecheck_write(region, page, g);
			nr_written++;
		}
	}
	return nr_written;
}

int main(int argc, char **argv)
{
	uint64_t size = 64u << 20, passes = 2, seed = 1, writes = 25;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, UINT64_C(1) << 40},
		{"--passes", OPTION_NUMBER, &passes, 0, 1000000},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
		{"--writes", OPTION_NUMBER, &writes, 0, 100},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct pagecheck region = pagecheck_map(size, seed, writes);
	uint64_t begin = measure_now_ns(), nr_written = region.nr_pages;

	for (uint64_t page = 0; page < region.nr_pages; page++)
		pagecheck_write(&region, page, (struct generation){0, 0});
	for (uint32_t pass = 1; pass <= passes; pass++)
		nr_written += scan(&region, pass);
	for (uint64_t page = 0; page < region.nr_pages; page++)
		pagecheck_verify(&region, page, pagecheck_latest(&region, page, (uint32_t)passes));

	print("seqscan.size %llu pages\n", (unsigned long long)region.nr_pages);
	print("seqscan.written %llu pages\n", (unsigned long long)nr_written);
	print("seqscan.verified %llu pages\n",
	      (unsigned long long)(region.nr_pages * (passes + 1)));
	print("seqscan.total_time %llu ns\n", (unsigned long long)(measure_now_ns() - begin));
	measure_print_faults("seqscan");
	return 0;
}
