#include "tests/ingest/check.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

const char *ingester;
const char *plain_ingester;
const char *faulty_disk;
const char *recoverer;
const char *contract_dir;

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

FILE *open_in(const char *dir, const char *name, const char *mode)
{
	char path[640];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, mode);
	if (!file)
		die("%s: %s", path, strerror(errno));
	return file;
}

static void run_child(const char *const *argv, int output)
{
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	alarm(60);
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

struct result run(const char *const *argv)
{
	struct result result = {0};
	struct rusage usage;
	size_t used = 0;
	char rest[4096];
	int pipe_fds[2], status;
	ssize_t got;
	pid_t child;

	fflush(stdout);
	if (pipe(pipe_fds) != 0 || (child = fork()) < 0)
		die("%s: %s", argv[0], strerror(errno));
	if (child == 0)
		run_child(argv, pipe_fds[1]);
	close(pipe_fds[1]);
	/* What does not fit is read and forgotten, lest the child waits for ever. */
	while ((got = used < sizeof(result.output) - 1
			      ? read(pipe_fds[0], result.output + used,
				     sizeof(result.output) - 1 - used)
			      : read(pipe_fds[0], rest, sizeof(rest))) > 0) {
		if (used < sizeof(result.output) - 1)
			used += (size_t)got;
	}
	close(pipe_fds[0]);
	if (wait4(child, &status, 0, &usage) != child)
		die("%s: %s", argv[0], strerror(errno));
	result.max_rss_kib = usage.ru_maxrss;
	result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return result;
}

struct result ingest(const char *dir)
{
	return run((const char *const[]){ingester, dir, NULL});
}

static sqlite3 *open_db(const char *dir)
{
	sqlite3 *db;
	char path[512];

	snprintf(path, sizeof(path), "%s/session.db", dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		die("%s: %s", path, sqlite3_errmsg(db));
	return db;
}

const char *sql_text(const char *dir, const char *sql)
{
	static char text[256];
	sqlite3 *db = open_db(dir);
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(statement) != SQLITE_ROW)
		die("no row: %s", sql);
	snprintf(text, sizeof(text), "%s",
		 sqlite3_column_text(statement, 0) ? (const char *)sqlite3_column_text(statement, 0)
						   : "NULL");
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return text;
}

int64_t sql_int(const char *dir, const char *sql)
{
	return strtoll(sql_text(dir, sql), NULL, 10);
}

static void print_row(sqlite3_stmt *statement)
{
	for (int i = 0; i < sqlite3_column_count(statement); i++)
		printf("%s%s", i ? " | " : "", (const char *)sqlite3_column_text(statement, i));
	printf("\n");
}

void sql_empty(const char *dir, const char *sql)
{
	sqlite3 *db = open_db(dir);
	sqlite3_stmt *statement;
	int rows = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(statement) == SQLITE_ROW && rows++ < 10)
		print_row(statement);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	if (rows)
		die("should have no rows: %s", sql);
}

bool db_exists(const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/session.db", dir);
	return access(path, F_OK) == 0;
}
