/*
 * A trace that was paused: what happened meanwhile is not known, and nothing else is wrong with it.
 */
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

#define PAUSE "(SELECT t_begin AS t_off, t_end AS t_on FROM pause ORDER BY 1 LIMIT 1)"

static struct writer w;
static struct guest g;

static void record(const char *dir, uint64_t seed)
{
	writer_open(&w, dir, 2);
	w.packet_size = 4096;
	guest_boot(&g, &w, seed);
	guest_run(&g, 1000);
	guest_pause(&g);
	guest_run(&g, 1000);
}

static void expect_clean(const char *dir)
{
	struct result result =
		run((const char *const[]){ingester, dir, "--keyframe-events", "300", NULL});

	if (result.status != 0 || result.output[0])
		die("status %d: %s", result.status, result.output);
	sql_empty(dir, "SELECT * FROM order_violation");
	sql_empty(dir, "SELECT * FROM vmstat_check WHERE NOT equal");
	CHECK(sql_int(dir, "SELECT count(*) FROM vmstat_check") == VMSTAT_PAGEOUTRUN + 1);
}

static void test_paused(const char *dir)
{
	record(dir, 61);
	guest_resume(&g);
	guest_run(&g, 1000);
	/* A baseline that follows is compared as ever. */
	guest_baseline(&g);
	guest_pause(&g);
	guest_run(&g, 200);
	guest_resume(&g);
	guest_run(&g, 100);
	guest_end(&g);
	writer_close(&w);
	expect_clean(dir);
	CHECK(sql_int(dir, "SELECT count(*) FROM pause") == 2);
}

/* Spans end where it begins, and new ones begin with the baseline. */
static void test_spans_are_cut(const char *dir)
{
	static const char *const tables[] = {
		"task_span", "mm_span",      "vma_span", "pte_span",  "rmap_span", "page_life",
		"free_span", "pgtable_span", "lru_span", "swap_span", "avc_span",  "anon_vma_span"};

	record(dir, 62);
	guest_resume(&g);
	guest_run(&g, 1000);
	guest_end(&g);
	writer_close(&w);
	expect_clean(dir);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		char sql[400];

		snprintf(sql, sizeof(sql),
			 "SELECT * FROM %s, " PAUSE " WHERE t_begin < t_on AND t_off < t_end",
			 tables[i]);
		sql_empty(dir, sql);
		snprintf(sql, sizeof(sql),
			 "SELECT max(t_end = t_off) + max(t_begin = t_on) FROM %s, " PAUSE,
			 tables[i]);
		if (sql_int(dir, sql) != 2)
			die("%s: no span ends or begins at the pause", tables[i]);
	}
	/* A content that left before and comes back after may be another one. */
	sql_empty(dir, "SELECT * FROM refault JOIN eviction ON eviction.id = eviction_id, " PAUSE
		       " WHERE eviction.t < t_off AND refault.t > t_off");
	CHECK(sql_int(dir, "SELECT count(*) > 10 FROM refault"));
}

static void test_ends_paused(const char *dir)
{
	record(dir, 63);
	w.muted = false;
	EMIT(&w, 0, session_end, .status = 0);
	writer_close(&w);
	expect_clean(dir);
	CHECK(strcmp(sql_text(dir, "SELECT value FROM session WHERE key = 'ended'"), "yes") == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM lru_span WHERE t_end = 9223372036854775807") == 0);
	CHECK(sql_int(dir, "SELECT t_end = 9223372036854775807 FROM pause"));
}

const struct test pause_tests[] = {
	{"a pause", test_paused},
	{"a pause cuts spans", test_spans_are_cut},
	{"a trace that ends in a pause", test_ends_paused},
	{NULL, NULL},
};
