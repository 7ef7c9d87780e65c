/*
 * The ring: how events of one CPU become packets of one stream.
 *
 * Owns the per-CPU trace_ring and the sub-buffers handed to trace_ring_attach(). A sub-buffer is in
 * one of four states, and in no other: free -> open -> closed -> with the host -> free.
 *
 *   free       bit in ring->free
 *   open       at most one, if ring->is_open: packet number opened - 1; events are reserved in it
 *   closed     packets delivered .. : nothing is reserved in them any more, but somebody may still
 *              be filling in what was
 *   with host  bit in ring->with_host: submit() was called, poll() has not named it yet
 *
 * Reserve: `position` is a free-running count of bytes. Packet p occupies positions p * 64 KiB + 96
 * (behind its header) to (p + 1) * 64 KiB, so an event fits where it does not cross a multiple of
 * 64 KiB, and position + bias is its address. The position is read first, then bias and clock, then
 * the position is exchanged if it is still the same. If an interrupt of this CPU emitted or
 * switched packets in between, it is not (no value ever repeats), and all is read anew. Hence the
 * order of stamps is the order of positions, and bias belongs to the position.
 *
 * Commit: until a packet is delivered, two fields of its header are working counters.
 *
 *   emitted       events committed in this packet
 *   content_size  bytes reserved minus bytes committed, modulo 2^64. What is reserved is added when
 *                 the packet is closed; until then it only falls from 0. So it becomes 0 again just
 *                 once: when nothing more can come and the last byte is committed. Whoever brings
 *                 it there, closing or committing, delivers.
 *
 * The id of an event is written when it is committed, and is 0 before. So a host that reads the
 * sub-buffers of a guest that crashed (trace/ingest/recover.c) knows the events that are whole: it
 * walks a packet until an id is 0 or a stamp is older than the packet, which is what a former use
 * of the sub-buffer left.
 *
 * An interrupt may close and complete packets while the event that it interrupted holds an earlier
 * one. Packets are delivered in the order of their numbers: the earlier one takes them along.
 *
 * Nesting: who emits in an interrupt cannot wait for the packet of the event that it interrupted.
 * Therefore everyone else leaves NESTING_RESERVE sub-buffers free. Should an interrupt use up those
 * and all that the host gives back, its events are discarded and counted, in lossless mode too.
 *
 * Locks: none. The fast path relies on single instructions (cpu/local.h) and on not being
 * preempted; all else runs with interrupts off on the owning CPU, or on another while that one is
 * quiesced or stopped.
 *
 * Rejected: interrupts off around each event (five times the price under emulation); a lock per
 * ring (an interrupt would deadlock on it); a stamp read outside the exchange (a nested event would
 * carry a later stamp at an earlier place: not readable as CTF); a fixed cycle of sub-buffers (it
 * would have to wait for the oldest where any will do).
 */
#include "trace/ring.h"

#include "cpu/clock.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "trace/reserve.h"
#include "trace/trace.h"

/*
 * Two hold some 3,000 events: more than handlers that nest should emit. In lossless mode they may
 * emit more, up to subbufs - 1 packets, because they can wait for those that the host has.
 */
#define NESTING_RESERVE 2

#define IDLE_FLUSH_NS  (100 * NSEC_PER_MSEC)
#define DRAIN_LIMIT_NS (10 * NSEC_PER_SEC)

DEFINE_PER_CPU(struct trace_ring, trace_ring);

/* For the host; not static, so that it is found by its name. */
struct trace_rings trace_rings = {
	.magic = TRACE_RINGS_MAGIC,
	.version = TRACE_RINGS_VERSION,
	.subbuf_size = TRACE_SUBBUF_SIZE,
};

/* Both set once by trace_start(), while all CPUs are quiesced. */
static const struct trace_sink *trace_sink;
static enum trace_mode trace_mode;

static struct trace_packet *packet_of(const struct trace_ring *ring, u64 number)
{
	u32 index = ring->subbuf[number % TRACE_MAX_SUBBUFS];

	return (struct trace_packet *)(ring->memory + (size_t)index * TRACE_SUBBUF_SIZE);
}

/* Number of the first packet that is not closed. */
static u64 first_unclosed(const struct trace_ring *ring)
{
	return ring->opened - ring->is_open;
}

/* Bytes of events in the open packet. */
static u64 open_bytes(const struct trace_ring *ring)
{
	u64 start = (ring->opened - 1) * TRACE_SUBBUF_SIZE + sizeof(struct trace_packet);

	return ring->position - start;
}

/* Whether every event so far is committed: false in an interrupt that came in the middle of one. */
static bool all_committed(const struct trace_ring *ring)
{
	if (ring->delivered != first_unclosed(ring))
		return false;
	return !ring->is_open ||
	       packet_of(ring, ring->delivered)->content_size + open_bytes(ring) == 0;
}

/* Takes back what the host is done with; returns whether that was anything. */
static bool reap(struct trace_ring *ring, u32 cpu)
{
	bool any = false;
	int index;

	while ((index = trace_sink->poll(cpu)) >= 0) {
		BUG_ON((u32)index >= ring->subbufs || !(ring->with_host & BIT(index)));
		ring->with_host &= ~BIT(index);
		ring->free |= BIT(index);
		ring->nr_free++;
		any = true;
	}
	return any;
}

/* Submits, in order, the closed packets whose events are all committed. */
static void deliver(struct trace_ring *ring, u32 cpu)
{
	while (ring->delivered != first_unclosed(ring)) {
		struct trace_packet *packet = packet_of(ring, ring->delivered);
		u32 index = ring->subbuf[ring->delivered % TRACE_MAX_SUBBUFS];

		if (packet->content_size != 0)
			return;
		ring->events += packet->emitted;
		packet->emitted = ring->events + packet->events_discarded;
		packet->content_size = packet->packet_size;
		ring->with_host |= BIT(index);
		ring->delivered++;
		trace_sink->submit(cpu, index, packet, packet->packet_size / 8);
	}
}

/* Opens the next packet. One sub-buffer must be free and no packet open. */
static void open_packet(struct trace_ring *ring, u32 cpu)
{
	u32 index = __builtin_ctzll(ring->free);
	u64 number = ring->opened;
	struct trace_packet *packet;

	ring->free &= ~BIT(index);
	ring->nr_free--;
	ring->subbuf[number % TRACE_MAX_SUBBUFS] = index;
	ring->opened++;
	ring->is_open = true;

	packet = packet_of(ring, number);
	*packet = (struct trace_packet){
		.magic = TRACE_MAGIC,
		.uuid = TRACE_UUID,
		.stream_instance_id = cpu,
		.timestamp_begin = clock_ns(),
		.packet_seq_num = number,
		.events_discarded = ring->discarded,
		.cpu_id = cpu,
	};
	ring->bias = (u64)packet - number * TRACE_SUBBUF_SIZE;
	ring->position = number * TRACE_SUBBUF_SIZE + sizeof(*packet);
}

/* Closes the open packet and delivers what is complete. */
static void close_packet(struct trace_ring *ring, u32 cpu)
{
	struct trace_packet *packet = packet_of(ring, ring->opened - 1);
	u64 reserved = open_bytes(ring);

	packet->timestamp_end = clock_ns();
	packet->packet_size = (sizeof(*packet) + reserved) * 8;
	packet->events_discarded = ring->discarded;
	packet->content_size += reserved;
	ring->reported_discarded = ring->discarded;
	ring->position = ring->opened * TRACE_SUBBUF_SIZE;
	ring->is_open = false;
	deliver(ring, cpu);
}

/*
 * Makes sure that a sub-buffer is free, after all packets were closed. In lossless mode waits for
 * the host, however long. Returns false when there is none.
 */
static bool get_free(struct trace_ring *ring, u32 cpu)
{
	u32 keep = all_committed(ring) ? NESTING_RESERVE : 0;
	u64 begin, stalled;

	reap(ring, cpu);
	if (ring->nr_free > keep)
		return true;
	if (trace_mode == TRACE_DISCARD || !ring->with_host)
		return false;

	begin = clock_ns();
	do {
		cpu_relax();
		reap(ring, cpu);
	} while (ring->nr_free <= keep);
	stalled = clock_ns() - begin;
	ring->stalled_ns += stalled;
	ring->untold_stall_ns += stalled;
	return true;
}

/*
 * The open packet, if any, has no room for an event of `total` bytes: switches to the next. Returns
 * true when reserving may be tried again, false when the event is discarded; it is counted then.
 */
static bool make_room(u32 total)
{
	u64 flags = irq_save();
	u32 cpu = cpu_id();
	struct trace_ring *ring = &per_cpu(trace_ring, cpu);
	bool room = true;

	/* An interrupt may have switched since the caller looked. */
	if (!trace_fits(ring->position, total)) {
		if (ring->is_open)
			close_packet(ring, cpu);
		room = get_free(ring, cpu);
		if (room)
			open_packet(ring, cpu);
		else
			trace_rings.cpu[cpu].discarded = ++ring->discarded;
	}
	/* With interrupts still off: it fits into the packet just opened and does not come back
	 * here. */
	if (ring->untold_stall_ns) {
		u64 stalled = ring->untold_stall_ns;

		ring->untold_stall_ns = 0;
		TRACE(trace_stall, .stalled_ns = stalled);
	}
	irq_restore(flags);
	return room;
}

/* Room for any event: when it is asked for, there is none for one of them in the open packet. */
bool trace_make_room(void)
{
	union any_event {
#define EVENT(id, name, doc) struct trace_ev_##name name;
#include "trace/events.def"
	};

	return make_room(sizeof(trace_header_t) + sizeof(union any_event));
}

void *trace_reserve(u32 size)
{
	u32 total = sizeof(trace_header_t) + size;
	void *payload;

	/* Again: interrupts may fill what was just opened. */
	while (!(payload = trace_try_reserve(total)))
		if (!make_room(total))
			return NULL;
	return payload;
}

void trace_deliver_completed(void)
{
	u64 flags = irq_save();
	u32 cpu = cpu_id();

	deliver(&per_cpu(trace_ring, cpu), cpu);
	irq_restore(flags);
}

void trace_commit(void *payload, u32 id, u32 size)
{
	if (unlikely(trace_try_commit(payload, id, sizeof(trace_header_t) + size)))
		trace_deliver_completed();
}

void trace_ring_attach(u32 cpu, void *memory, phys_addr_t phys, u32 subbufs)
{
	struct trace_ring *ring = &per_cpu(trace_ring, cpu);

	BUG_ON(trace_started() || ring->memory);
	BUG_ON(subbufs < TRACE_MIN_SUBBUFS || subbufs > TRACE_MAX_SUBBUFS);
	BUG_ON((u64)memory % TRACE_SUBBUF_SIZE != 0);

	ring->memory = memory;
	ring->subbufs = subbufs;
	ring->nr_free = subbufs;
	ring->free = ~0ull >> (64 - subbufs);
	trace_rings.cpu[cpu].memory = phys;
	trace_rings.cpu[cpu].subbufs = subbufs;
}

void trace_start(const struct trace_sink *sink, enum trace_mode mode)
{
	u64 flags = irq_save();

	BUG_ON(trace_started());
	trace_sink = sink;
	trace_mode = mode;
	for_each_cpu (cpu) {
		struct trace_ring *ring = &per_cpu(trace_ring, cpu);

		BUG_ON(!ring->memory);
		open_packet(ring, cpu);
		close_packet(ring, cpu);
	}
	trace_rings.nr_cpus = nr_cpus;
	irq_restore(flags);
}

bool trace_started(void)
{
	return READ_ONCE(trace_sink) != NULL;
}

/*
 * Closes the open packet when it has something to tell: an event, or that events were discarded.
 * For the latter alone it opens one, if it need not wait for that. In the middle of an event it
 * does nothing: the packet could not be sent, and closing it would use up what is kept for nesting.
 */
static void flush(struct trace_ring *ring, u32 cpu)
{
	bool untold = ring->discarded != ring->reported_discarded;

	if (!all_committed(ring))
		return;
	if (!ring->is_open && untold && ring->nr_free > NESTING_RESERVE)
		open_packet(ring, cpu);
	if (ring->is_open && (untold || open_bytes(ring) > 0))
		close_packet(ring, cpu);
}

void trace_flush(u32 cpu)
{
	u64 flags = irq_save();

	if (trace_started())
		flush(&per_cpu(trace_ring, cpu), cpu);
	irq_restore(flags);
}

void trace_beat(u32 cpu)
{
	struct trace_ring *ring = &per_cpu(trace_ring, cpu);
	u64 flags = irq_save();

	if (trace_started() && all_committed(ring)) {
		reap(ring, cpu);
		if (!ring->is_open && ring->nr_free > NESTING_RESERVE)
			open_packet(ring, cpu);
		if (ring->is_open)
			close_packet(ring, cpu);
	}
	irq_restore(flags);
}

void trace_flush_idle(void)
{
	u32 cpu = cpu_id();
	struct trace_ring *ring = &per_cpu(trace_ring, cpu);
	u64 now = clock_ns();

	if (!trace_started())
		return;
	if (ring->position != ring->idle_position) {
		ring->idle_position = ring->position;
		ring->idle_since = now;
	} else if (now - ring->idle_since >= IDLE_FLUSH_NS) {
		reap(ring, cpu);
		flush(ring, cpu);
	}
}

/* One round of draining a ring. Sets *progress when the host took something; true: more to come. */
static bool drain_step(u32 cpu, bool *progress)
{
	struct trace_ring *ring = &per_cpu(trace_ring, cpu);

	if (reap(ring, cpu))
		*progress = true;
	flush(ring, cpu);
	return ring->with_host != 0;
}

bool trace_drain(void)
{
	u64 flags = irq_save();
	u64 since = clock_ns();
	bool more = trace_started(), complete = true;

	while (more && clock_ns() - since < DRAIN_LIMIT_NS) {
		bool progress = false;

		more = false;
		for_each_cpu (cpu)
			more |= drain_step(cpu, &progress);
		if (progress)
			since = clock_ns();
		cpu_relax();
	}
	for_each_cpu (cpu)
		complete &= all_committed(&per_cpu(trace_ring, cpu));
	irq_restore(flags);
	return complete && !more;
}

struct trace_counts trace_counts(u32 cpu)
{
	u64 flags = irq_save();
	const struct trace_ring *ring = &per_cpu(trace_ring, cpu);
	struct trace_counts counts = {
		.emitted = ring->events + ring->discarded,
		.discarded = ring->discarded,
		.stalled_ns = ring->stalled_ns,
	};

	for (u64 number = ring->delivered; number != ring->opened; number++)
		counts.emitted += packet_of(ring, number)->emitted;
	irq_restore(flags);
	return counts;
}

struct trace_subbufs debug_trace_subbufs(u32 cpu)
{
	const struct trace_ring *ring = &per_cpu(trace_ring, cpu);

	struct trace_subbufs subbufs = {.total = ring->subbufs, .free = ring->nr_free};

	for (u32 i = 0; i < ring->subbufs; i++)
		subbufs.with_host += ring->with_host >> i & 1;
	return subbufs;
}
