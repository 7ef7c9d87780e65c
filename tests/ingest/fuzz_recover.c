/*
 * libFuzzer target: arbitrary bytes as what a guest left in memory when it crashed, and as the streams that the host has. Whatever
 * they are: sanitizers find nothing; what the host had is still there; what was appended reads without damage and loads; a second
 * run changes nothing and says the same.
 *
 * An input is, with FUZZ_SEPARATOR between: the descriptor; and of each of NR_CPUS its stream and SUBBUFS sub-buffers, of which the
 * rest is zero. Three of four mutations get a possible descriptor again, and half get streams and packets with a legal form.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ingest/fuzz_trace.h"
#include "trace/ingest/recover.h"

#define NR_CPUS 2
#define SUBBUFS 4

static struct layout *layout;
/* Holds a session: FUZZ_SCRATCH, best in memory. */
static const char *scratch;

struct part {
	const uint8_t *bytes;
	size_t size;
};

struct input {
	struct part descriptor;
	struct {
		struct part stream, subbufs[SUBBUFS];
	} cpu[NR_CPUS];
};

/* How a stream reads. */
struct reading {
	bool damaged;
	uint64_t whole, trimmed; /* bytes of whole packets, and of a begun one */
	uint64_t received;
};

static void die(const char *what)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, strerror(errno));
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const directories[] = {"ctf", "rings"};

	(void)argc;
	(void)argv;
	scratch = getenv("FUZZ_SCRATCH");
	if (!scratch)
		die("FUZZ_SCRATCH is not set");
	for (size_t i = 0; i < 2; i++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/%s", scratch, directories[i]);
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			die(path);
	}
	layout = fuzz_start();
	return 0;
}

static struct part next_part(struct part *rest)
{
	const uint8_t *end = rest->bytes + rest->size;
	const uint8_t *stop = fuzz_part_end(rest->bytes, end);
	struct part part = {rest->bytes, (size_t)(stop - rest->bytes)};

	if (stop != end)
		stop += FUZZ_SEPARATOR_SIZE;
	*rest = (struct part){stop, (size_t)(end - stop)};
	return part;
}

static struct input parse(const uint8_t *data, size_t size)
{
	struct part rest = {data, size};
	struct input input;

	input.descriptor = next_part(&rest);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		input.cpu[cpu].stream = next_part(&rest);
		for (uint32_t i = 0; i < SUBBUFS; i++)
			input.cpu[cpu].subbufs[i] = next_part(&rest);
	}
	return input;
}

/* ---- the session ---- */

static void path_of(char path[300], const char *directory, uint32_t cpu)
{
	snprintf(path, 300, "%s/%s/cpu%u", scratch, directory, cpu);
}

/* Parts at multiples of `step`, and a size; what is in no part is zero. */
static void write_file(const char *path, const struct part *parts, size_t nr, size_t step,
		       size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		die(path);
	for (size_t i = 0; i < nr; i++) {
		size_t length = parts[i].size < step ? parts[i].size : step;

		if (pwrite(fd, parts[i].bytes, length, (off_t)(i * step)) != (ssize_t)length)
			die(path);
	}
	close(fd);
}

static void write_session(const struct input *input)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/rings/descriptor", scratch);
	write_file(path, &input->descriptor, 1, SIZE_MAX, input->descriptor.size);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		path_of(path, "ctf", cpu);
		write_file(path, &input->cpu[cpu].stream, 1, SIZE_MAX, input->cpu[cpu].stream.size);
		path_of(path, "rings", cpu);
		write_file(path, input->cpu[cpu].subbufs, SUBBUFS, TRACE_SUBBUF_SIZE,
			   SUBBUFS * TRACE_SUBBUF_SIZE);
	}
}

/* ---- what must hold ---- */

static struct reading read_stream(uint32_t cpu)
{
	struct reading reading;
	struct stream stream;
	struct event event;
	char path[300];

	path_of(path, "ctf", cpu);
	fuzz_demand(stream_open(&stream, path, cpu, layout));
	while (stream_next(&stream, &event))
		;
	reading = (struct reading){.damaged = stream.damage != NULL,
				   .whole = stream.next_offset,
				   .trimmed = stream.trimmed_bytes,
				   .received = stream.received};
	stream_close(&stream);
	return reading;
}

#define MUST(condition)                                                     \
	do {                                                                \
		if (!(condition)) {                                         \
			fprintf(stderr, "does not hold: %s\n", #condition); \
			abort();                                            \
		}                                                           \
	} while (0)

/* The first bytes of a stream are those that the host had. */
static void check_kept(uint32_t cpu, struct part had, uint64_t whole)
{
	static uint8_t bytes[1 << 20];
	char path[300];
	ssize_t got;
	int fd;

	path_of(path, "ctf", cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = read(fd, bytes, sizeof(bytes));
	close(fd);
	MUST(got >= (ssize_t)whole && memcmp(bytes, had.bytes, whole) == 0);
}

/* refused: the descriptor was no good. */
static void check_stream(const struct recovered_stream *stream, const struct reading *before,
			 uint32_t cpu, struct part had, bool refused)
{
	struct reading after = read_stream(cpu);

	MUST(after.damaged == before->damaged);
	MUST(!refused || stream->nr_packets == 0);
	refused |= stream->error != NULL;
	MUST(!after.damaged || refused);
	MUST(after.received == before->received + stream->nr_events);
	MUST(stream->nr_packets ||
	     (after.whole == before->whole && after.trimmed == before->trimmed));
	if (!refused)
		MUST(after.trimmed == 0 && stream->size == after.whole);
	check_kept(cpu, had, before->whole);
}

static void check_again(const struct recovered *first)
{
	struct recovered again;

	fuzz_demand(recover_session(&again, scratch, layout));
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		MUST(again.cpu[cpu].nr_packets == 0);
		MUST(!again.cpu[cpu].error == !first->cpu[cpu].error);
		MUST(again.cpu[cpu].error || again.cpu[cpu].size == first->cpu[cpu].size);
	}
	recovered_free(&again);
}

static void load_streams(void)
{
	struct merge merge = {.nr_streams = NR_CPUS};
	char path[300];

	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		path_of(path, "ctf", cpu);
		fuzz_demand(stream_open(&merge.streams[cpu], path, cpu, layout));
	}
	fuzz_load(&merge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = parse(data, size);
	struct reading before[NR_CPUS];
	struct recovered recovered;
	struct error *error;

	write_session(&input);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++)
		before[cpu] = read_stream(cpu);
	error = recover_session(&recovered, scratch, layout);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++)
		check_stream(&recovered.cpu[cpu], &before[cpu], cpu, input.cpu[cpu].stream,
			     error != NULL);
	if (!error)
		check_again(&recovered);
	/* What the host had alone is the other fuzzer's. */
	if (recovered.cpu[0].nr_packets || recovered.cpu[1].nr_packets)
		load_streams();
	error_free(error);
	recovered_free(&recovered);
	return 0;
}

/* ---- mutation ---- */

/* One of eight counts nearly 2^64 events: mutation alone seldom hits those bytes. */
static void repair_descriptor(struct part part, unsigned int seed)
{
	struct trace_rings *rings = (struct trace_rings *)(uintptr_t)part.bytes;
	struct trace_rings copy;

	if (part.size != sizeof(copy))
		return;
	memcpy(&copy, rings, sizeof(copy));
	copy.magic = TRACE_RINGS_MAGIC;
	copy.version = TRACE_RINGS_VERSION;
	copy.subbuf_size = TRACE_SUBBUF_SIZE;
	copy.nr_cpus = NR_CPUS;
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++)
		copy.cpu[cpu].subbufs = SUBBUFS;
	if (seed % 8 == 1)
		copy.cpu[seed >> 8 & 1].discarded = -(uint64_t)(seed >> 9 & 0xff);
	memcpy(rings, &copy, sizeof(copy));
}

/* Packet `seq` of the CPU, whose events are stamped from *stamp on. Every fourth stays open, with what its counters say. */
static void repair_subbuf(struct part part, uint32_t cpu, uint64_t seq, uint64_t *stamp, bool open)
{
	static const uint8_t uuid[16] = TRACE_UUID;
	uint8_t *bytes = (uint8_t *)(uintptr_t)part.bytes;
	struct trace_packet packet;
	uint64_t count;
	size_t length;

	if (part.size < sizeof(packet) || part.size > TRACE_SUBBUF_SIZE)
		return;
	memcpy(&packet, bytes, sizeof(packet));
	packet.magic = TRACE_MAGIC;
	memcpy(packet.uuid, uuid, sizeof(uuid));
	packet.stream_id = packet.pad = 0;
	packet.stream_instance_id = packet.cpu_id = cpu;
	packet.packet_seq_num = seq;
	if (packet.timestamp_begin < *stamp || packet.timestamp_begin > *stamp + (1u << 30))
		packet.timestamp_begin = *stamp;
	if (!open) {
		length =
			fuzz_repair_events(bytes, part.size, packet.timestamp_begin, stamp, &count);
		packet.content_size = packet.packet_size = length * 8;
		packet.timestamp_end = *stamp;
		packet.events_discarded %= 16;
	}
	memcpy(bytes, &packet, sizeof(packet));
}

/* What the stream needs next, and where its time is. */
static uint64_t next_of_stream(struct part stream, uint64_t *stamp)
{
	uint64_t seq = 0;

	for (size_t at = 0; at + sizeof(struct trace_packet) <= stream.size; seq++) {
		struct trace_packet packet;

		memcpy(&packet, stream.bytes + at, sizeof(packet));
		if (packet.packet_size / 8 < sizeof(packet) ||
		    packet.packet_size / 8 > stream.size - at)
			break;
		*stamp = packet.timestamp_end;
		at += packet.packet_size / 8;
	}
	return seq;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct input input;

	size = LLVMFuzzerMutate(data, size, max_size);
	input = parse(data, size);
	if (seed % 4)
		repair_descriptor(input.descriptor, seed);
	for (uint32_t cpu = 0; cpu < NR_CPUS && seed % 2; cpu++) {
		struct part stream = input.cpu[cpu].stream;
		uint64_t stamp = 0, seq;

		fuzz_repair_stream((uint8_t *)(uintptr_t)stream.bytes, stream.size, cpu);
		seq = next_of_stream(stream, &stamp);
		for (uint32_t i = 0; i < SUBBUFS; i++)
			if (seed >> (4 + i) & 3)
				repair_subbuf(input.cpu[cpu].subbufs[i], cpu, seq + i, &stamp,
					      (seed >> 12 & 3) == i);
	}
	return size;
}
