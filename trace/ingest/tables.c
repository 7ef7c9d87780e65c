#include "trace/ingest/tables.h"

#include <assert.h>
#include <stdlib.h>

#define MAX_TEXT          64
#define NR_COMMON_COLUMNS 3 /* id, t, cpu */
#define MAX_COLUMNS       32

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

static struct inserter *table_open(struct tables *tables, const struct event_info *info)
{
	uint32_t columns = NR_COMMON_COLUMNS, texts = 0;

	for (uint32_t i = 0; i < info->nr_fields; i++) {
		columns += info->fields[i].role != FIELD_PAD;
		texts += info->fields[i].type == FT_text;
	}
	/* The contract, not the trace, decides this. */
	assert(columns <= MAX_COLUMNS && texts <= 1);
	return inserter_new(tables->db, info->name, columns, APPENDED);
}

static struct db_value field_value(const struct field_info *field, const char *at,
				   char text[MAX_TEXT + 1])
{
	switch (field->type) {
	case FT_u8:
		return INT(*(const uint8_t *)at);
	case FT_u16:
		return INT(*(const uint16_t *)at);
	case FT_u32:
		return INT(*(const uint32_t *)at);
	case FT_s32:
		return INT(*(const int32_t *)at);
	case FT_u64:
	case FT_s64:
		return INT(*(const int64_t *)at);
	default:
		text_from_field(text, at, field->size < MAX_TEXT ? field->size : MAX_TEXT);
		return TEXT(text);
	}
}

void tables_insert(struct tables *tables, const struct event *event)
{
	const struct event_info *info =
		event->id < TRACE_ID_LIMIT ? tables->layout->known[event->id] : NULL;
	const char *at = event->payload;
	struct db_value values[MAX_COLUMNS];
	uint32_t column = NR_COMMON_COLUMNS;
	char text[MAX_TEXT + 1];

	tables->count[event->id]++;
	if (!info) {
		tables->skipped++;
		return;
	}
	if (!tables->inserters[event->id])
		tables->inserters[event->id] = table_open(tables, info);
	values[0] = INT(event->rank);
	values[1] = INT(event->t);
	values[2] = INT(event->cpu);
	for (uint32_t i = 0; i < info->nr_fields; at += info->fields[i].size, i++) {
		if (info->fields[i].role != FIELD_PAD)
			values[column++] = field_value(&info->fields[i], at, text);
	}
	inserter_add(tables->inserters[event->id], values);
}

void tables_free(struct tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < TRACE_ID_LIMIT; i++)
		inserter_free(tables->inserters[i]);
	free(tables);
}
