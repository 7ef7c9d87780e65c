/*
 * All streams of a session as one sequence, ordered by (timestamp, cpu, place in the stream); the
 * place in it, from 1, is an event's rank and its id in the database.
 */
#ifndef INGEST_MERGE_H
#define INGEST_MERGE_H

#include "trace/ingest/reader.h"

struct merge {
	struct stream streams[TRACE_MAX_CPUS];
	struct event
		heads[TRACE_MAX_CPUS]; /* the next event of each stream that is not exhausted */
	bool pending[TRACE_MAX_CPUS];
	uint32_t nr_streams;
	uint32_t
		current; /* stream of the event handed out last, to be advanced; nr_streams: none */
	uint64_t rank;   /* of the event handed out last */
};

enum merge_mode {
	MERGE_WHOLE,
	MERGE_GROWING, /* the streams are still being written: an event waits until none can come that belongs in front of it */
};

/* Opens CTF_DIR/cpu0 and on. At least one must be there; `merge_close` also after an error. */
struct error *merge_open(struct merge *merge, const char *ctf_dir, const struct layout *layout,
			 enum merge_mode mode);
void merge_close(struct merge *merge);

/* The first event of each stream; after the streams were opened. merge_open() does it. */
void merge_start(struct merge *merge);
/* Looks how far the streams have grown. */
void merge_look(struct merge *merge);
/* They grow no more: looks for the last time, and what is there is all. */
void merge_settle(struct merge *merge);
/* The earliest time from which some stream lacks events; known as far as the streams were read. */
uint64_t merge_loss_t(const struct merge *merge);
/* Bytes of all streams, as found when they were opened. */
uint64_t merge_bytes(const struct merge *merge);

/* The next event, whose payload is valid until the next call; false at the end, or when the next one is not certain yet. */
bool merge_next(struct merge *merge, struct event *event);

#endif
