/*
 * Rows in memory as a table that SQL can select from: INSERT INTO t SELECT c0, c1 FROM feed. Binding each value of each row costs
 * more than a virtual table that is asked for it, and one statement may insert any number of rows.
 */
#ifndef INGEST_FEED_H
#define INGEST_FEED_H

#include <sqlite3.h>

#include "trace/ingest/db.h"

#define FEED_COLUMNS 32

/* What `feed` holds now: rows of `columns` values each, one behind the other. */
struct feed {
	const struct db_value *values;
	uint32_t columns, rows;
};

/* Makes the table `feed`, with columns c0 and on, for this connection; it shows what is in *feed. An SQLite result code. */
int feed_register(sqlite3 *handle, struct feed *feed);

#endif
