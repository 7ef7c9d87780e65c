#include "trace/ingest/inserter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/ingest/btree.h"

struct inserter {
	struct db *db;
	struct btree *pages; /* NULL: */
	sqlite3_stmt *statement;
	uint32_t columns;
};

/*
 * INSERT INTO table VALUES(?,?,...), leaving out, rather than failing, a row whose key is there already: keys come from the trace,
 * and one that is damaged may say anything.
 */
static sqlite3_stmt *prepare(struct db *db, const char *table, uint32_t columns)
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

struct inserter *inserter_new(struct db *db, const char *table, uint32_t columns, enum db_rows rows)
{
	struct inserter *inserter = xcalloc(1, sizeof(*inserter));

	inserter->db = db;
	inserter->columns = columns;
	if (rows == APPENDED)
		inserter->pages = db_pages(db, table, columns);
	if (!inserter->pages)
		inserter->statement = prepare(db, table, columns);
	return inserter;
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

void inserter_add(struct inserter *inserter, const struct db_value *values)
{
	if (db_failed(inserter->db))
		return;
	if (inserter->pages) {
		btree_add(inserter->pages, values);
		return;
	}
	for (uint32_t i = 0; i < inserter->columns; i++)
		bind(inserter->statement, (int)i + 1, &values[i]);
	db_step(inserter->db, inserter->statement);
}

void inserter_free(struct inserter *inserter)
{
	if (!inserter)
		return;
	sqlite3_finalize(inserter->statement);
	free(inserter);
}
