#include "trace/ingest/db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "trace/ingest/btree.h"
#include "trace/ingest/inserter.h"
#include "trace/ingest/keyframe.h"
#include "trace/ingest/target.h"

/* Bytes written for a byte of trace: the database, indexes included, is 2.6 times as large, and sorting the largest index
 * needs its size once more. */
#define SPACE_PER_TRACE_BYTE 4
#define STRING_(x)           #x
#define STRING(x)            STRING_(x)
#define MIB                  (UINT64_C(1) << 20)

/* schema.sql, linked in as bytes with a NUL behind them. */
extern const char schema_sql[];

/* What follows this line in schema.sql is executed when all rows are in: filling an indexed table
 * costs three times as much. */
static const char index_marker[] = "\n-- INDEXES";

struct db {
	sqlite3 *handle;
	struct target target;
	struct btree_file *pages; /* NULL: everything goes through SQLite */
	char *live_link;          /* path of the link by which others find it; NULL: nobody shall */
	char *live_target;        /* where that link will lead; NULL once it is made */
	uint64_t trace_bytes;
	uint64_t free_bytes; /* where it is written, when that began */
	struct inserter *inserters[NR_DB_TABLES];
	struct keyframes *keyframes;
	int64_t open_end;                  /* what T_OPEN stands for as the end of a span */
	uint32_t end_column[NR_DB_TABLES]; /* 1 + that of t_end; 0: none */
	struct error *error;               /* the first one, until it is handed to the caller */
	bool failed;
};

static const char *const table_names[NR_DB_TABLES] = {
#define X(name, columns, rows) [TABLE_##name] = #name,
	DB_TABLES(X)
#undef X
};

static const enum db_rows table_rows[NR_DB_TABLES] = {
#define X(name, columns, rows) [TABLE_##name] = rows,
	DB_TABLES(X)
#undef X
};

static const uint32_t column_counts[NR_DB_TABLES] = {
#define X(name, columns, rows) [TABLE_##name] = columns,
	DB_TABLES(X)
#undef X
};

static uint64_t free_bytes(const struct db *db)
{
	struct statvfs fs;

	return statvfs(db->target.tmp_dir, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

/* Why the file cannot grow: SQLite does not keep that for every failure. 0: it can. */
static int probe_growth(const char *path)
{
	static const char page[4096];
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	int error = fd >= 0 && write(fd, page, sizeof(page)) == sizeof(page) ? 0 : errno;

	if (fd >= 0)
		close(fd);
	return error;
}

static struct error *describe_failure(const struct db *db)
{
	int code = db->handle ? sqlite3_errcode(db->handle) : SQLITE_NOMEM;
	int os_error = db->pages ? btree_error(db->pages) : 0;

	if (!os_error)
		os_error = code == SQLITE_FULL ? ENOSPC : probe_growth(db->target.tmp_path);
	if (os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG)
		return error_new(ERROR_FATAL,
				 "%s: no space to write it (%s): it needs about %" PRIu64
				 " MiB, and %" PRIu64 " MiB were free; the trace is as it was, "
				 "nothing was written: make room, or choose another place with -o",
				 db->target.path, strerror(os_error),
				 db->trace_bytes * SPACE_PER_TRACE_BYTE / MIB + 1,
				 db->free_bytes / MIB);
	return error_new(ERROR_FATAL, "%s: %s; nothing was written: choose another place with -o",
			 db->target.tmp_path,
			 db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
}

static void db_fail(struct db *db)
{
	if (db->failed)
		return;
	db->failed = true;
	db->error = describe_failure(db);
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
static void open_inserters(struct db *db)
{
#define X(name, columns, rows) db->inserters[TABLE_##name] = inserter_new(db, #name, columns, rows);
	DB_TABLES(X)
#undef X
}

/* Finds the tables of spans; the keyframes know those with rowids in the order of insertion. */
static void open_spans(struct db *db)
{
	db->keyframes = keyframes_new(db);
	db->open_end = T_OPEN;
	for (enum db_table table = 0; table < NR_DB_TABLES; table++) {
		char sql[96];
		sqlite3_stmt *statement;

		snprintf(sql, sizeof(sql), "SELECT * FROM %s", table_names[table]);
		statement = db_prepare(db, sql);
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *name = sqlite3_column_name(statement, i);

			if (!strcmp(name, "t_begin") && table_rows[table] == APPENDED)
				keyframes_add_table(db->keyframes, table, (uint32_t)i);
			if (!strcmp(name, "t_end"))
				db->end_column[table] = (uint32_t)i + 1;
		}
		sqlite3_finalize(statement);
	}
}

static void close_inserters(struct db *db)
{
	for (size_t i = 0; i < NR_DB_TABLES; i++) {
		inserter_free(db->inserters[i]);
		db->inserters[i] = NULL;
	}
}

/* Hands the error, if there is one, to the caller. */
static struct error *db_take_error(struct db *db)
{
	struct error *error = db->error;

	db->error = NULL;
	return error;
}

/* SQLite's temporary files go where the database goes: one disk must have the space, and nothing is left elsewhere. */
static void keep_temporary_files_at(const char *dir)
{
	sqlite3_free(sqlite3_temp_directory);
	sqlite3_temp_directory = sqlite3_mprintf("%s", dir);
}

/* The tables with keys, while the file belongs to the writer of pages: a temporary table hides the one of the same name. */
static void hide_keyed_tables(struct db *db)
{
	sqlite3_stmt *find = db_prepare(db, "SELECT substr(sql, length('CREATE TABLE ')) FROM "
					    "main.sqlite_schema WHERE type = 'table' AND name = ?");

	for (size_t i = 0; i < NR_DB_TABLES && !db->failed; i++) {
		char *sql = NULL;

		if (table_rows[i] != KEYED)
			continue;
		sqlite3_bind_text(find, 1, table_names[i], -1, SQLITE_STATIC);
		if (sqlite3_step(find) == SQLITE_ROW)
			sql = sqlite3_mprintf("CREATE TEMP TABLE %s", sqlite3_column_text(find, 0));
		sqlite3_reset(find);
		if (!sql)
			db_fail(db);
		db_exec(db, sql);
		sqlite3_free(sql);
	}
	sqlite3_finalize(find);
}

static void show_keyed_tables(struct db *db)
{
	for (size_t i = 0; i < NR_DB_TABLES; i++) {
		char *sql = sqlite3_mprintf("INSERT INTO main.%s SELECT * FROM temp.%s;"
					    "DROP TABLE temp.%s",
					    table_names[i], table_names[i], table_names[i]);

		if (table_rows[i] == KEYED)
			db_exec(db, sql);
		sqlite3_free(sql);
	}
}

struct btree *db_pages(struct db *db, const char *table, uint32_t columns)
{
	sqlite3_stmt *find;
	struct btree *pages = NULL;

	if (!db->pages)
		return NULL;
	find = db_prepare(
		db, "SELECT s.rootpage, coalesce(c.cid, -1) FROM main.sqlite_schema s LEFT JOIN "
		    "pragma_table_info(s.name, 'main') c ON c.pk = 1 AND c.type = 'INTEGER' "
		    "WHERE s.type = 'table' AND s.name = ?");
	sqlite3_bind_text(find, 1, table, -1, SQLITE_STATIC);
	if (find && sqlite3_step(find) == SQLITE_ROW)
		pages = btree_table(db->pages, (uint32_t)sqlite3_column_int64(find, 0), columns,
				    sqlite3_column_int(find, 1));
	else
		db_fail(db);
	sqlite3_finalize(find);
	return pages;
}

/* From an empty file to a transaction that waits for rows. */
static struct error *db_begin(struct db *db, const char *file, const char *journal,
			      bool write_pages)
{
	if (sqlite3_open_v2(file, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		db_fail(db);
	/* The cache is also what sorting an index may use, and all the memory that does not depend on what lives in
	 * the guest. */
	db_exec(db,
		"PRAGMA page_size = " STRING(
			BTREE_PAGE_SIZE) "; PRAGMA synchronous = OFF; "
					 "PRAGMA temp_store = FILE; PRAGMA cache_size = -4096;");
	db_exec(db, journal);
	db_create_tables(db);
	if (write_pages && !db->failed) {
		db->pages = btree_open(file);
		if (!db->pages)
			db_fail(db);
		hide_keyed_tables(db);
	}
	db_exec(db, "BEGIN");
	open_inserters(db);
	open_spans(db);
	return db_take_error(db);
}

/* Names the link by which others find a live database. One that a killed follower left leads nowhere and goes. */
static struct error *name_live(struct db *db, enum db_life life)
{
	char *copy = strdup(db->target.path), *name = strdup(db->target.path);
	struct error *error = NULL;

	if (!copy || !name || asprintf(&db->live_link, "%s/live.db", dirname(copy)) < 0 ||
	    asprintf(&db->live_target, "%s.tmp/db", basename(name)) < 0)
		error = error_new(ERROR_FATAL, "out of memory");
	else if (unlink(db->live_link) != 0 && errno != ENOENT)
		error = error_new(ERROR_FATAL, "%s: cannot be removed: %s", db->live_link,
				  strerror(errno));
	if (life != DB_LIVE) {
		free(db->live_link);
		free(db->live_target);
		db->live_link = db->live_target = NULL;
	}
	free(copy);
	free(name);
	return error;
}

/* Tells readers that something was committed. The first commit makes the link: who finds a live database finds its tables. */
static void announce_commit(struct db *db)
{
	if (db->failed)
		return;
	if (db->live_target && symlink(db->live_target, db->live_link) != 0) {
		db->failed = true;
		db->error = error_new(ERROR_FATAL, "%s: cannot be made: %s", db->live_link,
				      strerror(errno));
		return;
	}
	free(db->live_target);
	db->live_target = NULL;
	/* It may fail where links have no times; who reads the database is not told then, and nothing else is lost. */
	utimensat(AT_FDCWD, db->live_link, NULL, AT_SYMLINK_NOFOLLOW);
}

struct error *db_create(struct db **out, const char *path, uint64_t trace_bytes, enum db_life life)
{
	struct db *db = xcalloc(1, sizeof(*db));
	struct error *error;

	*out = db;
	db->trace_bytes = trace_bytes;
	/* One thread uses it: the locks would cost a tenth of the time. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	error = target_open(&db->target, path);
	if (!error)
		error = name_live(db, life);
	if (error)
		return error;
	db->free_bytes = free_bytes(db);
	keep_temporary_files_at(db->target.tmp_dir);
	return db_begin(db, db->target.tmp_path,
			life == DB_LIVE ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = OFF",
			life == DB_ONCE);
}

struct error *db_create_in_memory(struct db **out)
{
	*out = xcalloc(1, sizeof(**out));
	return db_begin(*out, ":memory:", "PRAGMA journal_mode = MEMORY", false);
}

/*
 * A program that wrote to the old database and died may have left a journal beside it, and SQLite would play that journal
 * into the new one. Opening the old one plays it where it belongs.
 */
static struct error *settle_old(const char *path)
{
	static const char *const suffixes[] = {"-journal", "-wal"};
	bool settled = true;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		sqlite3 *old = NULL;
		char *beside = sqlite3_mprintf("%s%s", path, suffixes[i]);

		if (beside && access(beside, F_OK) == 0) {
			if (sqlite3_open_v2(path, &old, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
				sqlite3_exec(old,
					     "PRAGMA journal_mode = DELETE; "
					     "SELECT count(*) FROM sqlite_schema",
					     NULL, NULL, NULL);
			sqlite3_close(old);
			settled = access(beside, F_OK) != 0;
		}
		sqlite3_free(beside);
		if (!settled)
			return error_new(ERROR_FATAL,
					 "%s%s: belongs to the database that is there now, and "
					 "somebody is using it: end that, and run again",
					 path, suffixes[i]);
	}
	return NULL;
}

/* What takes back rows that were published too early, where the order of insertion does not tell them. */
static const char *const take_back[NR_DB_TABLES] = {
	[TABLE_session] = "DELETE FROM session",
	[TABLE_event_count] = "DELETE FROM event_count",
	[TABLE_loss] = "DELETE FROM loss",
	[TABLE_oom_kill] = "DELETE FROM oom_kill WHERE t_done IS NULL",
	[TABLE_eviction] = "", /* has no open rows */
	[TABLE_reclaim_pass] = "DELETE FROM reclaim_pass WHERE t_end = 9223372036854775807",
};

struct error *db_rewind(struct db *db)
{
	keyframes_reset(db->keyframes);
	db_exec(db, "ROLLBACK; BEGIN");
	return db_take_error(db);
}

static int64_t last_rowid(struct db *db, const char *table)
{
	char sql[96];
	sqlite3_stmt *statement;
	int64_t rowid = 0;

	snprintf(sql, sizeof(sql), "SELECT max(rowid) FROM %s", table);
	statement = db_prepare(db, sql);
	if (statement && sqlite3_step(statement) == SQLITE_ROW)
		rowid = sqlite3_column_int64(statement, 0);
	else
		db_fail(db);
	sqlite3_finalize(statement);
	return rowid;
}

void db_publish(struct db *db, void (*write_rest)(void *arg), void *arg)
{
	int64_t last[NR_DB_TABLES] = {0};
	char sql[128];

	for (size_t i = 0; i < NR_DB_TABLES && !db->failed; i++) {
		if (!take_back[i])
			last[i] = last_rowid(db, table_names[i]);
	}
	keyframes_suspend(db->keyframes);
	write_rest(arg);
	keyframes_resume(db->keyframes);
	DB_INSERT(db, session, TEXT("live"), TEXT("yes"));
	db_exec(db, "COMMIT; BEGIN");
	announce_commit(db);
	for (size_t i = 0; i < NR_DB_TABLES; i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE rowid > %" PRId64, table_names[i],
			 last[i]);
		db_exec(db, take_back[i] ? take_back[i] : sql);
	}
}

/* Whether the database is now alone in one file; not while somebody reads it. */
static bool leave_wal(struct db *db)
{
	sqlite3_stmt *statement = db_prepare(db, "PRAGMA journal_mode = DELETE");
	bool left = statement && sqlite3_step(statement) == SQLITE_ROW &&
		    strcmp((const char *)sqlite3_column_text(statement, 0), "delete") == 0;

	sqlite3_finalize(statement);
	return left;
}

/* Replaces the live database, which somebody still reads, by a copy that nobody knows. The reader keeps what it has open. */
static void copy_away(struct db *db)
{
	char *copy = sqlite3_mprintf("%s-copy", db->target.tmp_path);
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", copy);
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	db_exec(db, sql);
	if (!db->failed && sqlite3_close(db->handle) == SQLITE_OK)
		db->handle = NULL;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && !db->failed; i++) {
		char *old = sqlite3_mprintf("%s%s", db->target.tmp_path, suffixes[i]);

		unlink(old);
		sqlite3_free(old);
	}
	if (!db->failed && (rename(copy, db->target.tmp_path) != 0 ||
			    sqlite3_open_v2(db->target.tmp_path, &db->handle, SQLITE_OPEN_READWRITE,
					    NULL) != SQLITE_OK))
		db_fail(db);
	sqlite3_free(copy);
	sqlite3_free(sql);
}

/* From a live database with all rows to one that is written like any other. */
static void end_live(struct db *db)
{
	unlink(db->live_link);
	free(db->live_link);
	db->live_link = NULL;
	db_exec(db, "COMMIT");
	if (!db->failed && !leave_wal(db))
		copy_away(db);
	db_exec(db, "PRAGMA journal_mode = OFF; PRAGMA locking_mode = EXCLUSIVE;"
		    "PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
		    "PRAGMA cache_size = -4096; BEGIN");
}

/* From pages of our own making to a database that is written like any other. */
static void end_pages(struct db *db)
{
	db_exec(db, "COMMIT");
	if (!db->failed)
		btree_finish(db->pages);
	if (btree_error(db->pages))
		db_fail(db);
	db_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN");
	show_keyed_tables(db);
}

struct error *db_finish(struct db *db, enum db_end end)
{
	struct error *error;

	keyframes_write(db->keyframes);
	close_inserters(db);
	if (db->live_link)
		end_live(db);
	if (db->pages)
		end_pages(db);
	if (end == DB_INDEXED)
		db_exec(db, indexes());
	db_exec(db, "COMMIT");
	/* Statistics for the query planner, from a sample. */
	if (end == DB_INDEXED)
		db_exec(db, "PRAGMA analysis_limit = 1000; ANALYZE;");
	if (!db->failed && sqlite3_close(db->handle) != SQLITE_OK)
		db_fail(db);
	if (db->failed)
		return db_take_error(db);
	db->handle = NULL;
	error = settle_old(db->target.path);
	return error ? error : target_commit(&db->target);
}

void db_close(struct db *db)
{
	if (!db)
		return;
	close_inserters(db);
	keyframes_free(db->keyframes);
	sqlite3_close(db->handle);
	btree_close(db->pages);
	if (db->live_link)
		unlink(db->live_link);
	free(db->live_link);
	free(db->live_target);
	target_close(&db->target);
	sqlite3_free(sqlite3_temp_directory);
	sqlite3_temp_directory = NULL;
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

void db_end_open_spans(struct db *db, int64_t t)
{
	db->open_end = t;
}

/* The row, or a copy of it that ends when open spans do. */
static const struct db_value *with_end(const struct db *db, enum db_table table,
				       const struct db_value *values, struct db_value *copy)
{
	uint32_t column = db->end_column[table];

	if (db->open_end == T_OPEN || !column || values[column - 1].number != T_OPEN)
		return values;
	memcpy(copy, values, column_counts[table] * sizeof(*copy));
	copy[column - 1] = INT(db->open_end);
	return copy;
}

void db_insert(struct db *db, enum db_table table, const struct db_value *values)
{
	struct db_value copy[BTREE_MAX_COLUMNS];

	inserter_add(db->inserters[table], with_end(db, table, values, copy));
	keyframes_row(db->keyframes, table, values);
}

void db_keyframe(struct db *db, uint64_t t, uint64_t event)
{
	keyframes_take(db->keyframes, t, event);
}

const char *db_table_name(enum db_table table)
{
	return table_names[table];
}

bool db_insert_new(struct db *db, enum db_table table, const struct db_value *values)
{
	struct db_value copy[BTREE_MAX_COLUMNS];

	inserter_add(db->inserters[table], with_end(db, table, values, copy));
	return db->failed || sqlite3_changes(db->handle) > 0;
}

bool db_failed(const struct db *db)
{
	return db->failed || (db->pages && btree_error(db->pages));
}
