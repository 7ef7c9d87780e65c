#include "trace/ingest/feed.h"

#include <stdio.h>
#include <string.h>

/* SQLite's base structures first, as it demands. */
struct feed_table {
	sqlite3_vtab base;
	const struct feed *feed;
};

struct feed_cursor {
	sqlite3_vtab_cursor base;
	const struct feed *feed;
	const struct db_value *row;
	uint32_t number;
};

static int feed_connect(sqlite3 *handle, void *feed, int argc, const char *const *argv,
			sqlite3_vtab **out, char **message)
{
	char sql[FEED_COLUMNS * 5 + 32] = "CREATE TABLE feed(c0";
	struct feed_table *table;
	int status;

	(void)argc;
	(void)argv;
	(void)message;
	for (int i = 1; i < FEED_COLUMNS; i++)
		sprintf(sql + strlen(sql), ",c%d", i);
	strcat(sql, ")");
	status = sqlite3_declare_vtab(handle, sql);
	table = status == SQLITE_OK ? sqlite3_malloc(sizeof(*table)) : NULL;
	if (!table)
		return status == SQLITE_OK ? SQLITE_NOMEM : status;
	*table = (struct feed_table){.feed = feed};
	*out = &table->base;
	return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *table)
{
	sqlite3_free(table);
	return SQLITE_OK;
}

/* There is one plan: all rows in order. */
static int feed_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table;
	info->estimatedCost = 1;
	return SQLITE_OK;
}

static int feed_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct feed_cursor *cursor = sqlite3_malloc(sizeof(*cursor));

	if (!cursor)
		return SQLITE_NOMEM;
	*cursor = (struct feed_cursor){.feed = ((struct feed_table *)table)->feed};
	*out = &cursor->base;
	return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int feed_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
		       sqlite3_value **argv)
{
	struct feed_cursor *cursor = (struct feed_cursor *)base;

	(void)plan;
	(void)text;
	(void)argc;
	(void)argv;
	cursor->number = 0;
	cursor->row = cursor->feed->values;
	return SQLITE_OK;
}

static int feed_next(sqlite3_vtab_cursor *base)
{
	struct feed_cursor *cursor = (struct feed_cursor *)base;

	cursor->number++;
	cursor->row += cursor->feed->columns;
	return SQLITE_OK;
}

static int feed_eof(sqlite3_vtab_cursor *base)
{
	const struct feed_cursor *cursor = (const struct feed_cursor *)base;

	return cursor->number == cursor->feed->rows;
}

static int feed_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct db_value *value = &((const struct feed_cursor *)base)->row[column];

	switch (value->kind) {
	case DB_INT:
		sqlite3_result_int64(context, value->number);
		break;
	case DB_TEXT:
		sqlite3_result_text(context, value->text, -1, SQLITE_STATIC);
		break;
	case DB_NULL:
		break; /* what a result is when nothing is set */
	}
	return SQLITE_OK;
}

static int feed_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
	*rowid = ((const struct feed_cursor *)base)->number;
	return SQLITE_OK;
}

int feed_register(sqlite3 *handle, struct feed *feed)
{
	/* Without xCreate it is there by its name, and in no schema. */
	static const sqlite3_module module = {.xConnect = feed_connect,
					      .xBestIndex = feed_best_index,
					      .xDisconnect = feed_disconnect,
					      .xOpen = feed_open,
					      .xClose = feed_close,
					      .xFilter = feed_filter,
					      .xNext = feed_next,
					      .xEof = feed_eof,
					      .xColumn = feed_column,
					      .xRowid = feed_rowid};

	return sqlite3_create_module(handle, "feed", &module, feed);
}
