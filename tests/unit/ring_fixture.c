#include "ring_fixture.h"

/* The file itself, not its object: the tests need it in its first state again and again. */
#include "trace/ring.c"

#define MAX_STREAM  (256 * TRACE_SUBBUF_SIZE)
#define MAX_SERIALS (1u << 20)

struct host host;
u64 attempted[FIXTURE_MAX_CPUS];

static u8
	memory[FIXTURE_MAX_CPUS][TRACE_MAX_SUBBUFS][TRACE_SUBBUF_SIZE] __aligned(TRACE_SUBBUF_SIZE);

/* What arrived from each CPU, and the sub-buffers the host still has: in `pending`, oldest first.
 */
static struct inbox {
	u8 bytes[MAX_STREAM];
	u32 length;
	u32 nr_pending;
	struct {
		u32 index, offset, length;
	} pending[TRACE_MAX_SUBBUFS];
} inbox[FIXTURE_MAX_CPUS];

static u8 seen[MAX_SERIALS];
static u64 serials;
static uint64_t host_seed;

static void sink_submit(u32 cpu, u32 index, const void *data, u32 length)
{
	struct inbox *in = &inbox[cpu];

	assert_false(irqs_enabled());
	assert_ptr_equal(data, memory[cpu][index]);
	assert_true(length <= TRACE_SUBBUF_SIZE && in->length + length <= MAX_STREAM);
	for (u32 i = 0; i < in->nr_pending; i++)
		assert_int_not_equal(in->pending[i].index, index);

	in->pending[in->nr_pending].index = index;
	in->pending[in->nr_pending].offset = in->length;
	in->pending[in->nr_pending].length = length;
	in->nr_pending++;
	memcpy(in->bytes + in->length, data, length);
	in->length += length;
}

static int sink_poll(u32 cpu)
{
	struct inbox *in = &inbox[cpu];
	u32 which = 0, index;

	assert_false(irqs_enabled());
	if (host.stopped || !in->nr_pending || host.polls++ < host.polls_to_wait)
		return -1;
	host.polls = 0;
	if (host.any_order)
		which = unit_random(&host_seed) % in->nr_pending;
	index = in->pending[which].index;

	/* Nobody wrote into it while the host had it. */
	assert_memory_equal(memory[cpu][index], in->bytes + in->pending[which].offset,
			    in->pending[which].length);
	memset(memory[cpu][index], 0xa5, TRACE_SUBBUF_SIZE);
	in->nr_pending--;
	memmove(&in->pending[which], &in->pending[which + 1],
		(in->nr_pending - which) * sizeof(in->pending[0]));
	return index;
}

static const struct trace_sink sink = {sink_submit, sink_poll};

const struct trace_sink *fixture_sink(void)
{
	return &sink;
}

void *fixture_memory(u32 cpu)
{
	return memory[cpu];
}

void fixture_reset(u32 cpus)
{
	machine_reset(cpus);
	trace_sink = NULL;
	memset(trace_enabled, 0, sizeof(trace_enabled));
	memset(memory, 0xa5, sizeof(memory));
	memset(seen, 0, serials);
	memset(attempted, 0, sizeof(attempted));
	for (u32 cpu = 0; cpu < FIXTURE_MAX_CPUS; cpu++)
		inbox[cpu].length = inbox[cpu].nr_pending = 0;
	host = (struct host){0};
	serials = 0;
	host_seed = 7;
}

void fixture_start(u32 cpus, u32 subbufs, enum trace_mode mode)
{
	fixture_reset(cpus);
	for (u32 cpu = 0; cpu < cpus; cpu++)
		trace_ring_attach(cpu, memory[cpu], 0, subbufs);
	trace_start(&sink, mode);
	trace_enable_all(true);
}

/* The number of an event, told between its reserve and its commit. */
static u64 tell(u64 serial)
{
	machine_interrupt_point();
	return serial;
}

void emit(enum emit_size size)
{
	u64 serial = serials++;

	assert_true(serial < MAX_SERIALS);
	attempted[cpu_id()]++;
	switch (size) {
	case EMIT_16:
		TRACE(trace_barrier, .n = tell(serial));
		break;
	case EMIT_24:
		TRACE(vmstat, .value = tell(serial), .item = ~serial);
		break;
	case EMIT_48:
		TRACE(session_begin, .tsc_hz = tell(serial), .nr_cpus = ~serial, .nr_frames = 2,
		      .max_pfn = 3, .nr_slots = 4, .watermark_min = 5, .watermark_low = 6,
		      .watermark_high = 7, .lossless = 8);
		break;
	}
}

void emit_many(enum emit_size size, u32 n)
{
	while (n--)
		emit(size);
}

u32 room_left(void)
{
	return -this_cpu(trace_ring).position % TRACE_SUBBUF_SIZE;
}

static u32 payload_size(u32 id)
{
	switch (id) {
#define EVENT(id, name, doc) \
	case id:             \
		return sizeof(struct trace_ev_##name);
#include "trace/events.def"
	}
	fail_msg("event id %u does not exist", id);
	return 0;
}

static void check_payload(u32 id, const u8 *payload, struct stream *stream)
{
	struct trace_ev_vmstat value; /* the other two begin alike */
	struct trace_ev_trace_stall stall;

	if (id == TRACE_ID_trace_stall) {
		memcpy(&stall, payload, sizeof(stall));
		stream->stalls++;
		stream->stalled_ns += stall.stalled_ns;
		return;
	}
	memcpy(&value, payload, payload_size(id) < sizeof(value) ? 8 : sizeof(value));
	assert_true(value.value < serials);
	assert_false(seen[value.value]);
	seen[value.value] = 1;
	if (id == TRACE_ID_vmstat || id == TRACE_ID_session_begin)
		assert_int_equal(value.item, (u32)~value.value);
	else
		assert_int_equal(id, TRACE_ID_trace_barrier);
	stream->events++;
}

/* The events between the header and the end of one packet. */
static void check_events(const struct trace_packet *packet, const u8 *data, struct stream *stream)
{
	u64 last = packet->timestamp_begin;
	u32 offset = sizeof(*packet);

	while (offset < packet->content_size / 8) {
		trace_header_t header;
		u32 id;

		memcpy(&header, data + offset, sizeof(header));
		id = header & 0xffff;
		assert_true(header >> 16 >= last);
		last = header >> 16;
		check_payload(id, data + offset + sizeof(header), stream);
		offset += sizeof(header) + payload_size(id);
	}
	assert_int_equal(offset, packet->content_size / 8);
	assert_true(last <= packet->timestamp_end);
}

struct stream check_stream(u32 cpu)
{
	static const u8 uuid[16] = TRACE_UUID;
	struct stream stream = {0};
	u64 last_end = 0;
	u32 offset = 0;

	memset(seen, 0, serials);
	while (offset < inbox[cpu].length) {
		struct trace_packet packet;

		assert_true(inbox[cpu].length - offset >= sizeof(packet));
		memcpy(&packet, inbox[cpu].bytes + offset, sizeof(packet));
		assert_int_equal(packet.magic, TRACE_MAGIC);
		assert_memory_equal(packet.uuid, uuid, sizeof(uuid));
		assert_int_equal(packet.stream_id, 0);
		assert_int_equal(packet.stream_instance_id, cpu);
		assert_int_equal(packet.cpu_id, cpu);
		assert_int_equal(packet.pad, 0);
		assert_int_equal(packet.packet_seq_num, stream.packets);
		assert_int_equal(packet.packet_size, packet.content_size);
		assert_true(packet.timestamp_begin >= last_end);
		assert_true(packet.events_discarded >= stream.discarded);
		check_events(&packet, inbox[cpu].bytes + offset, &stream);
		assert_int_equal(packet.emitted,
				 stream.events + stream.stalls + packet.events_discarded);

		stream.packets++;
		stream.discarded = packet.events_discarded;
		stream.emitted = packet.emitted;
		stream.last_begin = packet.timestamp_begin;
		stream.last_bits = packet.content_size;
		last_end = packet.timestamp_end;
		offset += packet.packet_size / 8;
	}
	assert_int_equal(offset, inbox[cpu].length);
	return stream;
}

void check_all_arrived(void)
{
	host.stopped = false;
	machine.interrupt = NULL;
	assert_true(trace_drain());
	assert_true(irqs_enabled());
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		struct stream stream = check_stream(cpu);
		struct trace_counts counts = trace_counts(cpu);

		assert_int_equal(inbox[cpu].nr_pending, 0);
		assert_int_equal(stream.events + stream.discarded, attempted[cpu]);
		assert_int_equal(stream.emitted, attempted[cpu] + stream.stalls);
		assert_int_equal(stream.emitted, counts.emitted);
		assert_int_equal(stream.discarded, counts.discarded);
		assert_int_equal(stream.stalled_ns, counts.stalled_ns);
	}
}
