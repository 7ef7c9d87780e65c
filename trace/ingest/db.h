/*
 * The database being written. It grows beside its place and takes it when it is complete (target.h), so it needs no journal:
 * a crash costs a run, never data. Memory does not depend on how much is written: pages go out as they fill, and what
 * an index sorts goes to files.
 *
 * A database that nobody reads before it is complete is laid out by btree.h; few tables have keys, and these wait as temporary
 * tables of SQLite until the others are done. One that others read, or one in memory, is written by SQLite alone.
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

/* Whether a table's rows only come one behind the other, or may have a key that is there already, because keys come from the
 * trace. */
enum db_rows { APPENDED, KEYED };

/* The state tables this program fills, as in state.sql: name, number of columns, rows. */
#define DB_TABLES(X)                    \
	X(session, 2, KEYED)            \
	X(event_count, 2, KEYED)        \
	X(loss, 6, KEYED)               \
	X(order_violation, 7, APPENDED) \
	X(loss_window, 4, APPENDED)     \
	X(moment, 1, KEYED)             \
	X(task_span, 9, APPENDED)       \
	X(oom_candidate, 10, APPENDED)  \
	X(oom_kill, 11, KEYED)          \
	X(mm_span, 4, APPENDED)         \
	X(vma_span, 10, APPENDED)       \
	X(anon_vma_span, 4, APPENDED)   \
	X(avc_span, 4, APPENDED)        \
	X(mapping_span, 3, APPENDED)    \
	X(cache_span, 7, APPENDED)      \
	X(i_mmap_span, 5, APPENDED)     \
	X(rmap_span, 6, APPENDED)       \
	X(pte_span, 10, APPENDED)       \
	X(pgtable_span, 6, APPENDED)    \
	X(pmd_span, 6, APPENDED)        \
	X(page_life, 9, APPENDED)       \
	X(page_flags_span, 4, APPENDED) \
	X(free_span, 4, APPENDED)       \
	X(pcp_span, 4, APPENDED)        \
	X(lru_span, 8, APPENDED)        \
	X(swap_span, 5, APPENDED)       \
	X(swap_cache_span, 4, APPENDED) \
	X(swap_io, 9, APPENDED)         \
	X(fault, 13, APPENDED)          \
	X(eviction, 9, APPENDED)        \
	X(refault, 8, APPENDED)         \
	X(reclaim_pass, 15, KEYED)      \
	X(direct_reclaim, 6, APPENDED)  \
	X(kswapd_span, 4, APPENDED)     \
	X(keyframe, 3, APPENDED)        \
	X(keyframe_end, 3, APPENDED)    \
	X(span_table, 2, APPENDED)      \
	X(live_ids, 3, APPENDED)

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

/* The same for KEYED tables; false, and nothing is inserted, when the table has a row with that key. */
#define DB_INSERT_NEW(db, table, ...)                                                         \
	({                                                                                    \
		const struct db_value row_[] = {__VA_ARGS__};                                 \
		_Static_assert(sizeof(row_) / sizeof(row_[0]) == DB_COLUMNS_##table, #table); \
		db_insert_new(db, TABLE_##table, row_);                                       \
	})

/* End of a span that is still open when the trace ends. */
#define T_OPEN INT64_MAX

struct db;
struct btree;

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
/* Takes back all that were ever written. Only in memory. */
struct error *db_rewind(struct db *db);
/* Creates the indexes if asked to, commits, and puts the database in its place. */
struct error *db_finish(struct db *db, enum db_end end);
/* Closes; what db_finish() did not complete is removed. NULL is allowed. */
void db_close(struct db *db);

void db_insert(struct db *db, enum db_table table, const struct db_value *values);
/* False only when the key was there; true also once something failed. */
bool db_insert_new(struct db *db, enum db_table table, const struct db_value *values);
/* Spans that are written with T_OPEN from now on end at t. */
void db_end_open_spans(struct db *db, int64_t t);
/* A keyframe (keyframe.h): all events until t, the last of them `event`, were replayed, and the next one is later. */
void db_keyframe(struct db *db, uint64_t t, uint64_t event);
const char *db_table_name(enum db_table table);
/* A statement for this database; NULL after an error. The caller finalizes it before db_finish().
 */
sqlite3_stmt *db_prepare(struct db *db, const char *sql);
/* Steps a statement that returns no rows, and resets it. */
void db_step(struct db *db, sqlite3_stmt *statement);
/* The pages of an APPENDED table with this many columns; NULL: its rows go through SQLite. */
struct btree *db_pages(struct db *db, const char *table, uint32_t columns);
/* Whether something failed. */
bool db_failed(const struct db *db);

#endif
