/*
 * Memory is bounded by what lives in the guest: a trace ten times as long needs no more.
 */
#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

#define SHORT_STEPS 20000u
#define SLACK_KIB   4096

static struct writer w;
static struct guest g;

/* Peak resident memory, in KiB, of ingesting a trace of so many steps. */
static long peak_of(const char *dir, uint32_t steps)
{
	struct result result;

	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 81);
	guest_run(&g, steps);
	guest_end(&g);
	writer_close(&w);
	/* Sanitizers have their own idea of memory. */
	result = run((const char *const[]){plain_ingester, dir, NULL});
	if (result.status != 0)
		die("status %d: %s", result.status, result.output);
	CHECK(sql_int(dir, "SELECT sum(n) FROM event_count") == (int64_t)w.nr_events);
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'nr_violations'") == 0);
	return result.max_rss_kib;
}

static void test_bounded(const char *dir)
{
	long shorter = peak_of(dir, SHORT_STEPS);
	uint64_t events = w.nr_events;
	long longer = peak_of(dir, 10 * SHORT_STEPS);

	CHECK(w.nr_events > 5 * events);
	if (longer > shorter + SLACK_KIB)
		die("%llu events: %ld KiB, %llu events: %ld KiB", (unsigned long long)events,
		    shorter, (unsigned long long)w.nr_events, longer);
}

const struct test memory_tests[] = {
	{"memory is bounded by what lives", test_bounded},
	{NULL, NULL},
};
