/*
 * Keyframes: what they say of an instant is what all spans say of it.
 */
#include <sqlite3.h>
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

static struct writer w;
static struct guest g;

static void ingest_with_keyframes(const char *dir)
{
	struct result result =
		run((const char *const[]){ingester, dir, "--keyframe-events", "300", NULL});

	if (result.status != 0)
		die("status %d: %s", result.status, result.output);
	CHECK(sql_int(dir, "SELECT count(*) FROM keyframe") > 10);
	sql_empty(dir, "SELECT * FROM keyframe JOIN keyframe AS next ON next.k = keyframe.k + 1 "
		       "WHERE next.t <= keyframe.t OR next.event < keyframe.event + 300");
}

/* The two claims by which the state at any instant is found (keyframe.h), for every table and keyframe. */
static void compare_with_spans(const char *dir)
{
	static const char names[] =
		"SELECT name FROM span_table ORDER BY table_id LIMIT 1 OFFSET %d";
	int nr = (int)sql_int(dir, "SELECT count(*) FROM span_table");

	CHECK(nr == sql_int(dir, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' "
				 "AND name <> 'reclaim_pass' AND sql LIKE '%t_begin INTEGER%'"));
	for (int i = 0; i < nr; i++) {
		char table[64], sql[1024];

		snprintf(sql, sizeof(sql), names, i);
		snprintf(table, sizeof(table), "%s", sql_text(dir, sql));
		snprintf(sql, sizeof(sql),
			 "SELECT '%s', k, span.rowid FROM keyframe JOIN keyframe_end USING (k) "
			 "JOIN span_table USING (table_id) JOIN %s AS span "
			 "WHERE name = '%s' AND (span.rowid <= last_id) <> (span.t_end <= "
			 "keyframe.t)",
			 table, table, table);
		sql_empty(dir, sql);
		snprintf(sql, sizeof(sql),
			 "WITH listed AS (SELECT k, span_id FROM live JOIN span_table USING "
			 "(table_id) "
			 "WHERE name = '%s'), found AS (SELECT k, span.rowid FROM keyframe "
			 "JOIN %s AS span ON t_begin <= keyframe.t AND keyframe.t < t_end) "
			 "SELECT '%s', * FROM (SELECT * FROM listed EXCEPT SELECT * FROM found) "
			 "UNION ALL SELECT '%s', * FROM (SELECT * FROM found EXCEPT SELECT * FROM "
			 "listed) "
			 "UNION ALL SELECT '%s', 'twice', span_id FROM listed GROUP BY k, span_id "
			 "HAVING count(*) > 1",
			 table, table, table, table, table);
		sql_empty(dir, sql);
	}
	CHECK(sql_int(dir, "SELECT count(*) FROM live") > 1000);
}

/* The second baseline agrees; the third one ends and begins spans of a model that went wrong meanwhile. */
static void record(const char *dir, uint64_t seed)
{
	writer_open(&w, dir, 2);
	w.packet_size = 4096;
	guest_boot(&g, &w, seed);
	guest_run(&g, 1000);
	guest_baseline(&g);
	guest_run(&g, 1000);
}

static void test_keyframes(const char *dir)
{
	record(dir, 51);
	guest_end(&g);
	writer_close(&w);
	ingest_with_keyframes(dir);
	sql_empty(dir, "SELECT * FROM order_violation");
	compare_with_spans(dir);
}

static void test_spans_that_a_baseline_ends(const char *dir)
{
	record(dir, 52);
	writer_flush(&w, 0);
	w.muted = true;
	guest_run(&g, 1000);
	w.muted = false;
	guest_baseline(&g);
	guest_run(&g, 1000);
	guest_end(&g);
	writer_close(&w);
	ingest_with_keyframes(dir);
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'nr_violations'") > 100);
	CHECK(sql_int(dir, "SELECT count(*) FROM lru_span WHERE why_out = 'baseline'") > 10);
	compare_with_spans(dir);
}

/* The trace stops inside a baseline: no keyframe is taken there. */
static void test_unfinished_baseline(const char *dir)
{
	record(dir, 53);
	EMIT(&w, 0, state_begin, .n = 3);
	guest_run(&g, 1000);
	writer_close(&w);
	ingest_with_keyframes(dir);
	CHECK(sql_int(dir, "SELECT max(event) FROM keyframe") <
	      sql_int(dir, "SELECT max(id) FROM state_begin"));
	compare_with_spans(dir);
}

const struct test keyframe_tests[] = {
	{"keyframes", test_keyframes},
	{"keyframes and spans that a baseline ends", test_spans_that_a_baseline_ends},
	{"keyframes and a baseline without an end", test_unfinished_baseline},
	{NULL, NULL},
};
