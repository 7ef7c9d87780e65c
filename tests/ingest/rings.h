/*
 * The memory of a guest that crashed: what a session's last packets looked like before they were
 * sent. Straight from trace_abi.h, like writer.h.
 */
#ifndef TESTS_INGEST_RINGS_H
#define TESTS_INGEST_RINGS_H

#include <stdint.h>

#include "trace/trace_abi.h"

#define RINGS_CPUS    2
#define RINGS_SUBBUFS 4

struct rings {
	struct trace_rings descriptor;
	uint64_t memory[RINGS_CPUS][RINGS_SUBBUFS][TRACE_SUBBUF_SIZE / 8];
	/* The last RINGS_SUBBUFS packets of each stream, the last one first: sub-buffer, and where
	 * it begins in the whole stream. */
	uint32_t place[RINGS_CPUS][RINGS_SUBBUFS];
	long offset[RINGS_CPUS][RINGS_SUBBUFS];
};

/* Reads the streams of DIR, which have that many packets at least. All but the oldest of those in
 * memory are the guest's alone, and the last one is still open. */
void rings_read(struct rings *rings, const char *dir);
/* Bytes of a stream that the host has. */
long rings_host_bytes(const struct rings *rings, uint32_t cpu);
/* A packet in memory by its place from the end, 0 the last. */
struct trace_packet *rings_packet(struct rings *rings, uint32_t cpu, uint32_t back);
/* Makes DIR/rings. */
void rings_write(const struct rings *rings, const char *dir);

#endif
