#include "trace/ingest/batch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/ingest/feed.h"

struct batch {
	struct db *db;
	sqlite3_stmt *statement;
	uint32_t columns, rows, waiting;
	struct db_value values[]; /* of the waiting rows */
};

/* INSERT INTO table SELECT c0,c1,... FROM feed */
static sqlite3_stmt *prepare_many(struct db *db, const char *table, uint32_t columns)
{
	char *sql = xcalloc(1, 64 + strlen(table) + 8 * (size_t)columns);
	char *end = sql + sprintf(sql, "INSERT INTO %s SELECT c0", table);
	sqlite3_stmt *statement;

	assert(columns <= FEED_COLUMNS);
	for (uint32_t column = 1; column < columns; column++)
		end += sprintf(end, ",c%u", column);
	strcpy(end, " FROM feed");
	statement = db_prepare(db, sql);
	free(sql);
	return statement;
}

/*
 * INSERT INTO table VALUES(?,?,...), leaving out, rather than failing, a row whose key is there already: keys come from the trace,
 * and one that is damaged may say anything.
 */
static sqlite3_stmt *prepare_one(struct db *db, const char *table, uint32_t columns)
{
	char *sql = xcalloc(1, 96 + strlen(table) + 2 * (size_t)columns);
	char *end = sql + sprintf(sql, "INSERT INTO %s VALUES(?", table);
	sqlite3_stmt *statement;

	for (uint32_t column = 1; column < columns; column++)
		end += sprintf(end, ",?");
	strcpy(end, ") ON CONFLICT DO NOTHING");
	statement = db_prepare(db, sql);
	free(sql);
	return statement;
}

struct batch *batch_new(struct db *db, const char *table, uint32_t columns, uint32_t rows)
{
	struct batch *batch =
		xcalloc(1, sizeof(*batch) + (size_t)rows * columns * sizeof(batch->values[0]));

	batch->db = db;
	batch->columns = columns;
	batch->rows = rows;
	batch->statement =
		rows > 1 ? prepare_many(db, table, columns) : prepare_one(db, table, columns);
	return batch;
}

/* Binding integers and static texts allocates nothing and cannot fail with a parameter that exists. */
static void bind(sqlite3_stmt *statement, int parameter, const struct db_value *value)
{
	switch (value->kind) {
	case DB_INT:
		sqlite3_bind_int64(statement, parameter, value->number);
		break;
	case DB_TEXT:
		sqlite3_bind_text(statement, parameter, value->text, -1, SQLITE_STATIC);
		break;
	case DB_NULL:
		sqlite3_bind_null(statement, parameter);
		break;
	}
}

void batch_add(struct batch *batch, const struct db_value *values)
{
	if (db_failed(batch->db))
		return;
	if (batch->rows == 1) {
		for (uint32_t i = 0; i < batch->columns; i++)
			bind(batch->statement, (int)i + 1, &values[i]);
		db_step(batch->db, batch->statement);
		return;
	}
	memcpy(&batch->values[batch->waiting * batch->columns], values,
	       batch->columns * sizeof(*values));
	if (++batch->waiting == batch->rows)
		batch_flush(batch);
}

void batch_flush(struct batch *batch)
{
	if (batch->waiting && !db_failed(batch->db)) {
		*db_feed(batch->db) = (struct feed){batch->values, batch->columns, batch->waiting};
		db_step(batch->db, batch->statement);
	}
	batch->waiting = 0;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	batch_flush(batch);
	sqlite3_finalize(batch->statement);
	free(batch);
}
