/*
 * libFuzzer target: arbitrary bytes as the streams of a session, read, merged, replayed and loaded into a database in memory.
 * Whatever they are, there is no crash and no failing statement, and sanitizers find nothing.
 *
 * An input is the files of CPU 0, 1, ... with SEPARATOR between them. Half of the mutations are followed by a repair that
 * gives packets and events a legal form again, so that not only the reader's checks are tested but also the replay behind them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace/ingest/merge.h"
#include "trace/ingest/replay.h"
#include "trace/ingest/summary.h"
#include "trace/ingest/tables.h"

static const char SEPARATOR[8] = "\nNEXTCPU";
/* One input is a short trace: longer ones find nothing that a short one does not, only slower. */
#define MAX_CPUS 4

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static struct layout *layout;
/* One database for all inputs: making its tables costs more than loading an input. */
static struct db *db;
static struct tables *tables;

static void demand(struct error *error)
{
	if (!error)
		return;
	fprintf(stderr, "%s\n", error->message);
	abort();
}

/* FUZZ_EVENTS names the events.tsv of this build. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *path = getenv("FUZZ_EVENTS");

	(void)argc;
	(void)argv;
	demand(layout_load(&layout, path ? path : "build/ctf/events.tsv"));
	demand(db_create_in_memory(&db));
	tables = tables_new(db, layout);
	return 0;
}

/* Where the stream that begins at `at` ends. */
static const uint8_t *stream_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *found = memmem(at, (size_t)(end - at), SEPARATOR, sizeof(SEPARATOR));

	return found ? found : end;
}

static void open_stream(struct stream *stream, const uint8_t *bytes, size_t size, uint32_t cpu)
{
	char path[32];
	int fd = memfd_create("stream", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	demand(stream_open(stream, path, cpu, layout));
	close(fd);
}

static void open_streams(struct merge *merge, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	while (merge->nr_streams < MAX_CPUS) {
		const uint8_t *stop = stream_end(data, end);

		open_stream(&merge->streams[merge->nr_streams], data, (size_t)(stop - data),
			    merge->nr_streams);
		merge->nr_streams++;
		if (stop == end)
			break;
		data = stop + sizeof(SEPARATOR);
	}
	merge_start(merge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct merge merge = {0};
	struct summary summary = {0};
	struct model *model = replay_new(db, layout);
	struct event event;

	open_streams(&merge, data, size);
	while (merge_next(&merge, &event)) {
		summary_event(&summary, &event);
		tables_insert(tables, &event);
		replay_event(model, &event, merge_loss_t(&merge));
	}
	replay_end(model);
	summary_write(&summary, db, &merge, tables, model);
	tables_flush(tables);
	demand(db_rewind(db));
	memset(tables->count, 0, sizeof(tables->count));
	replay_free(model);
	merge_close(&merge);
	return 0;
}

/* ---- mutation ---- */

/* Gives the events of a packet known ids and ascending stamps; returns the offset behind the last, and their number. */
static size_t repair_events(uint8_t *packet, size_t size, uint64_t begin, uint64_t *stamp,
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

/* Makes packets of a stream's bytes; what does not fill one any more stays as it is. */
static void repair_stream(uint8_t *bytes, size_t size, uint32_t cpu)
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
		length = repair_events(bytes + at, length, packet.timestamp_begin, &stamp, &count);
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

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	uint8_t *at = data, *end;

	size = LLVMFuzzerMutate(data, size, max_size);
	end = data + size;
	if (seed % 2 == 0)
		return size;
	for (uint32_t cpu = 0; cpu < MAX_CPUS; cpu++) {
		uint8_t *stop = at + (stream_end(at, end) - at);

		repair_stream(at, (size_t)(stop - at), cpu);
		if (stop == end)
			break;
		at = stop + sizeof(SEPARATOR);
	}
	return size;
}
