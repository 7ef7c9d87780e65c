/*
 * The database being written. It grows under a temporary name and gets its own by rename() when it
 * is complete, so a killed run leaves the old database or none. No journal and no syncing: a crash
 * of the machine costs a run, never data.
 *
 * Writing has a sticky error: after the first failure every insertion is a no-op, and db_error()
 * tells. That keeps the replay free of error paths that could only say "stop".
 */
#ifndef INGEST_DB_H
#define INGEST_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "trace/ingest/error.h"

/* The state tables this program fills, as in state.sql; the second part is their number of columns.
 */
#define DB_TABLES(X)          \
	X(session, 2)         \
	X(event_count, 2)     \
	X(loss, 6)            \
	X(order_violation, 7) \
	X(moment, 1)          \
	X(task_span, 8)       \
	X(mm_span, 4)         \
	X(vma_span, 10)       \
	X(anon_vma_span, 4)   \
	X(avc_span, 4)        \
	X(rmap_span, 6)       \
	X(pte_span, 10)       \
	X(pgtable_span, 6)    \
	X(page_life, 9)       \
	X(page_flags_span, 4) \
	X(lru_span, 7)        \
	X(swap_span, 5)       \
	X(swap_cache_span, 4) \
	X(swap_io, 9)         \
	X(fault, 13)          \
	X(eviction, 9)        \
	X(refault, 8)         \
	X(reclaim_pass, 15)   \
	X(direct_reclaim, 6)  \
	X(kswapd_span, 4)     \
	X(oom_candidate, 8)   \
	X(oom_kill, 11)

enum db_table {
#define X(name, columns) TABLE_##name,
	DB_TABLES(X)
#undef X
		NR_DB_TABLES
};

/* One column of a row. Texts must live until db_insert() returns. */
struct db_value {
	enum { DB_NULL, DB_INT, DB_TEXT } kind;
	union {
		int64_t number;
		const char *text;
	};
};

#define INT(x)  ((struct db_value){.kind = DB_INT, .number = (int64_t)(x)})
#define TEXT(s) ((struct db_value){.kind = DB_TEXT, .text = (s)})
#define NIL     ((struct db_value){.kind = DB_NULL})

enum db_columns {
#define X(name, columns) DB_COLUMNS_##name = columns,
	DB_TABLES(X)
#undef X
};

/* Inserts one row into a state table, all columns in the order of state.sql. */
#define DB_INSERT(db, table, ...)                                                             \
	do {                                                                                  \
		const struct db_value row_[] = {__VA_ARGS__};                                 \
		_Static_assert(sizeof(row_) / sizeof(row_[0]) == DB_COLUMNS_##table, #table); \
		db_insert(db, TABLE_##table, row_, DB_COLUMNS_##table);                       \
	} while (0)

/* End of a span that is still open when the trace ends. */
#define T_OPEN INT64_MAX

struct db;

/* Creates PATH.tmp, replacing one that is there, with all tables and views of schema.sql. */
struct error *db_create(struct db **db, const char *path);
/* Creates the indexes, commits, and renames PATH.tmp to PATH. */
struct error *db_finish(struct db *db);
/* Closes; removes PATH.tmp when db_finish() did not succeed. NULL is allowed. */
void db_close(struct db *db);

void db_insert(struct db *db, enum db_table table, const struct db_value *values, size_t nr);
/* A statement for this database; NULL after an error. The caller finalizes it before db_finish().
 */
sqlite3_stmt *db_prepare(struct db *db, const char *sql);
/* Steps a statement that returns no rows, and resets it. */
void db_step(struct db *db, sqlite3_stmt *statement);
/* Whether something failed. */
bool db_failed(const struct db *db);

#endif
