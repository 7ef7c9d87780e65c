/*
 * hotcold: a small set of pages in constant use while a large region is swept beside it. A good
 * replacement policy keeps the hot pages and lets the sweep pass through.
 *
 * `--hot` percent of the region are hot. For each cold page of a sweep, `--ratio` hot pages are
 * visited, in rounds over the whole hot set, each in a new random order. Before such a round
 * mincore(2) tells how many hot pages are not in memory: lost to the sweep. Every visit verifies,
 * and a share of them writes. Exit status: 0, 1 when a page was lost or stale (or mincore fails for
 * another reason than not being there), 2 for a wrong command line.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

#define MINCORE_BATCH 4096u /* pages asked for by one call */

struct hotcold {
	struct pagecheck hot, cold;
	uint64_t nr_hot_visits; /* so far */
	uint64_t nr_lost;       /* hot pages found absent at the beginning of a round of visits */
	struct random_order order; /* of the current round over the hot set */
	bool mincore_missing;
};

/* Hot pages that are not in memory now. */
static uint64_t count_absent(struct hotcold *work)
{
	static unsigned char resident[MINCORE_BATCH];
	uint64_t nr_absent = 0;

	for (uint64_t page = 0; page < work->hot.nr_pages; page += MINCORE_BATCH) {
		uint64_t nr = work->hot.nr_pages - page;

		if (nr > MINCORE_BATCH)
			nr = MINCORE_BATCH;
		if (mincore(work->hot.base + page * PAGE_SIZE, nr * PAGE_SIZE, resident) != 0) {
			work->mincore_missing = errno == ENOSYS;
			if (work->mincore_missing)
				return 0;
			print("hotcold: mincore: %s\n", strerror(errno));
			_exit(1);
		}
		for (uint64_t i = 0; i < nr; i++)
			nr_absent += !(resident[i] & 1);
	}
	return nr_absent;
}

static uint32_t hot_round(const struct hotcold *work)
{
	return (uint32_t)(work->nr_hot_visits / work->hot.nr_pages) + 1;
}

static void visit(const struct pagecheck *region, uint64_t page, uint32_t round)
{
	struct generation g = {.writer = 0, .round = round};

	pagecheck_verify(region, page, pagecheck_latest(region, page, round - 1));
	if (pagecheck_is_written(region, page, g))
		pagecheck_write(region, page, g);
}

static void visit_next_hot(struct hotcold *work)
{
	uint64_t place = work->nr_hot_visits % work->hot.nr_pages;
	uint32_t round = hot_round(work);

	if (place == 0) {
		work->nr_lost += count_absent(work);
		work->order = random_order(work->hot.nr_pages, work->hot.seed + round);
	}
	visit(&work->hot, random_order_at(&work->order, place), round);
	work->nr_hot_visits++;
}

/* One sweep over the cold pages; returns the hot pages lost meanwhile. */
static uint64_t sweep(struct hotcold *work, uint32_t number, uint64_t ratio)
{
	uint64_t lost_before = work->nr_lost;

	for (uint64_t page = 0; page < work->cold.nr_pages; page++) {
		visit(&work->cold, page, number);
		for (uint64_t i = 0; i < ratio; i++)
			visit_next_hot(work);
	}
	return work->nr_lost - lost_before;
}

static void fill(const struct pagecheck *region)
{
	for (uint64_t page = 0; page < region->nr_pages; page++)
		pagecheck_write(region, page, (struct generation){0, 0});
}

/* What is left when the last round over the hot set was cut short by the end of the last sweep. */
static void verify_all(const struct hotcold *work, uint32_t nr_sweeps)
{
	uint32_t round = hot_round(work);
	uint64_t nr_done = work->nr_hot_visits % work->hot.nr_pages;

	for (uint64_t i = 0; i < work->hot.nr_pages; i++) {
		uint64_t page = i;
		uint32_t last = round - 1;

		if (nr_done > 0) {
			page = random_order_at(&work->order, i);
			last = i < nr_done ? round : round - 1;
		}
		pagecheck_verify(&work->hot, page, pagecheck_latest(&work->hot, page, last));
	}
	for (uint64_t page = 0; page < work->cold.nr_pages; page++)
		pagecheck_verify(&work->cold, page, pagecheck_latest(&work->cold, page, nr_sweeps));
}

int main(int argc, char **argv)
{
	uint64_t size = 64u << 20, hot = 25, sweeps = 2, ratio = 4, seed = 1, writes = 10;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, 8 * PAGE_SIZE, UINT64_C(1) << 40},
		{"--hot", OPTION_NUMBER, &hot, 1, 90},
		{"--sweeps", OPTION_NUMBER, &sweeps, 1, 1000000},
		{"--ratio", OPTION_NUMBER, &ratio, 1, 1000},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
		{"--writes", OPTION_NUMBER, &writes, 0, 100},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct hotcold work = {
		.hot = pagecheck_map(size / 100 * hot + PAGE_SIZE, seed, writes),
		.cold = pagecheck_map(size / 100 * (100 - hot), seed + 1, writes),
	};
	uint64_t begin = measure_now_ns();

	fill(&work.hot);
	fill(&work.cold);
	for (uint32_t number = 1; number <= sweeps; number++) {
		uint64_t majflt = measure_majflt(), nr_lost = sweep(&work, number, ratio);

		if (!work.mincore_missing)
			print("hotcold.sweep_%u_hot_lost %llu pages\n", number,
			      (unsigned long long)nr_lost);
		print("hotcold.sweep_%u_majflt %llu faults\n", number,
		      (unsigned long long)(measure_majflt() - majflt));
	}
	verify_all(&work, (uint32_t)sweeps);

	print("hotcold.hot %llu pages\n", (unsigned long long)work.hot.nr_pages);
	print("hotcold.cold %llu pages\n", (unsigned long long)work.cold.nr_pages);
	print("hotcold.hot_visits %llu pages\n", (unsigned long long)work.nr_hot_visits);
	if (!work.mincore_missing)
		print("hotcold.hot_lost %llu pages\n", (unsigned long long)work.nr_lost);
	print("hotcold.total_time %llu ns\n", (unsigned long long)(measure_now_ns() - begin));
	measure_print_faults("hotcold");
	return 0;
}
