#include "trace/ingest/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/ingest/batch.h"

/* schema.sql, linked in as bytes with a NUL behind them. */
extern const char schema_sql[];

/* What follows this line in schema.sql is executed when all rows are in: filling an indexed table
 * costs three times as much. */
static const char index_marker[] = "\n-- INDEXES";

struct db {
	sqlite3 *handle;
	char *path, *tmp_path;
	struct batch *batches[NR_DB_TABLES];
	struct error *error; /* the first one, until it is handed to the caller */
	bool failed;
	bool finished;
};

static void db_fail(struct db *db)
{
	if (db->failed)
		return;
	db->failed = true;
	db->error =
		error_new(ERROR_FATAL,
			  "%s: %s: nothing was written; free space there or choose another place "
			  "with -o, and run again",
			  db->tmp_path, db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
}

static void db_exec(struct db *db, const char *sql)
{
	if (!db->failed && sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		db_fail(db);
}

static const char *indexes(void)
{
	return strstr(schema_sql, index_marker);
}

static void db_create_tables(struct db *db)
{
	char *head = strndup(schema_sql, (size_t)(indexes() - schema_sql));

	if (!head) {
		db_fail(db);
		return;
	}
	db_exec(db, head);
	free(head);
}

/* A table with another number of columns fails here, at the start. */
static void db_open_batches(struct db *db)
{
#define X(name, columns, rows) db->batches[TABLE_##name] = batch_new(db, #name, columns, rows);
	DB_TABLES(X)
#undef X
}

/* Writes all rows that wait. */
static void db_close_batches(struct db *db)
{
	for (size_t i = 0; i < NR_DB_TABLES; i++) {
		batch_free(db->batches[i]);
		db->batches[i] = NULL;
	}
}

/* Hands the error, if there is one, to the caller. */
static struct error *db_take_error(struct db *db)
{
	struct error *error = db->error;

	db->error = NULL;
	return error;
}

struct error *db_create(struct db **out, const char *path)
{
	struct db *db = xcalloc(1, sizeof(*db));

	*out = db;
	if (asprintf(&db->tmp_path, "%s.tmp", path) < 0)
		db->tmp_path = NULL;
	db->path = strdup(path);
	if (!db->tmp_path || !db->path)
		return error_new(ERROR_FATAL, "out of memory");
	/* One thread uses it: the locks would cost a tenth of the time. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	if (unlink(db->tmp_path) != 0 && errno != ENOENT)
		return error_new(ERROR_FATAL, "%s: %s: cannot replace what an earlier run left",
				 db->tmp_path, strerror(errno));
	if (sqlite3_open_v2(db->tmp_path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			    NULL) != SQLITE_OK)
		db_fail(db);
	/* 4 KiB pages are what the page cache has; the 64 MiB cache holds the right edges of all
	 * tables. */
	db_exec(db, "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
		    "PRAGMA locking_mode = "
		    "EXCLUSIVE;"
		    "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;");
	db_create_tables(db);
	db_exec(db, "BEGIN");
	db_open_batches(db);
	return db_take_error(db);
}

struct error *db_finish(struct db *db)
{
	db_close_batches(db);
	db_exec(db, indexes());
	db_exec(db, "COMMIT");
	/* Statistics for the query planner, from a sample. */
	db_exec(db, "PRAGMA analysis_limit = 1000; ANALYZE;");
	if (!db->failed && sqlite3_close(db->handle) != SQLITE_OK)
		db_fail(db);
	if (db->failed)
		return db_take_error(db);
	db->handle = NULL;
	if (rename(db->tmp_path, db->path) != 0)
		return error_new(ERROR_FATAL, "%s: cannot be renamed to %s: %s", db->tmp_path,
				 db->path, strerror(errno));
	db->finished = true;
	return NULL;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	db_close_batches(db);
	sqlite3_close(db->handle);
	if (!db->finished && db->tmp_path)
		unlink(db->tmp_path);
	free(db->path);
	free(db->tmp_path);
	error_free(db->error);
	free(db);
}

sqlite3_stmt *db_prepare(struct db *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (!db->failed && sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
					      &statement, NULL) != SQLITE_OK)
		db_fail(db);
	return statement;
}

void db_step(struct db *db, sqlite3_stmt *statement)
{
	if (db->failed)
		return;
	if (sqlite3_step(statement) != SQLITE_DONE)
		db_fail(db);
	sqlite3_reset(statement);
}

void db_insert(struct db *db, enum db_table table, const struct db_value *values)
{
	batch_add(db->batches[table], values);
}

bool db_failed(const struct db *db)
{
	return db->failed;
}
