/*
 * The fast path of the ring: reserving and committing an event in the open packet of this CPU. It is
 * a header because emit.h inlines it; nobody else includes it. See ring.c for the protocol.
 */
#ifndef TRACE_RESERVE_H
#define TRACE_RESERVE_H

#include "cpu/clock.h"
#include "cpu/local.h"
#include "cpu/percpu.h"
#include "trace/ring.h"
#include "trace/trace_abi.h"

/* Changed with interrupts off; `position` also by try_reserve(). The head says by which CPU. */
struct trace_ring {
	u64 position; /* where the next event goes, as a count of bytes */
	u64 bias;     /* position + bias is its address */

	u8 *memory;    /* subbufs * TRACE_SUBBUF_SIZE bytes; NULL until attached */
	u32 subbufs;   /* sub-buffers in it */
	u32 nr_free;   /* bits set in `free` */
	u64 free;      /* bit n: sub-buffer n is free */
	u64 with_host; /* bit n: sub-buffer n is submitted and not yet returned */

	bool is_open;                 /* packet opened - 1 is open */
	u64 opened;                   /* packets opened so far: number of the next one */
	u64 delivered;                /* packets submitted so far */
	u8 subbuf[TRACE_MAX_SUBBUFS]; /* at n % TRACE_MAX_SUBBUFS: of the undelivered packet n */

	u64 events;             /* events in all delivered packets */
	u64 discarded;          /* events dropped so far */
	u64 reported_discarded; /* thereof, told in a closed packet */
	u64 stalled_ns;         /* time spent waiting for the host */
	u64 untold_stall_ns;    /* thereof, not yet in a trace_stall event */

	u64 idle_position; /* position when trace_flush_idle() last saw it move */
	u64 idle_since;    /* clock at that time */
};

DECLARE_PER_CPU(struct trace_ring, trace_ring);

/*
 * Whether an event of `total` bytes at `position` stays inside the open packet. A position on a
 * multiple of 64 KiB is the end of a full packet, not the beginning of one, and is also what stands
 * there while no packet is open.
 */
static inline bool trace_fits(u64 position, u32 total)
{
	return (u16)(position - 1) < TRACE_SUBBUF_SIZE - total;
}

static_assert(TRACE_SUBBUF_SIZE == 1ul << 16, "trace_fits() takes 16 bits of the position");

/* An event's header: the id in the low 16 bits, the stamp above. */
union trace_header_parts {
	trace_header_t header;
	u16 id; /* the low half: the machine is little-endian */
};

static_assert(TRACE_TIMESTAMP_BITS == 48, "tsc_to_ns_16() leaves room for the id");

/* Reserves `total` bytes in the open packet and stamps the event; NULL without room. */
static inline void *trace_try_reserve(u32 total)
{
	u64 position = this_cpu_read(trace_ring.position);
	union trace_header_parts *header;
	u64 stamp;

	do {
		if (unlikely(!trace_fits(position, total)))
			return NULL;
		/* Bias and clock are read after the position: see the head of ring.c. */
		barrier();
		header = (void *)(position + this_cpu_read(trace_ring.bias));
		stamp = rdtsc();
	} while (unlikely(!this_cpu_try_cmpxchg(trace_ring.position, &position, position + total)));

	header->header = tsc_to_ns_16(stamp) & ~0xfffful;
	return header + 1;
}

/* Names the event, which makes it whole, and counts it as committed. Returns whether it was the last one of a closed packet, which is
 * to be delivered then. */
static inline bool trace_try_commit(void *payload, u32 id, u32 total)
{
	struct trace_packet *packet = (void *)ALIGN_DOWN((u64)payload, TRACE_SUBBUF_SIZE);

	barrier();
	((union trace_header_parts *)payload)[-1].id = id;
	/* The event is counted before its bytes: when those are complete, so is the count. */
	local_inc(&packet->emitted);
	return local_sub_and_test(&packet->content_size, total);
}

/* All registers but that of the result: see emit.h. A compiler that may use vector registers (the
 * unit tests') cannot save them all. */
#ifdef __SSE__
#define __keeps_registers
#else
#define __keeps_registers __attribute__((no_caller_saved_registers))
#endif

/* The open packet, if any, has no room for the event that is to be emitted: switches to the next.
 * false when the event is discarded; it is counted then. */
bool trace_make_room(void) __keeps_registers;

/* Delivers what is closed and committed; an interrupt may already have done it. */
void trace_deliver_completed(void) __keeps_registers;

#endif
