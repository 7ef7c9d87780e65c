/*
 * events.tsv: unknown events are skipped by size, another layout of a known one is refused.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

static struct writer w;
static struct guest g;

static void append(const char *dir, const char *line)
{
	FILE *file = open_in(dir, "events.tsv", "a");

	fputs(line, file);
	fclose(file);
}

/* A trace of a newer kernel: it holds an event that this program never heard of. */
static void test_skips_unknown(const char *dir)
{
	uint64_t payload[3] = {1, 2, 3};

	writer_open(&w, dir, 1);
	append(dir, "0x7f1\tnew_thing\t24\t0123456789abcdef\n");
	guest_boot(&g, &w, 21);
	writer_event(&w, 0, 0x7f1, payload, sizeof(payload));
	guest_run(&g, 50);
	writer_event(&w, 0, 0x7f1, payload, sizeof(payload));
	guest_end(&g);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	sql_empty(dir, "SELECT * FROM order_violation");
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'nr_skipped'") == 2);
	CHECK(sql_int(dir, "SELECT n FROM event_count WHERE event = 'new_thing'") == 2);
}

static void expect_refusal(const char *dir, const char *words)
{
	struct result result = ingest(dir);

	if (result.status != 2 || !strstr(result.output, words) ||
	    !strstr(result.output, "events.tsv") ||
	    strchr(result.output, '\n') != strrchr(result.output, '\n'))
		die("status %d, `%s` should tell of `%s` in one line", result.status, result.output,
		    words);
	CHECK(!db_exists(dir));
}

/* Replaces the line of one event. */
static void replace_line(const char *dir, const char *name, const char *line)
{
	FILE *in = open_in(contract_dir, "events.tsv", "r"), *out = open_in(dir, "events.tsv", "w");
	char buffer[256], key[80];

	snprintf(key, sizeof(key), "\t%s\t", name);
	while (fgets(buffer, sizeof(buffer), in))
		fputs(strstr(buffer, key) ? line : buffer, out);
	fclose(in);
	fclose(out);
}

static void test_refuses_layout(const char *dir)
{
	writer_open(&w, dir, 1);
	writer_close(&w);
	replace_line(dir, "lru_insert", "0x60\tlru_insert\t16\t0123456789abcdef\n");
	expect_refusal(dir, "lru_insert");
	replace_line(dir, "lru_insert", "0x60\tlru_put\t16\t0123456789abcdef\n");
	expect_refusal(dir, "lru_put");
	replace_line(dir, "lru_insert", "0x60\tlru_insert\t13\t0123456789abcdef\n");
	expect_refusal(dir, "lru_insert");
	replace_line(dir, "lru_insert", "0x10060\tlru_insert\t16\t0123456789abcdef\n");
	expect_refusal(dir, "lru_insert");
	replace_line(dir, "lru_insert", "0x7f1\tlru_remove\t16\t0123456789abcdef\n");
	expect_refusal(dir, "lru_remove");
}

static void test_refuses_garbage(const char *dir)
{
	writer_open(&w, dir, 1);
	writer_close(&w);
	append(dir, "what is this\n");
	expect_refusal(dir, "not `id name size layout`");
	fclose(open_in(dir, "events.tsv", "w"));
	expect_refusal(dir, "empty");
}

static void test_missing_files(const char *dir)
{
	struct result result = ingest(dir);
	char path[600];

	CHECK(result.status == 2 && strstr(result.output, "events.tsv"));
	writer_open(&w, dir, 1);
	writer_close(&w);
	snprintf(path, sizeof(path), "%s/ctf/cpu0", dir);
	CHECK(unlink(path) == 0);
	result = ingest(dir);
	CHECK(result.status == 2 && strstr(result.output, "cpu0"));
	CHECK(mkfifo(path, 0600) == 0);
	result = ingest(dir);
	CHECK(result.status == 2 && strstr(result.output, "cpu0: not a regular file"));
	CHECK(run((const char *const[]){ingester, NULL}).status == 2);
}

/* An older kernel did not have every event; one that occurs although events.tsv lacks it is damage.
 */
static void test_undeclared_event(const char *dir)
{
	struct result result;

	writer_open(&w, dir, 1);
	guest_boot(&g, &w, 22);
	writer_flush(&w, 0);
	EMIT(&w, 0, mm_shrink_slab_end, .nr_freed = 1);
	guest_end(&g);
	writer_close(&w);
	replace_line(dir, "mm_shrink_slab_end", "");
	result = ingest(dir);
	CHECK(result.status == 1 && strstr(result.output, "id 0x89"));
	CHECK(sql_int(dir, "SELECT count(*) FROM state_end") == 1);
	CHECK(sql_int(dir, "SELECT count(*) FROM session_end") == 0);
}

/* Kernels that did not tell when a task changed its CPU: it may run anywhere. */
static void test_untold_migration(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 23);
	EMIT(&w, 0, sched_wakeup, .pid = 1, .target_cpu = 0);
	EMIT(&w, 1, sched_switch, .next_pid = 1);
	g.current[1] = 1;
	guest_run(&g, 50);
	guest_end(&g);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir,
		      "SELECT count(*) FROM order_violation WHERE found = 'belongs to CPU 0'") ==
	      1);
	replace_line(dir, "sched_migrate_task", "");
	CHECK(ingest(dir).status == 0);
	sql_empty(dir, "SELECT * FROM order_violation");
}

const struct test layout_tests[] = {
	{"skips unknown events", test_skips_unknown},
	{"refuses another layout", test_refuses_layout},
	{"refuses a broken list", test_refuses_garbage},
	{"missing files", test_missing_files},
	{"undeclared event", test_undeclared_event},
	{"untold migration", test_untold_migration},
	{NULL, NULL},
};
