#include "trace/ingest/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 64

void text_from_field(char *out, const char *field, uint32_t size)
{
	uint32_t i;

	for (i = 0; i < size && field[i]; i++)
		out[i] = field[i] >= ' ' && field[i] <= '~' ? field[i] : '?';
	out[i] = 0;
}

struct tables *tables_new(struct db *db, const struct layout *layout)
{
	struct tables *tables = xcalloc(1, sizeof(*tables));

	tables->db = db;
	tables->layout = layout;
	return tables;
}

static sqlite3_stmt *prepare_insert(struct tables *tables, const struct event_info *info)
{
	char sql[256];
	int used = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES(?,?,?", info->name);

	for (uint32_t i = 0; i < info->nr_fields; i++) {
		if (info->fields[i].role != FIELD_PAD)
			used += snprintf(sql + used, sizeof(sql) - (size_t)used, ",?");
	}
	snprintf(sql + used, sizeof(sql) - (size_t)used, ")");
	return db_prepare(tables->db, sql);
}

static int bind_text(sqlite3_stmt *statement, int column, const char *field, uint32_t size)
{
	char copy[MAX_TEXT + 1];

	text_from_field(copy, field, size < MAX_TEXT ? size : MAX_TEXT);
	return sqlite3_bind_text(statement, column, copy, -1, SQLITE_TRANSIENT);
}

static int bind_field(sqlite3_stmt *statement, int column, const struct field_info *field,
		      const char *at)
{
	switch (field->type) {
	case FT_u8:
		return sqlite3_bind_int64(statement, column, *(const uint8_t *)at);
	case FT_u16:
		return sqlite3_bind_int64(statement, column, *(const uint16_t *)at);
	case FT_u32:
		return sqlite3_bind_int64(statement, column, *(const uint32_t *)at);
	case FT_s32:
		return sqlite3_bind_int64(statement, column, *(const int32_t *)at);
	case FT_u64:
	case FT_s64:
		return sqlite3_bind_int64(statement, column, *(const int64_t *)at);
	default:
		return bind_text(statement, column, at, field->size);
	}
}

void tables_insert(struct tables *tables, const struct event *event)
{
	const struct event_info *info =
		event->id < TRACE_ID_LIMIT ? tables->layout->known[event->id] : NULL;
	const char *at = event->payload;
	sqlite3_stmt *insert;
	int column = 4;

	tables->count[event->id]++;
	if (!info) {
		tables->skipped++;
		return;
	}
	if (!tables->insert[event->id])
		tables->insert[event->id] = prepare_insert(tables, info);
	insert = tables->insert[event->id];
	if (!insert)
		return;
	/* Only binding a text can fail, without memory; its column is then NULL, which the step
	 * refuses. */
	sqlite3_bind_int64(insert, 1, (int64_t)event->rank);
	sqlite3_bind_int64(insert, 2, (int64_t)event->t);
	sqlite3_bind_int64(insert, 3, event->cpu);
	for (uint32_t i = 0; i < info->nr_fields; at += info->fields[i].size, i++) {
		if (info->fields[i].role != FIELD_PAD)
			bind_field(insert, column++, &info->fields[i], at);
	}
	db_step(tables->db, insert);
}

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < TRACE_ID_LIMIT; i++)
		sqlite3_finalize(tables->insert[i]);
	free(tables);
}
