/* The per-CPU ring behind TRACE(), its sink, and the states of tracing. See ring.c for the
 * protocol. */
#ifndef TRACE_RING_H
#define TRACE_RING_H

#include "lib/types.h"

/*
 * Where full sub-buffers go. The ring calls it with interrupts off on the CPU that owns the ring
 * (or, after a panic and in a quiesce, on the one that acts for it). It emits nothing and takes no
 * lock that is held while something emits.
 */
struct trace_sink {
	/*
	 * Hands `length` bytes at `data` (direct map) to the host, which gets them in the order of
	 * the calls. The ring does not touch them until poll() names the index. Cannot fail: no
	 * more sub-buffers are under way than were attached.
	 */
	void (*submit)(u32 cpu, u32 index, const void *data, u32 length);
	/* Index of a sub-buffer that the host has taken, each just once, or -1. */
	int (*poll)(u32 cpu);
};

enum trace_mode { TRACE_LOSSLESS, TRACE_DISCARD };

#define TRACE_MIN_SUBBUFS 4
#define TRACE_MAX_SUBBUFS 64

/*
 * Gives a CPU its ring memory: subbufs * TRACE_SUBBUF_SIZE bytes of zeroes, physically contiguous
 * from `phys`, in the direct map, aligned to TRACE_SUBBUF_SIZE. Every CPU below nr_cpus needs it
 * before trace_start().
 */
void trace_ring_attach(u32 cpu, void *memory, phys_addr_t phys, u32 subbufs);

/*
 * Opens all streams: emits the empty packet 0 of every CPU, after which events may be switched on.
 * Once; all CPUs are quiesced.
 */
void trace_start(const struct trace_sink *sink, enum trace_mode mode);
bool trace_started(void);

/*
 * Switches all events, or the one of that name, on or off; on only after trace_start(). A name that
 * does not exist returns -ENOENT.
 */
void trace_enable_all(bool on);
int trace_enable(const char *name, bool on);

/*
 * Closes the open sub-buffer of one CPU (if it holds an event, or if events were discarded since
 * the last one) and hands it over. Does not wait; does nothing in an interrupt that came in the
 * middle of an event. Own CPU, or all quiesced.
 */
void trace_flush(u32 cpu);

/*
 * The same, and a CPU that has nothing to flush sends an empty packet: its end tells who reads along that up to now nothing
 * is missing. Skipped when the host is so far behind that a sub-buffer would have to be waited for. Own CPU, or all quiesced.
 */
void trace_beat(u32 cpu);

/*
 * Flushes this CPU's open sub-buffer if nothing was emitted in it for 100 ms; the tick and the idle
 * loop call it. Interrupts off.
 */
void trace_flush_idle(void);

/*
 * Flushes every CPU and waits until the host has taken everything. All CPUs quiesced or stopped.
 * Returns false when the host takes nothing for 10 s, or when a CPU was stopped (by a panic) in the
 * middle of an event: that packet cannot be sent.
 */
bool trace_drain(void);

/*
 * Events emitted (discarded ones included) and discarded so far on a CPU, and ns spent waiting for
 * the host. Exact on the own CPU and when quiesced.
 */
struct trace_counts {
	u64 emitted, discarded, stalled_ns;
};
struct trace_counts trace_counts(u32 cpu);

/* Sub-buffers of a CPU: 0 until attached. Neither free nor with the host: being filled, or full and not
 * yet submitted. Racy for another CPU's, unless quiesced. */
struct trace_subbufs {
	u32 total, free, with_host;
};
struct trace_subbufs debug_trace_subbufs(u32 cpu);

/* How many events are on, and a visit of those that are off. */
u32 debug_trace_nr_on(void);
void debug_trace_for_each_off(void (*visit)(const char *event));

#endif
