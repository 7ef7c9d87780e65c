/*
 * Writes a session's ctf directory, packet by packet, straight from trace_abi.h: nothing here is
 * shared with the reader that it tests.
 */
#ifndef TESTS_INGEST_WRITER_H
#define TESTS_INGEST_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "trace/trace_abi.h"

struct writer_cpu {
	FILE *file;
	uint64_t seq, received, discarded;
	uint64_t first_t, last_t; /* of the first event in the open packet, of the last event */
	uint32_t used;            /* bytes in the open packet, header included */
	uint64_t packet[TRACE_SUBBUF_SIZE / 8];
};

/* What a test does to the stream of events on its way to the file. */
struct writer_fault {
	uint32_t id;        /* event to be hit; 0: none */
	uint32_t countdown; /* the how manieth one, from 1 */
	/* Changes the payload, or NULL: the event is left out. */
	void (*edit)(void *payload);
	bool hit;
};

struct writer {
	uint32_t nr_cpus;
	uint32_t packet_size; /* bytes at which packets are closed; TRACE_SUBBUF_SIZE unless a test
				 wants many */
	uint64_t now;         /* ns; every event advances it */
	bool muted;           /* tracing is off: events are neither written nor counted */
	uint64_t nr_events;
	uint64_t count[TRACE_ID_LIMIT];
	struct writer_fault fault;
	struct writer_cpu cpus[TRACE_MAX_CPUS];
};

/* Creates DIR/events.tsv and DIR/ctf/metadata, copied from the contract directory (check.h), and
 * packet 0 of every stream. Exits on failure. */
void writer_open(struct writer *w, const char *dir, uint32_t nr_cpus);
void writer_event(struct writer *w, uint32_t cpu, uint32_t id, const void *payload, uint32_t size);
void writer_discard(struct writer *w, uint32_t cpu, uint64_t nr);
void writer_flush(struct writer *w, uint32_t cpu);
void writer_close(struct writer *w);

#define EMIT(w, cpu, name, ...)                                                       \
	writer_event(w, cpu, TRACE_ID_##name, &(struct trace_ev_##name){__VA_ARGS__}, \
		     sizeof(struct trace_ev_##name))

#endif
