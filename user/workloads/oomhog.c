/*
 * oomhog: takes memory, and writes to all of it, until it is killed for it.
 *
 * Takes `--step` bytes at a time and stamps every page. With `--limit` it stops there, verifies all
 * it has, and exits; without, only the OOM killer ends it. Exit status: 0 at the limit; 1 when a
 * page was lost or the kernel refused memory.
 */
#include <stdint.h>

#include "../lib/print.h"
#include "options.h"
#include "pagecheck.h"

#define STEPS_PER_LINE 16 /* progress lines are rare: printing must not be what fills the log */
#define MAX_STEPS      (1u << 16)

/* Static and mostly untouched: costs memory only for steps that were taken. */
static struct pagecheck regions[MAX_STEPS];

static void stamp_all(const struct pagecheck *region)
{
	for (uint64_t page = 0; page < region->nr_pages; page++)
		pagecheck_write(region, page, (struct generation){0, 0});
}

static void verify_all(const struct pagecheck *region)
{
	for (uint64_t page = 0; page < region->nr_pages; page++)
		pagecheck_verify(region, page, (struct generation){0, 0});
}

int main(int argc, char **argv)
{
	uint64_t step = 1u << 20, limit = UINT64_MAX, seed = 1, taken = 0;
	const struct option options[] = {
		{"--step", OPTION_SIZE, &step, PAGE_SIZE, UINT64_C(1) << 30},
		{"--limit", OPTION_SIZE, &limit, PAGE_SIZE, UINT64_C(1) << 40},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	uint32_t nr_steps = 0;
	while (nr_steps < MAX_STEPS && taken < limit) {
		regions[nr_steps] = pagecheck_map(step, seed, 0);
		stamp_all(&regions[nr_steps]);
		taken += step;
		if (++nr_steps % STEPS_PER_LINE == 0)
			print("oomhog.taken %llu bytes\n", (unsigned long long)taken);
	}
	for (uint32_t i = 0; i < nr_steps; i++)
		verify_all(&regions[i]);
	print("oomhog.verified %llu bytes\n", (unsigned long long)taken);
	return 0;
}
