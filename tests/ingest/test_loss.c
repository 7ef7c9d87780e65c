/*
 * Accounting: emitted = received + discarded, stalls, ends of streams.
 */
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

static struct writer w;
static struct guest g;

static void test_discarded(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 11);
	guest_run(&g, 500);
	writer_flush(&w, 0);
	writer_discard(&w, 0, 17);
	guest_run(&g, 500);
	writer_discard(&w, 1, 4);
	guest_end(&g);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT discarded FROM loss WHERE cpu = 0") == 17);
	CHECK(sql_int(dir, "SELECT discarded FROM loss WHERE cpu = 1") == 4);
	sql_empty(dir, "SELECT * FROM loss WHERE emitted <> received + discarded");
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'discarded'") == 21);
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'uncertain_from'") > 0);
}

/* What lives is uncertain from a loss on, until a baseline or an event of its own; the view says so. */
static void test_uncertain(const char *dir)
{
	static const char doubtful[] =
		"SELECT count(*) FROM lru_span AS span JOIN uncertain AS doubt ON "
		"span.t_begin < doubt.before AND doubt.t_begin <= %s AND %s < doubt.t_end "
		"WHERE span.t_begin <= %s AND %s < span.t_end";
	static const struct {
		const char *t;
		bool some, all;
	} instants[] = {
		{"(SELECT t_from - 1 FROM loss_window)", false, false},
		{"(SELECT t_from FROM loss_window)", true, true},
		{"(SELECT t_to - 1 FROM loss_window)", true, true},
		{"(SELECT max(t) - 1 FROM state_begin)", true, false},
		{"(SELECT max(t) FROM state_begin)", false, false},
	};

	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 15);
	guest_run(&g, 1000);
	writer_flush(&w, 0);
	writer_discard(&w, 0, 5);
	guest_run(&g, 100);
	guest_baseline(&g);
	guest_run(&g, 500);
	guest_end(&g);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir,
		      "SELECT count(*) = 1 AND sum(events) = 5 AND sum(cpu) = 0 FROM loss_window"));
	CHECK(sql_int(dir,
		      "SELECT t_from = (SELECT value FROM session WHERE key = 'uncertain_from') "
		      "AND t_from < t_to FROM loss_window"));
	for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++) {
		const char *t = instants[i].t;
		char sql[1200];
		int64_t uncertain, all;

		snprintf(sql, sizeof(sql), doubtful, t, t, t, t);
		uncertain = sql_int(dir, sql);
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM lru_span WHERE t_begin <= %s AND %s < t_end", t, t);
		all = sql_int(dir, sql);
		if ((uncertain > 0) != instants[i].some || (uncertain == all) != instants[i].all)
			die("at %s %d of %d spans are uncertain", t, (int)uncertain, (int)all);
	}
}

/* A stream that just stops says nothing of what came then. */
static void test_uncertain_end(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 16);
	guest_run(&g, 500);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM loss_window WHERE events IS NULL "
			   "AND t_to = 9223372036854775807") == 2);
	CHECK(sql_int(dir, "SELECT count(*) FROM uncertain WHERE t_end = 9223372036854775807 "
			   "AND before = 9223372036854775807") == 1);
}

static void test_miscount(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 12);
	w.cpus[1].received += 3;
	guest_end(&g);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir,
		      "SELECT count(*) FROM order_violation WHERE name = 'packet' AND cpu = 1") ==
	      1);
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'nr_violations'") == 1);
}

static void test_stalls(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 13);
	EMIT(&w, 1, sched_switch, .next_pid = 1);
	EMIT(&w, 1, page_fault_user, .address = 0x1000, .pid = 1);
	EMIT(&w, 0, trace_stall, .stalled_ns = 100);
	EMIT(&w, 1, trace_stall, .stalled_ns = 30);
	EMIT(&w, 1, page_fault_end, .address = 0x1000, .latency_ns = 50, .pid = 1);
	guest_end(&g);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	sql_empty(dir, "SELECT * FROM order_violation");
	CHECK(sql_int(dir, "SELECT stalled_ns FROM loss WHERE cpu = 0") == 100);
	CHECK(sql_int(dir, "SELECT stalled_ns FROM loss WHERE cpu = 1") == 30);
	CHECK(sql_int(dir, "SELECT stalled_ns FROM fault") == 30);
}

/* Without session_end the trace just stops: nobody knows what is missing. */
static void test_no_end(const char *dir)
{
	writer_open(&w, dir, 1);
	guest_boot(&g, &w, 14);
	EMIT(&w, 0, sched_switch, .next_pid = 1);
	EMIT(&w, 0, page_fault_user, .address = 0x1000, .pid = 1);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(strcmp(sql_text(dir, "SELECT tail FROM loss"), "unknown") == 0);
	CHECK(strcmp(sql_text(dir, "SELECT value FROM session WHERE key = 'ended'"), "no") == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM fault WHERE latency_ns IS NULL AND pid = 1") == 1);
}

/* Tracing was never switched on: packet 0 and nothing else. */
static void test_empty(const char *dir)
{
	writer_open(&w, dir, 2);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT sum(received) FROM loss") == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM event_count") == 0);
}

/* The 48 bits of an event's stamp wrap after 78 hours; the packet's begin has the others. */
static void test_time_wraps(const char *dir)
{
	writer_open(&w, dir, 1);
	w.now = (UINT64_C(3) << 48) - 20;
	for (int i = 0; i < 6; i++)
		EMIT(&w, 0, trace_stall, .stalled_ns = 1);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM trace_stall") == 6);
	CHECK(sql_int(dir, "SELECT max(t) - min(t) FROM trace_stall") == 35);
	CHECK(sql_int(dir, "SELECT max(t) FROM trace_stall") == (int64_t)w.now);
}

const struct test loss_tests[] = {
	{"discarded events", test_discarded},
	{"uncertain spans", test_uncertain},
	{"an uncertain end", test_uncertain_end},
	{"miscounted packet", test_miscount},
	{"stalls", test_stalls},
	{"no session_end", test_no_end},
	{"empty trace", test_empty},
	{"time wraps", test_time_wraps},
	{NULL, NULL},
};
