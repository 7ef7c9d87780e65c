/*
 * The tables that tell about the trace as a whole: session, event_count, loss, moment.
 */
#ifndef INGEST_SUMMARY_H
#define INGEST_SUMMARY_H

#include "trace/ingest/merge.h"
#include "trace/ingest/replay.h"
#include "trace/ingest/tables.h"

struct summary {
	uint64_t nr_events, t_first, t_last;
};

/* Counts one event. */
static inline void summary_event(struct summary *summary, const struct event *event)
{
	if (summary->nr_events++ == 0)
		summary->t_first = event->t;
	summary->t_last = event->t;
}

void summary_write(const struct summary *summary, struct db *db, const struct merge *merge,
		   const struct tables *tables, const struct model *model);

#endif
