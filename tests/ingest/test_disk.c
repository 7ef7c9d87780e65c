/*
 * The database's place: a run that is killed at any moment leaves what was there before or the whole new database, and a disk
 * that is full gives one line. The program under test is the real one, on a disk that fails at a chosen call (faulty_disk.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

static struct writer w;
static struct guest g;

static void record(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 71);
	guest_run(&g, 4000);
	guest_end(&g);
	writer_close(&w);
}

/* Runs the ingester with this fault of the disk. */
static struct result ingest_on_disk(const char *dir, const char *fault, unsigned long at)
{
	char preload[600], disk[64], count[600];

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", faulty_disk);
	snprintf(disk, sizeof(disk), "FAULTY_DISK=%s:%lu", fault, at);
	snprintf(count, sizeof(count), "FAULTY_DISK_COUNT=%s/count", dir);
	return run((const char *const[]){"env", "ASAN_OPTIONS=verify_asan_link_order=0", preload,
					 disk, count, ingester, dir, NULL});
}

/* How many calls a whole run makes. */
static unsigned long count_calls(const char *dir)
{
	struct result result = ingest_on_disk(dir, "count", 0);
	unsigned long calls = 0;
	FILE *file;

	if (result.status != 0)
		die("status %d: %s", result.status, result.output);
	file = open_in(dir, "count", "r");
	if (fscanf(file, "%lu", &calls) != 1 || calls < 50)
		die("%lu calls counted", calls);
	fclose(file);
	return calls;
}

/* What a session holds when nobody is writing to it. */
static void expect_no_leftovers(const char *dir)
{
	static const char known[] = " . .. ctf events.tsv session.db count ";
	DIR *listing = opendir(dir);
	const struct dirent *entry;
	char name[300];

	if (!listing)
		die("%s: %s", dir, strerror(errno));
	while ((entry = readdir(listing))) {
		snprintf(name, sizeof(name), " %s ", entry->d_name);
		if (!strstr(known, name))
			die("left behind: %s", entry->d_name);
	}
	closedir(listing);
}

static void put_old_database(const char *dir)
{
	FILE *file = open_in(dir, "session.db", "w");

	fputs("the old one", file);
	fclose(file);
}

static bool old_database_is_there(const char *dir)
{
	FILE *file = open_in(dir, "session.db", "r");
	char text[32] = "";

	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return strcmp(text, "the old one") == 0;
}

static void expect_whole(const char *dir)
{
	CHECK(strcmp(sql_text(dir, "PRAGMA integrity_check"), "ok") == 0);
	CHECK(sql_int(dir, "SELECT sum(n) FROM event_count") == (int64_t)w.nr_events);
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'nr_violations'") == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' "
			   "AND name = 'page_life_pfn'") == 1);
}

/* The whole range in about 20 steps, and each of the last calls: those that make it last and give
 * it its name. */
static unsigned long next_call(unsigned long at, unsigned long calls)
{
	unsigned long singly_from = calls > 12 ? calls - 12 : 1, next = at + calls / 20;

	if (at >= singly_from)
		return at + 1;
	return next < singly_from ? next : singly_from;
}

static void test_killed(const char *dir)
{
	unsigned long calls;
	unsigned int olds = 0, news = 0;

	record(dir);
	calls = count_calls(dir);
	for (unsigned long at = 1; at <= calls; at = next_call(at, calls)) {
		struct result result;

		put_old_database(dir);
		result = ingest_on_disk(dir, "kill", at);
		if (result.status != 128 + SIGKILL)
			die("call %lu of %lu: status %d: %s", at, calls, result.status,
			    result.output);
		if (old_database_is_there(dir)) {
			olds++;
		} else {
			expect_whole(dir);
			news++;
		}
	}
	if (olds < 20 || news < 1)
		die("killed in front of the last step only %u times, behind it %u times", olds,
		    news);
	if (ingest(dir).status != 0)
		die("no run after a killed one");
	expect_whole(dir);
	expect_no_leftovers(dir);
}

static void expect_disk_full(const char *dir, const struct result *result)
{
	if (result->status != 2 || !strstr(result->output, "session.db: no space to write it") ||
	    !strstr(result->output, "it needs about ") || !strstr(result->output, "were free"))
		die("status %d: %s", result->status, result->output);
	CHECK(strchr(result->output, '\n') == strrchr(result->output, '\n'));
	expect_no_leftovers(dir);
}

static void test_full(const char *dir)
{
	unsigned long calls;

	record(dir);
	calls = count_calls(dir);
	put_old_database(dir);
	for (unsigned long at = 1; at < calls - 4; at += calls / 15) {
		struct result result = ingest_on_disk(dir, "full", at);

		expect_disk_full(dir, &result);
		CHECK(old_database_is_there(dir));
	}
	CHECK(ingest(dir).status == 0);
	expect_whole(dir);
}

/* A limit on the size of files, as a quota may be. */
static void test_file_too_large(const char *dir)
{
	struct result result;

	record(dir);
	result = run((const char *const[]){"bash", "-c",
					   "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$1\"",
					   ingester, dir, NULL});
	expect_disk_full(dir, &result);
	CHECK(!db_exists(dir));
}

static void test_no_such_place(const char *dir)
{
	struct result result;
	char path[600];

	record(dir);
	snprintf(path, sizeof(path), "%s/none/x.db", dir);
	result = run((const char *const[]){ingester, dir, "-o", path, NULL});
	if (result.status != 2 || !strstr(result.output, "none/x.db.tmp"))
		die("status %d: %s", result.status, result.output);
	CHECK(strchr(result.output, '\n') == strrchr(result.output, '\n'));
	CHECK(!db_exists(dir));
}

/* Two runs at once: the second is told, and the first does not lose its files. */
static void test_two_at_once(const char *dir)
{
	struct result result;
	char path[600];
	int fd;

	record(dir);
	snprintf(path, sizeof(path), "%s/session.db.tmp", dir);
	CHECK(mkdir(path, 0777) == 0);
	fclose(open_in(dir, "session.db.tmp/db", "w"));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0 && flock(fd, LOCK_EX) == 0);
	result = ingest(dir);
	if (result.status != 2 || !strstr(result.output, "session.db: is being written"))
		die("status %d: %s", result.status, result.output);
	fclose(open_in(dir, "session.db.tmp/db", "r"));
	close(fd);
	CHECK(ingest(dir).status == 0);
	expect_whole(dir);
	expect_no_leftovers(dir);
}

/* A journal left beside the old database must not be played into the new one. */
static void test_old_journal(const char *dir)
{
	static const char cut_short[] =
		"sqlite3 \"$1/session.db\" 'PRAGMA journal_mode = WAL; UPDATE moment SET t = 1;' "
		"'.shell kill -9 $PPID' >/dev/null 2>&1; test -s \"$1/session.db-wal\"";
	struct result result;

	record(dir);
	CHECK(ingest(dir).status == 0);
	result = run((const char *const[]){"bash", "-c", cut_short, "bash", dir, NULL});
	if (result.status != 0)
		die("no journal was left: %s", result.output);
	CHECK(ingest(dir).status == 0);
	expect_whole(dir);
	CHECK(sql_int(dir, "SELECT t FROM moment") > 1);
}

const struct test disk_tests[] = {
	{"killed at any moment", test_killed},
	{"disk full at any moment", test_full},
	{"file too large", test_file_too_large},
	{"no such place", test_no_such_place},
	{"two runs at once", test_two_at_once},
	{"journal of the old database", test_old_journal},
	{NULL, NULL},
};
