/*
 * The database being written. It grows beside its place and takes it when it is complete (target.h), so it needs no journal:
 * a crash costs a run, never data. Memory does not depend on how much is written: pages go out as the cache fills, and what
 * an index sorts goes to files.
 *
 * Writing has a sticky error: after the first failure every insertion is a no-op, and db_failed()
 * tells. That keeps the replay free of error paths that could only say "stop".
 */
#ifndef INGEST_DB_H
#define INGEST_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "trace/ingest/error.h"

/*
 * The state tables this program fills, as in state.sql: name, number of columns, rows to an INSERT (more than one only where all
 * texts are names from enums.def and other constants, and no key comes from the trace).
 */
#define DB_TABLES(X)                      \
	X(session, 2, 1)                  \
	X(event_count, 2, 1)              \
	X(loss, 6, 1)                     \
	X(order_violation, 7, 1)          \
	X(moment, 1, 1)                   \
	X(task_span, 8, 1)                \
	X(oom_candidate, 8, 1)            \
	X(oom_kill, 11, 1)                \
	X(mm_span, 4, BATCH_ROWS)         \
	X(vma_span, 10, BATCH_ROWS)       \
	X(anon_vma_span, 4, BATCH_ROWS)   \
	X(avc_span, 4, BATCH_ROWS)        \
	X(rmap_span, 6, BATCH_ROWS)       \
	X(pte_span, 10, BATCH_ROWS)       \
	X(pgtable_span, 6, BATCH_ROWS)    \
	X(pmd_span, 6, BATCH_ROWS)        \
	X(page_life, 9, BATCH_ROWS)       \
	X(page_flags_span, 4, BATCH_ROWS) \
	X(free_span, 4, BATCH_ROWS)       \
	X(pcp_span, 4, BATCH_ROWS)        \
	X(lru_span, 7, BATCH_ROWS)        \
	X(swap_span, 5, BATCH_ROWS)       \
	X(swap_cache_span, 4, BATCH_ROWS) \
	X(swap_io, 9, BATCH_ROWS)         \
	X(fault, 13, BATCH_ROWS)          \
	X(eviction, 9, BATCH_ROWS)        \
	X(refault, 8, BATCH_ROWS)         \
	X(reclaim_pass, 15, 1)            \
	X(direct_reclaim, 6, BATCH_ROWS)  \
	X(kswapd_span, 4, BATCH_ROWS)

enum db_table {
#define X(name, columns, rows) TABLE_##name,
	DB_TABLES(X)
#undef X
		NR_DB_TABLES
};

/* One column of a row. */
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
#define X(name, columns, rows) DB_COLUMNS_##name = columns,
	DB_TABLES(X)
#undef X
};

/* Inserts one row into a state table, all columns in the order of state.sql. */
#define DB_INSERT(db, table, ...)                                                             \
	do {                                                                                  \
		const struct db_value row_[] = {__VA_ARGS__};                                 \
		_Static_assert(sizeof(row_) / sizeof(row_[0]) == DB_COLUMNS_##table, #table); \
		db_insert(db, TABLE_##table, row_);                                           \
	} while (0)

/* The same; false, and nothing is inserted, when the table has a row with that key. For tables with one row to an INSERT. */
#define DB_INSERT_NEW(db, table, ...)                                                         \
	({                                                                                    \
		const struct db_value row_[] = {__VA_ARGS__};                                 \
		_Static_assert(sizeof(row_) / sizeof(row_[0]) == DB_COLUMNS_##table, #table); \
		db_insert_new(db, TABLE_##table, row_);                                       \
	})

/* End of a span that is still open when the trace ends. */
#define T_OPEN INT64_MAX

struct db;
struct feed;

enum db_life {
	DB_ONCE, /* seen when it is complete */
	DB_LIVE, /* others read it while it grows, by the link live.db beside its place */
};

enum db_end { DB_PLAIN, DB_INDEXED };

/* Begins what will be PATH, with all tables and views of schema.sql. trace_bytes: how much will be loaded, to tell how much
 * space that needs should there be too little. */
struct error *db_create(struct db **db, const char *path, uint64_t trace_bytes, enum db_life life);
/*
 * Commits what was inserted and what write_rest(arg) inserts, for others to see, and takes the latter back: the rows that only
 * hold until more has come. Touches the link live.db. For a live database.
 */
void db_publish(struct db *db, void (*write_rest)(void *arg), void *arg);
/* A database in memory, for who only wants to see whether loading works. db_finish() is not for it. */
struct error *db_create_in_memory(struct db **db);
/* Writes the rows that wait and then takes back all that were ever written. Only in memory. */
struct error *db_rewind(struct db *db);
/* Creates the indexes if asked to, commits, and puts the database in its place. */
struct error *db_finish(struct db *db, enum db_end end);
/* Closes; what db_finish() did not complete is removed. NULL is allowed. */
void db_close(struct db *db);

void db_insert(struct db *db, enum db_table table, const struct db_value *values);
/* False only when the key was there; true also once something failed. */
bool db_insert_new(struct db *db, enum db_table table, const struct db_value *values);
/* A statement for this database; NULL after an error. The caller finalizes it before db_finish().
 */
sqlite3_stmt *db_prepare(struct db *db, const char *sql);
/* Steps a statement that returns no rows, and resets it. */
void db_step(struct db *db, sqlite3_stmt *statement);
/* What the table `feed` of this database shows (feed.h). */
struct feed *db_feed(struct db *db);
/* Whether something failed. */
bool db_failed(const struct db *db);

#endif
