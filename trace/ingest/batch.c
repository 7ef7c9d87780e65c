#include "trace/ingest/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct batch {
	struct db *db;
	sqlite3_stmt *one,
		*many; /* inserts of one row, of `rows` rows; one is NULL when rows is 1 */
	uint32_t columns, rows, waiting;
	struct db_value values[]; /* of the waiting rows */
};

/*
 * INSERT INTO table VALUES(?,?),(?,?),... A single row is left out, rather than an error, when a row has its key already: keys
 * come from the trace, and one that is damaged may say anything.
 */
static sqlite3_stmt *prepare(struct db *db, const char *table, uint32_t columns, uint32_t rows)
{
	size_t row_size = 2 * (size_t)columns + 2; /* "(?,?)," */
	char *sql = xcalloc(1, 96 + strlen(table) + row_size * rows);
	char *end = sql + sprintf(sql, "INSERT INTO %s VALUES", table);
	sqlite3_stmt *statement;

	for (uint32_t row = 0; row < rows; row++) {
		for (uint32_t column = 0; column < columns; column++)
			end += sprintf(end, column ? ",?" : row ? ",(?" : "(?");
		*end++ = ')';
	}
	if (rows == 1)
		strcpy(end, " ON CONFLICT DO NOTHING");
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
	batch->many = prepare(db, table, columns, rows);
	if (rows > 1)
		batch->one = prepare(db, table, columns, 1);
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

static void insert(struct batch *batch, sqlite3_stmt *statement, const struct db_value *values,
		   uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		bind(statement, (int)i + 1, &values[i]);
	db_step(batch->db, statement);
}

void batch_add(struct batch *batch, const struct db_value *values)
{
	if (db_failed(batch->db))
		return;
	memcpy(&batch->values[batch->waiting * batch->columns], values,
	       batch->columns * sizeof(*values));
	if (++batch->waiting < batch->rows)
		return;
	insert(batch, batch->many, batch->values, batch->rows * batch->columns);
	batch->waiting = 0;
}

void batch_flush(struct batch *batch)
{
	for (uint32_t i = 0; i < batch->waiting && !db_failed(batch->db); i++)
		insert(batch, batch->one, &batch->values[i * batch->columns], batch->columns);
	batch->waiting = 0;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	batch_flush(batch);
	sqlite3_finalize(batch->one);
	sqlite3_finalize(batch->many);
	free(batch);
}
