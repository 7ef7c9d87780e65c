/*
 * One CPU's stream: ctf/cpuN, a sequence of packets as trace_abi.h describes them.
 *
 * A packet is read into memory and checked as a whole before its first event is handed out, so a
 * damaged packet contributes nothing and every packet before it contributes all. The file is read,
 * not mapped: one that shrinks meanwhile is then an error and not a SIGBUS.
 */
#ifndef INGEST_READER_H
#define INGEST_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/ingest/error.h"
#include "trace/ingest/layout.h"

/* One event as the merge hands it on. */
struct event {
	uint64_t rank; /* place in the merged trace, from 1; set by the merge */
	uint64_t t;    /* ns since boot, all 64 bits */
	uint32_t cpu;
	uint16_t id;
	uint16_t size;       /* bytes of payload */
	const void *payload; /* 8-byte aligned; valid until the stream goes on */
};

/* A packet whose counters do not add up: emitted != received + discarded. */
struct miscount {
	bool found;
	uint64_t seq, emitted, received, discarded;
};

/* Some events of a stream between two times are missing. */
struct loss_window {
	uint64_t t_from, t_to; /* the last stamp before, and one behind */
	uint64_t events;
};

struct stream {
	const struct layout *layout;
	char *path;
	int fd;
	uint32_t cpu;
	bool growing; /* somebody still writes it: a packet that is not whole yet may become so */
	uint64_t file_size;   /* when last looked at; what was appended since is not read */
	uint64_t next_offset; /* of the packet after the one in memory */
	uint64_t next_seq;
	uint64_t last_t;          /* timestamp_end of the last good packet */
	uint64_t received;        /* events in good packets */
	uint64_t discarded;       /* as the last good packet says */
	uint64_t emitted;         /* as the last good packet says */
	uint64_t missing;         /* emitted, and not received */
	uint64_t trimmed_bytes;   /* of an incomplete last packet */
	bool recovered;           /* its end was read from guest memory; set by the merge */
	uint64_t loss_t;          /* last stamp before the first known loss; UINT64_MAX: none */
	struct miscount miscount; /* the first one */
	struct loss_window *losses;
	uint32_t nr_losses, max_losses;
	struct error *damage; /* why reading stopped early, or NULL */
	uint64_t *buffer;     /* TRACE_SUBBUF_SIZE bytes: the packet in memory */
	uint32_t pos, end;    /* bytes: next event, end of the packet in memory */
};

/* Opens `path` as the stream of `cpu`. The stream may be closed also when an error is returned. */
struct error *stream_open(struct stream *stream, const char *path, uint32_t cpu,
			  const struct layout *layout);
void stream_close(struct stream *stream);
/* Looks how far the file has grown. */
void stream_look(struct stream *stream);

/* The next event; false at the end of what is readable, and `damage` then says whether that is the
 * end of the file. */
bool stream_next(struct stream *stream, struct event *event);

#endif
