/*
 * After a crash of the guest: appends to SESSION_DIR/ctf/cpuN what the rings held and the host had
 * not got.
 *
 *   rings/descriptor  the guest's struct trace_rings
 *   rings/cpuN        the sub-buffers of a CPU, as they lay in guest memory when it stood still
 *
 * The guest is not trusted: nothing that it left is used before it was found to be possible, and
 * what is appended reads without damage. A sub-buffer is one of these:
 *
 *   former   its number is below what the stream needs next: the host has it
 *   sent     content_size == packet_size: complete, and not taken by the host
 *   closed   packet_size is set, and content_size counts the bytes that are not committed
 *   open     packet_size is 0, and content_size is minus the bytes committed
 *
 * Of the last two the whole events up to the first that is not count: an id is 0 until its event is
 * committed, and what a former use of the sub-buffer left is stamped before its timestamp_begin.
 * Whole events behind that one (of an interrupt that came in the middle of it) cannot be kept,
 * because nobody knows where they begin; they are counted as discarded.
 *
 * Run again it finds nothing to append, and says the same.
 */
#ifndef INGEST_RECOVER_H
#define INGEST_RECOVER_H

#include <stdint.h>

#include "trace/ingest/error.h"
#include "trace/ingest/layout.h"

/* What became of a stream. */
struct recovered_stream {
	struct error *error;            /* why its end is not there, or NULL */
	uint64_t size;                  /* of the file; when there is no error */
	uint64_t nr_packets, nr_events; /* appended */
	uint64_t lost;                  /* whole events that could not be kept */
};

/* Of a session, by CPU; those without a stream are zero. */
struct recovered {
	struct recovered_stream cpu[TRACE_MAX_CPUS];
	uint32_t nr_cpus; /* as the guest says */
};

/* Recovers every stream that can be. An error: the descriptor cannot be used, and nothing was
 * written. */
struct error *recover_session(struct recovered *out, const char *session_dir,
			      const struct layout *layout);
void recovered_free(struct recovered *recovered);

#endif
