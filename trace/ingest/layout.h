/*
 * What the recording kernel said about its events, from the session's events.tsv: payload sizes by
 * id. An event whose layout differs from this program's is refused; one that this program does not
 * know is skipped by its size.
 */
#ifndef INGEST_LAYOUT_H
#define INGEST_LAYOUT_H

#include <stdint.h>

#include "trace/gen/event_info.h"
#include "trace/ingest/error.h"

#define LAYOUT_MAX_IDS 65536

struct layout {
	int32_t size[LAYOUT_MAX_IDS];                   /* bytes of payload; -1: no such event */
	char *unknown_name[LAYOUT_MAX_IDS];             /* of events that are only in events.tsv */
	const struct event_info *known[TRACE_ID_LIMIT]; /* of events that both sides have */
};

/* Reads `path`. The layout is allocated and owned by the caller also when an error is returned. */
struct error *layout_load(struct layout **layout, const char *path);
void layout_free(struct layout *layout);

/* Name of an event for messages and event_count; valid as long as the layout. */
const char *layout_event_name(const struct layout *layout, uint16_t id);

#endif
