/*
 * zipf: pages accessed with the frequencies of Zipf's law, the shape of most caches' traffic: the
 * page of rank k is accessed in proportion to 1/k.
 *
 * Fills the region, then makes `--rounds` times as many accesses as it has pages. Each verifies its
 * page, and a share of them writes it again. Ranks are scattered over the region, so that a page's
 * neighbours say nothing of its rank. A last pass verifies all pages in order. Exit status: 0, 1
 * when a page was lost or stale, 2 for a wrong command line.
 *
 * How often a page was written depends on the accesses drawn so far, so that, unlike in the other
 * workloads, a table of generations is needed. It is a thousandth of the region; a page of it that
 * the kernel lost would show as pages that do not match it.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

struct zipf {
	struct pagecheck region;
	struct random_order page_of_rank;
	uint32_t *rounds; /* of each page: how often it was written after the fill */
	uint64_t nr_written;
};

static uint32_t *map_table(uint64_t nr)
{
	void *table = mmap(NULL, nr * sizeof(uint32_t), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED) {
		print("zipf: cannot map the table of generations: %s\n", strerror(errno));
		_exit(1);
	}
	return table;
}

/*
 * A rank from 0 to n-1. For a uniform u in [0, 1), (n+1)^u lies in [k, k+1) with probability
 * log((k+1)/k) / log(n+1), which is 1/k as closely as the law is ever met.
 */
static uint64_t draw_rank(uint64_t random, uint64_t n)
{
	double u = (double)(random >> 11) / (double)(UINT64_C(1) << 53);
	uint64_t rank = (uint64_t)exp(u * log((double)(n + 1)));

	return rank < 1 ? 0 : rank > n ? n - 1 : rank - 1;
}

static void verify(const struct zipf *zipf, uint64_t page)
{
	pagecheck_verify(&zipf->region, page,
			 (struct generation){.writer = 0, .round = zipf->rounds[page]});
}

static void access_page(struct zipf *zipf, uint64_t random)
{
	const struct pagecheck *region = &zipf->region;
	uint64_t rank = draw_rank(random, region->nr_pages);
	uint64_t page = random_order_at(&zipf->page_of_rank, rank);

	verify(zipf, page);
	if (random_mix(random) % 100 >= region->write_percent)
		return;
	zipf->rounds[page]++;
	zipf->nr_written++;
	pagecheck_write(region, page, (struct generation){0, zipf->rounds[page]});
}

int main(int argc, char **argv)
{
	uint64_t size = 64u << 20, rounds = 2, seed = 1, writes = 25;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, UINT64_C(1) << 40},
		{"--rounds", OPTION_NUMBER, &rounds, 1, 1000000},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
		{"--writes", OPTION_NUMBER, &writes, 0, 100},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct zipf zipf = {.region = pagecheck_map(size, seed, writes)};
	uint64_t nr_pages = zipf.region.nr_pages, begin = measure_now_ns();

	zipf.page_of_rank = random_order(nr_pages, seed);
	zipf.rounds = map_table(nr_pages);
	for (uint64_t page = 0; page < nr_pages; page++)
		pagecheck_write(&zipf.region, page, (struct generation){0, 0});
	for (uint64_t i = 0; i < rounds * nr_pages; i++)
		access_page(&zipf, random_mix(random_mix(seed) + i));
	for (uint64_t page = 0; page < nr_pages; page++)
		verify(&zipf, page);

	print("zipf.size %llu pages\n", (unsigned long long)nr_pages);
	print("zipf.accesses %llu pages\n", (unsigned long long)(rounds * nr_pages));
	print("zipf.written %llu pages\n", (unsigned long long)(nr_pages + zipf.nr_written));
	print("zipf.verified %llu pages\n", (unsigned long long)((rounds + 1) * nr_pages));
	print("zipf.total_time %llu ns\n", (unsigned long long)(measure_now_ns() - begin));
	measure_print_faults("zipf");
	return 0;
}
