/*
 * What every test of the ingester uses: a fresh session directory, a run of the ingester, questions
 * to its database. A test that fails says why, once, and ends.
 */
#ifndef TESTS_INGEST_CHECK_H
#define TESTS_INGEST_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Set by main: the program under test, the same without sanitizers, the disk that fails (a library to be preloaded),
 * palimpsest-recover, and the directory that holds metadata and events.tsv. */
extern const char *ingester;
extern const char *plain_ingester;
extern const char *faulty_disk;
extern const char *recoverer;
extern const char *contract_dir;

struct test {
	const char *name;
	void (*run)(const char *dir);
};

/* The tests of each file, ended by a nameless one. */
extern const struct test btree_tests[], good_tests[], damage_tests[], disk_tests[], follow_tests[],
	memory_tests[], layout_tests[], violation_tests[], pmd_tests[], cache_tests[], loss_tests[],
	recover_tests[], babeltrace_tests[], keyframe_tests[], pause_tests[];

/* Writes a session with 2 MiB pages, a CPU that comes online and a stall, none of which a small real one has. */
void pmd_session(const char *dir);

/* Prints and ends this test as failed. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
#define CHECK(condition)                                                  \
	do {                                                              \
		if (!(condition))                                         \
			die("%s:%d: %s", __FILE__, __LINE__, #condition); \
	} while (0)

/* fopen(DIR/NAME) or die. */
FILE *open_in(const char *dir, const char *name, const char *mode);

struct result {
	int status;
	long max_rss_kib;
	char output[4096]; /* what it printed, both streams */
};
/* Runs a program with arguments (ended by NULL) to its end; kills it after a minute. */
struct result run(const char *const *argv);
/* Runs the ingester on a session directory. */
struct result ingest(const char *dir);

/* The first column of the first row that SQL gives on DIR/session.db. */
int64_t sql_int(const char *dir, const char *sql);
/* The same as text, in a static buffer. */
const char *sql_text(const char *dir, const char *sql);
/* Dies with the message and the offending rows unless SQL gives none. */
void sql_empty(const char *dir, const char *sql);
bool db_exists(const char *dir);

#endif
