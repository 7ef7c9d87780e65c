/*
 * The event tables: each event as one row, exactly as emitted. What to bind comes from the contract
 * (event_info.h), so a new event needs nothing here.
 */
#ifndef INGEST_TABLES_H
#define INGEST_TABLES_H

#include "trace/ingest/inserter.h"
#include "trace/ingest/layout.h"
#include "trace/ingest/reader.h"

struct tables {
	struct db *db;
	const struct layout *layout;
	struct inserter *inserters[TRACE_ID_LIMIT]; /* made when the event first occurs */
	uint64_t count[LAYOUT_MAX_IDS];             /* events by id, the skipped ones too */
	uint64_t skipped;                           /* events that this program does not know */
};

struct tables *tables_new(struct db *db, const struct layout *layout);
void tables_insert(struct tables *tables, const struct event *event);
/* Before db_finish(). NULL is allowed. */
void tables_free(struct tables *tables);

/* A NUL-padded text field as a C string of at most `size` characters; what is not printable ASCII
 * becomes '?'. */
void text_from_field(char *out, const char *field, uint32_t size);

#endif
