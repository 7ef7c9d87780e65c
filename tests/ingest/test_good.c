/*
 * A trace without a fault: nothing to complain of, and the state tables say what the toy guest
 * knows.
 */
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

static struct writer w;
static struct guest g;

static void record(const char *dir, uint32_t nr_cpus, uint32_t steps, uint64_t seed)
{
	writer_open(&w, dir, nr_cpus);
	w.packet_size = 4096;
	guest_boot(&g, &w, seed);
	guest_run(&g, steps);
	guest_baseline(&g);
	guest_run(&g, steps);
	guest_end(&g);
	writer_close(&w);
}

static void expect_clean(const char *dir)
{
	struct result result = ingest(dir);

	if (result.status != 0 || result.output[0])
		die("status %d: %s", result.status, result.output);
	sql_empty(dir, "SELECT * FROM order_violation");
	sql_empty(dir, "SELECT * FROM vmstat_check WHERE NOT equal");
	sql_empty(dir,
		  "SELECT * FROM loss WHERE emitted <> received OR discarded OR tail <> 'none'");
	CHECK(sql_int(dir, "SELECT count(*) FROM vmstat_check") == VMSTAT_PAGEOUTRUN + 1);
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'nr_events'") ==
	      (int64_t)w.nr_events);
	CHECK(sql_int(dir, "SELECT sum(n) FROM event_count") == (int64_t)w.nr_events);
	CHECK(sql_int(dir, "SELECT count(*) FROM pte_set") == (int64_t)w.count[TRACE_ID_pte_set]);
	CHECK(strcmp(sql_text(dir, "SELECT value FROM session WHERE key = 'ended'"), "yes") == 0);
}

#define OPEN "t_end = 9223372036854775807"

/* Every span that is open at the end, against the guest. */
static void expect_final_state(const char *dir)
{
	char sql[256];

	for (uint32_t pfn = 2; pfn < GUEST_FRAMES - 8; pfn++) {
		const struct guest_frame *frame = &g.frames[pfn];

		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM rmap_span WHERE " OPEN " AND pfn = %u", pfn);
		CHECK(sql_int(dir, sql) == frame->mapcount);
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM page_life WHERE " OPEN " AND pfn = %u", pfn);
		CHECK(sql_int(dir, sql) == frame->used);
		snprintf(sql, sizeof(sql),
			 "SELECT coalesce((SELECT pos FROM lru_span WHERE " OPEN
			 " AND pfn = %u), 0)",
			 pfn);
		CHECK(sql_int(dir, sql) == frame->pos * (frame->list <= LRU_ISOLATED));
	}
	for (uint32_t slot = 1; slot <= GUEST_SLOTS; slot += 7) {
		snprintf(sql, sizeof(sql),
			 "SELECT coalesce((SELECT refs FROM swap_span WHERE " OPEN
			 " AND slot = %u), 0)",
			 slot);
		CHECK(sql_int(dir, sql) == g.slots[slot].refs);
	}
	for (uint32_t n = 0; n < GUEST_TASKS; n++) {
		const struct guest_task *t = &g.tasks[n];

		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM task_span WHERE " OPEN " AND pid = %d", t->pid);
		CHECK(sql_int(dir, sql) == t->alive);
		for (uint32_t i = 0; t->alive && i < GUEST_PAGES; i += 5) {
			snprintf(sql, sizeof(sql),
				 "SELECT coalesce((SELECT coalesce(pfn, slot) FROM pte_span "
				 "WHERE " OPEN " AND mm_id = %u AND va = %u), 0)",
				 t->mm_id, GUEST_VA + i * 4096);
			CHECK(sql_int(dir, sql) == t->entries[i].value);
		}
	}
}

static void test_one_cpu(const char *dir)
{
	record(dir, 1, 4000, 1);
	expect_clean(dir);
	expect_final_state(dir);
}

static void test_four_cpus(const char *dir)
{
	record(dir, 4, 6000, 2);
	expect_clean(dir);
	expect_final_state(dir);
}

/* Spans of one object never overlap. */
static void test_spans_are_disjoint(const char *dir)
{
	record(dir, 2, 6000, 3);
	expect_clean(dir);
	sql_empty(dir, "SELECT a.* FROM lru_span a JOIN lru_span b USING (pfn) "
		       "WHERE a.t_begin < b.t_begin AND b.t_begin < a.t_end");
	sql_empty(dir, "SELECT a.* FROM pte_span a JOIN pte_span b USING (mm_id, va) "
		       "WHERE a.t_begin < b.t_begin AND b.t_begin < a.t_end");
	sql_empty(dir, "SELECT a.* FROM page_life a JOIN page_life b USING (pfn) "
		       "WHERE a.t_begin < b.t_begin AND b.t_begin < a.t_end");
	sql_empty(dir, "SELECT a.* FROM swap_span a JOIN swap_span b USING (slot) "
		       "WHERE a.t_begin < b.t_begin AND b.t_begin < a.t_end");
}

/* At every instant every frame is in one block: allocated, in a buddy list, on a CPU's list or in the pool. */
static void test_frames_are_accounted_for(const char *dir)
{
	static const char blocks[] =
		"WITH block AS (SELECT pfn, \"order\", t_begin, t_end FROM page_life "
		"UNION ALL SELECT pfn, \"order\", t_begin, t_end FROM free_span "
		"UNION ALL SELECT pfn, 0, t_begin, t_end FROM pcp_span)";
	char sql[1024];

	record(dir, 2, 6000, 7);
	expect_clean(dir);
	snprintf(sql, sizeof(sql),
		 "%s, change AS (SELECT t_begin AS t, 1 << \"order\" AS n FROM block "
		 "UNION ALL SELECT t_end, -(1 << \"order\") FROM block WHERE NOT " OPEN "), "
		 "total AS (SELECT t, sum(sum(n)) OVER (ORDER BY t) AS n FROM change GROUP BY t) "
		 "SELECT * FROM total, (SELECT value AS nr_frames FROM session "
		 "WHERE key = 'nr_frames') WHERE n <> nr_frames",
		 blocks);
	sql_empty(dir, sql);
	snprintf(sql, sizeof(sql),
		 "%s SELECT * FROM block a JOIN block b ON b.pfn > a.pfn "
		 "AND b.pfn < a.pfn + (1 << a.\"order\") "
		 "AND a.t_begin < b.t_end AND b.t_begin < a.t_end",
		 blocks);
	sql_empty(dir, sql);
	CHECK(sql_int(dir, "SELECT count(DISTINCT \"order\") > 3 FROM free_span"));
	CHECK(sql_int(dir, "SELECT count(DISTINCT cpu) = 2 FROM pcp_span"));
}

/* Each eviction that was read back has one refault, at the distance that counting by hand gives. */
static void test_refaults(const char *dir)
{
	record(dir, 2, 8000, 4);
	expect_clean(dir);
	CHECK(sql_int(dir, "SELECT count(*) FROM eviction") ==
	      (int64_t)w.count[TRACE_ID_page_evicted]);
	/* A content may be read twice, when its page was dropped again while other entries still
	 * refer to its slot. */
	CHECK(sql_int(dir, "SELECT count(*) FROM refault") ==
	      sql_int(dir,
		      "SELECT count(*) FROM eviction e WHERE (SELECT min(id) FROM swap_in_begin i "
		      "WHERE i.slot = e.slot AND i.id > e.id) < (SELECT min(id) FROM (SELECT id "
		      "FROM "
		      "swap_slot_free f WHERE f.slot = e.slot UNION ALL SELECT id FROM "
		      "page_evicted p "
		      "WHERE p.slot = e.slot UNION ALL SELECT 1 << 62) WHERE id > e.id)"));
	CHECK(sql_int(dir, "SELECT count(DISTINCT eviction_id) = count(*) FROM refault"));
	sql_empty(dir, "SELECT * FROM refault JOIN eviction ON eviction.id = eviction_id WHERE "
		       "distance_pages <> "
		       "(SELECT count(*) FROM page_evicted e WHERE e.id > eviction_id AND e.t < "
		       "refault.t)");
	sql_empty(dir, "SELECT * FROM refault WHERE latency_ns IS NULL OR pid IS NULL");
}

/* Every view answers, and those that this trace must fill are not empty. */
static void test_views(const char *dir)
{
	static const char *const views[] = {"barrier",
					    "fault_latency",
					    "fault_kind_latency",
					    "reclaim_efficiency",
					    "reclaim_verdicts",
					    "refault_distance",
					    "eviction_regretted",
					    "most_shared_at_moment",
					    "most_shared_ever",
					    "lru_at_moment",
					    "lru_size",
					    "free_memory",
					    "free_memory_watermarks",
					    "watermark_time",
					    "swap_slot_life",
					    "swap_slot_lifetimes",
					    "oom_scoreboard",
					    "direct_reclaim_sleepers",
					    "cow_breaks",
					    "oom_prediction",
					    "oom_prediction_error",
					    "page_use",
					    "lru_inversion",
					    "swapin_unused",
					    "vmstat_check"};
	/* Of files, 2 MiB pages and compaction, which this trace does not have. */
	static const char *const others[] = {"file_user", "file_eviction", "huge_page",
					     "compaction", "page_move"};
	char sql[128];

	record(dir, 2, 8000, 5);
	expect_clean(dir);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", others[i]);
		CHECK(sql_int(dir, sql) == 0);
	}
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", views[i]);
		if (sql_int(dir, sql) == 0)
			die("view %s is empty", views[i]);
	}
	/* live is for test_keyframe.c, uncertain for test_loss.c. */
	CHECK(sql_int(dir, "SELECT count(*) FROM sqlite_schema WHERE type = 'view' "
			   "AND name NOT IN ('live', 'uncertain', 'pause')") ==
	      (int64_t)(sizeof(views) / sizeof(views[0]) + sizeof(others) / sizeof(others[0])));
	sql_empty(dir, "SELECT * FROM lru_size WHERE size < 0");
	CHECK(sql_int(dir, "SELECT nr_free FROM free_memory ORDER BY t DESC LIMIT 1") ==
	      sql_int(dir, "SELECT value + 0 FROM session WHERE key = 'nr_frames'") -
		      sql_int(dir, "SELECT sum(1 << \"order\") FROM page_life WHERE " OPEN));
}

/* An old database is replaced, and only by a complete one. */
static void test_replaces_database(const char *dir)
{
	fclose(open_in(dir, "session.db", "w"));
	fclose(open_in(dir, "session.db.tmp", "w"));
	record(dir, 1, 100, 6);
	expect_clean(dir);
	CHECK(strcmp(sql_text(dir, "PRAGMA integrity_check"), "ok") == 0);
	CHECK(sql_int(dir, "PRAGMA application_id") == 0x504c4d50);
	CHECK(sql_int(dir, "PRAGMA user_version") ==
	      sql_int(dir, "SELECT value FROM session WHERE key = 'schema_version'"));
}

const struct test good_tests[] = {
	{"one CPU", test_one_cpu},
	{"four CPUs", test_four_cpus},
	{"spans are disjoint", test_spans_are_disjoint},
	{"frames are accounted for", test_frames_are_accounted_for},
	{"refaults", test_refaults},
	{"views", test_views},
	{"replaces an old database", test_replaces_database},
	{NULL, NULL},
};
