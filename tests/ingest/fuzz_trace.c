#include "tests/ingest/fuzz_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/ingest/replay.h"
#include "trace/ingest/summary.h"
#include "trace/ingest/tables.h"

static struct layout *layout;
/* One database for all inputs: making its tables costs more than loading an input. */
static struct db *db;
static struct tables *tables;

void fuzz_demand(struct error *error)
{
	if (!error)
		return;
	fprintf(stderr, "%s\n", error->message);
	abort();
}

struct layout *fuzz_start(void)
{
	const char *path = getenv("FUZZ_EVENTS");

	fuzz_demand(layout_load(&layout, path ? path : "build/ctf/events.tsv"));
	fuzz_demand(db_create_in_memory(&db));
	tables = tables_new(db, layout);
	return layout;
}

const uint8_t *fuzz_part_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *found = memmem(at, (size_t)(end - at), FUZZ_SEPARATOR, FUZZ_SEPARATOR_SIZE);

	return found ? found : end;
}

void fuzz_load(struct merge *merge)
{
	struct model *model = replay_new(db, layout, 64);
	struct summary summary = {0};
	struct event event;

	merge_start(merge);
	while (merge_next(merge, &event)) {
		summary_event(&summary, &event);
		tables_insert(tables, &event);
		replay_event(model, &event, merge_loss_t(merge));
	}
	replay_end(model);
	summary_write(&summary, db, merge, tables, model);
	fuzz_demand(db_rewind(db));
	memset(tables->count, 0, sizeof(tables->count));
	replay_free(model);
	merge_close(merge);
}

/* ---- mutation ---- */

size_t fuzz_repair_events(uint8_t *packet, size_t size, uint64_t begin, uint64_t *stamp,
			  uint64_t *count)
{
	size_t at = sizeof(struct trace_packet);

	*stamp = begin;
	for (*count = 0; at + 8 <= size; ++*count) {
		uint64_t header, t;
		uint16_t id;

		memcpy(&header, packet + at, sizeof(header));
		id = header & 0xffff;
		while (id >= TRACE_ID_LIMIT || layout->size[id] < 0)
			id = (uint16_t)((id + 1) % TRACE_ID_LIMIT);
		if (at + 8 + (size_t)layout->size[id] > size)
			break;
		t = header >> 16;
		if (t < *stamp || t > *stamp + (1u << 20))
			t = *stamp + (t & 0xff);
		*stamp = t;
		header = t << 16 | id;
		memcpy(packet + at, &header, sizeof(header));
		at += 8 + (size_t)layout->size[id];
	}
	return at;
}

void fuzz_repair_stream(uint8_t *bytes, size_t size, uint32_t cpu)
{
	static const uint8_t uuid[16] = TRACE_UUID;
	uint64_t seq = 0, stamp = 0, received = 0, count;
	size_t at = 0;

	while (at + sizeof(struct trace_packet) <= size) {
		struct trace_packet packet;
		size_t length;

		memcpy(&packet, bytes + at, sizeof(packet));
		length = packet.content_size / 8 % TRACE_SUBBUF_SIZE;
		if (seq == 0 || length < sizeof(packet))
			length = sizeof(packet);
		if (length > size - at)
			length = size - at;
		if (packet.timestamp_begin < stamp ||
		    packet.timestamp_begin > stamp + (UINT64_C(1) << 32))
			packet.timestamp_begin = stamp;
		length = fuzz_repair_events(bytes + at, length, packet.timestamp_begin, &stamp,
					    &count);
		received += count;
		packet = (struct trace_packet){.magic = TRACE_MAGIC,
					       .stream_instance_id = cpu,
					       .timestamp_begin = packet.timestamp_begin,
					       .timestamp_end = stamp,
					       .content_size = length * 8,
					       .packet_size = length * 8,
					       .packet_seq_num = seq++,
					       .emitted = received,
					       .cpu_id = cpu};
		memcpy(packet.uuid, uuid, sizeof(uuid));
		memcpy(bytes + at, &packet, sizeof(packet));
		at += length;
	}
}
