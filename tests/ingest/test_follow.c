/*
 * Following: a trace that grows while it is read. What others see meanwhile is a moment of it, and what is there in the end is
 * what reading the whole trace at once gives.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

#define NR_CPUS 3
#define STAGES  4
#define WAIT_S  60

static struct writer w;
static struct guest g;

/* A follower at work, and the trace that it is fed from. */
struct follower {
	pid_t pid;
	int stdin_fd;
	int commits_fd; /* inotify: the link live.db is touched after each commit */
	char whole[300], grown[300];
	FILE *from[NR_CPUS], *to[NR_CPUS];
	long size[NR_CPUS], done[NR_CPUS];
};

static void make_dir(char *out, const char *dir, const char *name)
{
	char ctf[400];

	snprintf(out, 300, "%s/%s", dir, name);
	snprintf(ctf, sizeof(ctf), "%s/ctf", out);
	if (mkdir(out, 0777) != 0 || mkdir(ctf, 0777) != 0)
		die("%s: %s", out, strerror(errno));
}

static void record(struct follower *f, const char *dir)
{
	make_dir(f->whole, dir, "whole");
	make_dir(f->grown, dir, "grown");
	/* Makes events.tsv, and packet 0 of every stream. */
	writer_open(&w, f->grown, NR_CPUS);
	writer_close(&w);
	writer_open(&w, f->whole, NR_CPUS);
	w.packet_size = 4096;
	guest_boot(&g, &w, 91);
	guest_run(&g, 1500);
	guest_baseline(&g);
	guest_run(&g, 1500);
	guest_end(&g);
	writer_close(&w);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		char name[16];

		snprintf(name, sizeof(name), "ctf/cpu%u", cpu);
		f->from[cpu] = open_in(f->whole, name, "r");
		f->to[cpu] = open_in(f->grown, name, "w");
		fseek(f->from[cpu], 0, SEEK_END);
		f->size[cpu] = ftell(f->from[cpu]);
		rewind(f->from[cpu]);
		f->done[cpu] = 0;
	}
}

/* Lets the streams grow to this part of their length; they end in the middle of packets. */
static void grow(struct follower *f, int stage)
{
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		long until = stage == STAGES ? f->size[cpu] : f->size[cpu] * stage / STAGES + 7;

		for (; f->done[cpu] < until && f->done[cpu] < f->size[cpu]; f->done[cpu]++)
			putc(getc(f->from[cpu]), f->to[cpu]);
		if (fflush(f->to[cpu]) != 0)
			die("cpu%u: %s", cpu, strerror(errno));
	}
}

/* Watches for commits; before anybody can make one. */
static void watch(struct follower *f)
{
	f->commits_fd = inotify_init1(IN_CLOEXEC);
	if (f->commits_fd < 0 || inotify_add_watch(f->commits_fd, f->grown, IN_ATTRIB) < 0)
		die("%s: cannot be watched: %s", f->grown, strerror(errno));
}

static void start(struct follower *f)
{
	int fds[2];

	watch(f);
	fflush(stdout);
	if (pipe(fds) != 0 || (f->pid = fork()) < 0)
		die("follower: %s", strerror(errno));
	if (f->pid == 0) {
		dup2(fds[0], STDIN_FILENO);
		close(fds[0]);
		close(fds[1]);
		alarm(2 * WAIT_S);
		execl(ingester, ingester, f->grown, "--follow", "--keyframe-events", "500",
		      (char *)NULL);
		_exit(127);
	}
	close(fds[0]);
	f->stdin_fd = fds[1];
}

static int end(struct follower *f)
{
	int status;

	close(f->stdin_fd);
	close(f->commits_fd);
	if (waitpid(f->pid, &status, 0) != f->pid)
		die("follower: %s", strerror(errno));
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		fclose(f->from[cpu]);
		fclose(f->to[cpu]);
	}
	return status;
}

static sqlite3 *open_db(const char *dir, const char *name)
{
	char path[400];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
		sqlite3_close(db);
		return NULL;
	}
	sqlite3_busy_timeout(db, 1000 * WAIT_S);
	return db;
}

/* The first column of the first row; -1: there is none yet. */
static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

/* Waits until something is committed. */
static void wait_for_commit(const struct follower *f)
{
	struct pollfd poll_fd = {.fd = f->commits_fd, .events = POLLIN};
	char events[4096];

	if (poll(&poll_fd, 1, 1000 * WAIT_S) != 1 ||
	    read(f->commits_fd, events, sizeof(events)) <= 0)
		die("nothing was committed to live.db in %d s", WAIT_S);
}

/* The live database, once it shows more than so many events. */
static sqlite3 *wait_for(const struct follower *f, int64_t nr_events)
{
	for (;;) {
		sqlite3 *db = open_db(f->grown, "live.db");

		if (db) {
			int64_t shown =
				ask(db, "SELECT value FROM session WHERE key = 'nr_events'");

			CHECK(shown >=
			      0); /* who finds it finds what was committed, not an empty file */
			if (shown > nr_events)
				return db;
		}
		sqlite3_close(db);
		wait_for_commit(f);
	}
}

static void must(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
}

/* Keeps what the live database shows now as DIR/moment-N.db. */
static int64_t keep_moment(const struct follower *f, sqlite3 *live, int number)
{
	char sql[500];
	sqlite3 *moment;
	int64_t nr_events;

	snprintf(sql, sizeof(sql), "VACUUM INTO '%s/moment-%d.db'", f->grown, number);
	must(live, sql);
	snprintf(sql, sizeof(sql), "moment-%d.db", number);
	moment = open_db(f->grown, sql);
	CHECK(ask(moment, "SELECT count(*) FROM session WHERE key = 'live'") == 1);
	CHECK(ask(moment, "SELECT value FROM session WHERE key = 'nr_violations'") == 0);
	nr_events = ask(moment, "SELECT value FROM session WHERE key = 'nr_events'");
	CHECK(nr_events > 0 && nr_events == ask(moment, "SELECT sum(n) FROM event_count"));
	sqlite3_close(moment);
	return nr_events;
}

/* What was seen then is what the whole database says of that time. */
static void compare_moment(const struct follower *f, int number)
{
	static const char *const states[] = {"lru_span",        "page_life",       "pte_span",
					     "rmap_span",       "vma_span",        "swap_span",
					     "swap_cache_span", "page_flags_span", "mm_span",
					     "avc_span",        "task_span"};
	char name[32], sql[700];
	sqlite3 *db;

	snprintf(name, sizeof(name), "moment-%d.db", number);
	db = open_db(f->grown, name);
	snprintf(sql, sizeof(sql), "ATTACH '%s/session.db' AS final", f->whole);
	must(db, sql);
	CHECK(ask(db, "SELECT count(*) FROM (SELECT * FROM mm_page_alloc EXCEPT "
		      "SELECT * FROM final.mm_page_alloc)") == 0);
	CHECK(ask(db, "SELECT count(*) FROM mm_page_alloc") ==
	      ask(db, "SELECT count(*) FROM final.mm_page_alloc WHERE id <= "
		      "(SELECT value FROM session WHERE key = 'nr_events')"));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		int64_t open, same;

		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM main.%s WHERE t_end = 9223372036854775807",
			 states[i]);
		open = ask(db, sql);
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM final.%s, (SELECT value AS t FROM session WHERE key "
			 "= "
			 "'t_last') WHERE t_begin <= t AND t < t_end",
			 states[i]);
		same = ask(db, sql);
		if (open != same)
			die("moment %d, %s: %lld rows are open, and %lld were", number, states[i],
			    (long long)open, (long long)same);
	}
	sqlite3_close(db);
}

/* Every table, both ways. */
static void compare_final(const struct follower *f)
{
	sqlite3 *db = open_db(f->grown, "session.db");
	sqlite3_stmt *tables;
	char sql[700];
	int nr = 0;

	snprintf(sql, sizeof(sql), "ATTACH '%s/session.db' AS other", f->whole);
	must(db, sql);
	CHECK(ask(db, "SELECT count(*) FROM (SELECT name, sql FROM sqlite_schema EXCEPT "
		      "SELECT name, sql FROM other.sqlite_schema)") == 0);
	CHECK(ask(db, "SELECT count(*) FROM sqlite_schema") ==
	      ask(db, "SELECT count(*) FROM other.sqlite_schema"));
	sqlite3_prepare_v2(db,
			   "SELECT name FROM sqlite_schema WHERE type = 'table' "
			   "AND name NOT LIKE 'sqlite_%'",
			   -1, &tables, NULL);
	for (; sqlite3_step(tables) == SQLITE_ROW; nr++) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);

		for (int way = 0; way < 2; way++) {
			snprintf(sql, sizeof(sql),
				 "SELECT count(*) FROM (SELECT * FROM %s.%s EXCEPT SELECT * FROM "
				 "%s.%s)",
				 way ? "other" : "main", name, way ? "main" : "other", name);
			if (ask(db, sql) != 0)
				die("%s: %lld rows differ", name, (long long)ask(db, sql));
		}
		snprintf(sql, sizeof(sql),
			 "SELECT (SELECT count(*) FROM main.%s) - (SELECT count(*) FROM other.%s)",
			 name, name);
		if (ask(db, sql) != 0)
			die("%s: %lld rows more", name, (long long)ask(db, sql));
	}
	CHECK(nr > 50);
	sqlite3_finalize(tables);
	CHECK(ask(db, "PRAGMA integrity_check") == 0); /* the text "ok" as a number */
	sqlite3_close(db);
}

static void follow(const char *dir, bool reader_stays)
{
	struct follower f;
	sqlite3 *live = NULL;
	int64_t nr_events = 0;
	int status;

	record(&f, dir);
	CHECK(run((const char *const[]){ingester, f.whole, "--keyframe-events", "500", NULL})
		      .status == 0);
	CHECK(sql_int(f.whole, "SELECT count(*) FROM live") > 1000);
	start(&f);
	for (int stage = 1; stage <= STAGES; stage++) {
		grow(&f, stage);
		if (stage == STAGES)
			break;
		sqlite3_close(live);
		live = wait_for(&f, nr_events);
		nr_events = keep_moment(&f, live, stage);
	}
	if (!reader_stays) {
		sqlite3_close(live);
		live = NULL;
	}
	status = end(&f);
	if (status != 0)
		die("the follower ended with status 0x%x", status);
	if (live) {
		CHECK(ask(live, "SELECT count(*) FROM mm_page_alloc") > 0);
		sqlite3_close(live);
	}
	CHECK(!open_db(f.grown, "live.db"));
	for (int stage = 1; stage < STAGES; stage++)
		compare_moment(&f, stage);
	compare_final(&f);
}

static void test_follow(const char *dir)
{
	follow(dir, false);
}

static void test_reader_stays(const char *dir)
{
	follow(dir, true);
}

/* A follower that is killed leaves nothing that is taken for a database, and nothing that stands in the way. */
static void test_killed(const char *dir)
{
	struct follower f;
	int status;

	record(&f, dir);
	start(&f);
	grow(&f, 2);
	sqlite3_close(wait_for(&f, 0));
	kill(f.pid, SIGKILL);
	status = end(&f);
	CHECK(WIFSIGNALED(status));
	CHECK(!db_exists(f.grown));
	CHECK(ingest(f.grown).status == 0);
	CHECK(sql_int(f.grown, "SELECT sum(n) FROM event_count") > 0);
	CHECK(!open_db(f.grown, "live.db"));
}

/* A damaged stream holds nobody up. */
static void test_damaged(const char *dir)
{
	struct follower f;

	record(&f, dir);
	start(&f);
	grow(&f, 1);
	/* More than is left of the packet, so that none begins behind it. */
	for (int i = 0; i < 1000; i++)
		fputs("no event!", f.to[1]);
	f.done[1] = f.size[1];
	grow(&f, STAGES);
	CHECK(WEXITSTATUS(end(&f)) == 1);
	CHECK(sql_int(f.grown, "SELECT count(*) FROM session WHERE key = 'damage_cpu1'") == 1);
	CHECK(sql_int(f.grown, "SELECT received FROM loss WHERE cpu = 0") ==
	      (int64_t)w.cpus[0].received);
}

const struct test follow_tests[] = {
	{"follows", test_follow},
	{"follows with a reader that stays", test_reader_stays},
	{"a follower is killed", test_killed},
	{"follows a damaged stream", test_damaged},
	{NULL, NULL},
};
