/*
 * One table of the database being written. How its rows get there is settled when it is opened: pages of our own making
 * (btree.h), or an INSERT.
 */
#ifndef INGEST_INSERTER_H
#define INGEST_INSERTER_H

#include "trace/ingest/db.h"

struct inserter;

/* A table of `columns` columns. APPENDED: no row of it can be there twice, and an INTEGER PRIMARY KEY ascends. */
struct inserter *inserter_new(struct db *db, const char *table, uint32_t columns,
			      enum db_rows rows);
/* Inserts a row; of two KEYED rows with one key the first stays. A no-op once something failed. */
void inserter_add(struct inserter *inserter, const struct db_value *values);
/* Before db_finish(); NULL is allowed. */
void inserter_free(struct inserter *inserter);

#endif
