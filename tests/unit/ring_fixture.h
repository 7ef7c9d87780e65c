/*
 * A ring with a host that a test controls: the sink keeps what it is given, and gives sub-buffers
 * back when and in which order the test says. What arrived is then read as the reader of
 * trace/trace_abi.h would, every rule of the format asserted.
 *
 * The tests emit three events of different size whose first field is a serial number, by emit(): it
 * is evaluated between reserve and commit, and an interrupt may come there.
 */
#ifndef RING_FIXTURE_H
#define RING_FIXTURE_H

#include "unit.h"

#include "machine.h"
#include "trace/ring.h"
#include "trace/trace.h"

#define FIXTURE_MAX_CPUS 2

struct host {
	bool stopped;      /* takes nothing */
	u32 polls_to_wait; /* polls that find nothing before each sub-buffer that comes back */
	bool any_order;    /* gives sub-buffers back in random order */
	u32 polls;         /* since the last one that came back */
};

/* What the packets of one stream say. */
struct stream {
	u64 packets, events, stalls, stalled_ns;
	u64 discarded, emitted; /* of the last packet */
	u64 last_begin, last_bits;
};

extern struct host host;

/* Events that emit() was asked for on each CPU, the discarded ones included. */
extern u64 attempted[FIXTURE_MAX_CPUS];

/* A new machine of `cpus` CPUs with `subbufs` sub-buffers each; tracing started, all events on. */
void fixture_start(u32 cpus, u32 subbufs, enum trace_mode mode);

/* The same before trace_start(). */
void fixture_reset(u32 cpus);
const struct trace_sink *fixture_sink(void);

/* Memory of a CPU's ring, for attaching by hand. */
void *fixture_memory(u32 cpu);

enum emit_size { EMIT_16, EMIT_24, EMIT_48 };

/* Emits one event of that many bytes on the current CPU. */
void emit(enum emit_size size);
void emit_many(enum emit_size size, u32 n);

/* Bytes free in the open packet of the current CPU; 0 when none is open. */
u32 room_left(void);

/* Reads all that arrived from a CPU and asserts that it is well formed. */
struct stream check_stream(u32 cpu);

/* Drains and asserts that nothing is missing, repeated, or counted wrongly on any CPU. */
void check_all_arrived(void);

#endif
