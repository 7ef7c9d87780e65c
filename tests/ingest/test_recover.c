/*
 * Recovery of what lay in guest memory. What the host has afterwards is the whole stream, byte for
 * byte, up to what the guest spoilt; a second run changes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"
#include "tests/ingest/rings.h"
#include "trace/gen/event_info.h"

static struct writer w;
static struct guest g;
static struct rings good, spoilt;
/* The streams as they would have become. */
static char *whole[RINGS_CPUS];
static long whole_size[RINGS_CPUS];

static char *read_stream(const char *dir, uint32_t cpu, long *size)
{
	char name[16], *bytes;
	FILE *file;

	snprintf(name, sizeof(name), "ctf/cpu%u", cpu);
	file = open_in(dir, name, "r");
	fseek(file, 0, SEEK_END);
	*size = ftell(file);
	rewind(file);
	bytes = malloc((size_t)*size + 1);
	if (!bytes || fread(bytes, 1, (size_t)*size, file) != (size_t)*size)
		die("%s: %s", name, strerror(errno));
	fclose(file);
	return bytes;
}

/* What the host has: the first bytes of a stream. */
static void write_stream(const char *dir, uint32_t cpu, long size)
{
	char name[16];
	FILE *file;

	snprintf(name, sizeof(name), "ctf/cpu%u", cpu);
	file = open_in(dir, name, "w");
	if (fwrite(whole[cpu], 1, (size_t)size, file) != (size_t)size || fclose(file) != 0)
		die("%s: %s", name, strerror(errno));
}

/* A session whose guest stopped before it sent the last packets. Early on it counted events that
 * are not there. */
static void crash_miscounted(const char *dir, uint64_t miscounted)
{
	writer_open(&w, dir, RINGS_CPUS);
	w.packet_size = 4096;
	guest_boot(&g, &w, 31);
	w.cpus[0].received += miscounted;
	guest_run(&g, 400);
	writer_discard(&w, 0, 5);
	guest_end(&g);
	writer_close(&w);
	rings_read(&good, dir);
	spoilt = good;
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
		whole[cpu] = read_stream(dir, cpu, &whole_size[cpu]);
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
		write_stream(dir, cpu, rings_host_bytes(&good, cpu));
}

static void crash(const char *dir)
{
	crash_miscounted(dir, 0);
}

static struct result recover(const char *dir)
{
	return run((const char *const[]){recoverer, dir, NULL});
}

static void check_stream(const char *dir, uint32_t cpu, long size, const char *when)
{
	long got;
	char *bytes = read_stream(dir, cpu, &got);

	if (got != size || memcmp(bytes, whole[cpu], (size_t)size) != 0)
		die("%s: CPU %u: %ld bytes, not the %ld of the whole stream", when, cpu, got, size);
	free(bytes);
}

static void check_output(struct result result, int status, const char *message, const char *when)
{
	size_t lines = 0;

	for (const char *at = result.output; (at = strchr(at, '\n')); at++)
		lines++;
	if (result.status != status || !strstr(result.output, message) ||
	    lines != (status == 1 ? 2 : 1))
		die("%s: status %d: %s", when, result.status, result.output);
}

/* Writes the spoilt memory and recovers, twice: both say the message, or nothing when it is empty,
 * and CPU 0 has so many bytes then. */
static void check_recovery(const char *dir, const char *message, long size, const char *when)
{
	int status = *message ? 1 : 0;

	rings_write(&spoilt, dir);
	check_output(recover(dir), status, message, when);
	check_stream(dir, 0, size, when);
	check_stream(dir, 1, whole_size[1], when);
	check_output(recover(dir), status, message, when);
	check_output(recover(dir), status, "0 events in 0 packets\n", when);
	check_stream(dir, 0, size, when);
	check_stream(dir, 1, whole_size[1], when);
}

static void test_whole(const char *dir)
{
	crash(dir);
	check_recovery(dir, "", whole_size[0], "whole");
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM loss WHERE tail = 'recovered'") +
		      sql_int(dir, "SELECT count(*) FROM loss WHERE tail = 'none'") ==
	      RINGS_CPUS);
	CHECK(sql_int(dir, "SELECT sum(received) FROM loss") == (int64_t)w.nr_events);
	CHECK(sql_int(dir, "SELECT discarded FROM loss WHERE cpu = 0") == 5);
	sql_empty(dir, "SELECT * FROM order_violation WHERE name = 'packet'");
}

/* ---- one thing that the guest spoilt ---- */

struct damage {
	const char *name;
	uint32_t back;      /* of CPU 0's packet, from the end */
	size_t field;       /* offset in it */
	uint64_t value;     /* of that field, 8 bytes */
	uint32_t recovered; /* packets of the three */
	const char *message;
};

#define IN_PACKET(field) offsetof(struct trace_packet, field)
#define FIRST_EVENT      sizeof(struct trace_packet)
#define MISSING          "is not in memory, a later one is"

static const struct damage damages[] = {
	{"no magic", 2, IN_PACKET(magic), 0, 0, MISSING},
	{"another UUID", 1, IN_PACKET(uuid) + 4, 0, 1, MISSING},
	{"another CPU", 1, IN_PACKET(cpu_id), 1, 1, MISSING},
	{"another stream", 1, IN_PACKET(stream_instance_id), 1, 1, MISSING},
	{"a number too high", 1, IN_PACKET(packet_seq_num), UINT64_MAX, 1, MISSING},
	{"begins too early", 1, IN_PACKET(timestamp_begin), 1, 1, MISSING},
	{"begins too late", 1, IN_PACKET(timestamp_begin), UINT64_MAX, 1, "is damaged at byte 96"},
	{"ends too early", 1, IN_PACKET(timestamp_end), 0, 1, "ends at 0 ns"},
	{"ends too late", 1, IN_PACKET(timestamp_end), INT64_MAX, 1, "ends at"},
	{"too large", 1, IN_PACKET(packet_size), 65537 * 64, 1, "says that it has"},
	{"absurdly large", 1, IN_PACKET(packet_size), UINT64_MAX << 6, 1, "says that it has"},
	{"odd size", 1, IN_PACKET(packet_size), 8001, 1, "says that it has 8001 bits"},
	{"too small", 1, IN_PACKET(packet_size), 64, 1, "says that it has 64 bits"},
	{"too many discarded", 1, IN_PACKET(events_discarded), UINT64_MAX, 1, "should say 0 to 5"},
	{"unknown event", 1, FIRST_EVENT, UINT64_MAX, 1, "is damaged at byte 96"},
	{"torn event", 1, FIRST_EVENT, 0, 1, "is damaged at byte 96"},
	{"more committed than reserved", 0, IN_PACKET(content_size), UINT64_MAX << 40, 3, ""},
	{"all that is reserved is missing", 0, IN_PACKET(content_size), 8, 3, ""},
	{"more events than there is room for", 0, IN_PACKET(emitted), UINT64_MAX, 3, ""},
};

static long bytes_after(uint32_t recovered)
{
	return recovered == 3 ? whole_size[0] : good.offset[0][2 - recovered];
}

static void test_damage(const char *dir)
{
	crash(dir);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *damage = &damages[i];

		spoilt = good;
		memcpy((char *)rings_packet(&spoilt, 0, damage->back) + damage->field,
		       &damage->value, sizeof(damage->value));
		for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
			write_stream(dir, cpu, rings_host_bytes(&good, cpu));
		check_recovery(dir, damage->message, bytes_after(damage->recovered), damage->name);
	}
}

/* ---- unfinished packets ---- */

/* Offset of an event in the middle of CPU 0's open packet, and its bytes. */
static uint32_t middle_event(uint32_t *size)
{
	const uint64_t *words = (const uint64_t *)rings_packet(&good, 0, 0);
	const struct trace_packet *packet = (const struct trace_packet *)words;
	uint32_t at = sizeof(*packet), next = at;

	for (uint64_t i = 0; i <= packet->emitted / 2; i++) {
		const struct event_info *event = event_info_by_id(words[next / 8] & 0xffff);

		at = next;
		next += 8 + event->size;
	}
	*size = next - at;
	return at;
}

static void check_torn(const char *dir, uint64_t before, uint64_t behind)
{
	int64_t received;
	char line[100];

	rings_write(&spoilt, dir);
	snprintf(line, sizeof(line), ", %" PRIu64 " behind an unfinished one lost\n", behind);
	check_output(recover(dir), 0, line, "torn");
	check_output(recover(dir), 0, "0 events in 0 packets\n", "torn, again");
	CHECK(ingest(dir).status == 0);
	received = (int64_t)(w.cpus[0].received - 1 - behind);
	CHECK(before > 0 && behind > 0);
	CHECK(sql_int(dir, "SELECT received FROM loss WHERE cpu = 0") == received);
	CHECK(sql_int(dir, "SELECT discarded FROM loss WHERE cpu = 0") == 5 + (int64_t)behind);
	sql_empty(dir, "SELECT * FROM order_violation WHERE name = 'packet'");
}

/* An interrupt came in the middle of an event, and emitted others: those cannot be kept. */
static void test_torn(const char *dir)
{
	struct trace_packet *packet = rings_packet(&spoilt, 0, 0);
	uint64_t nr, all;
	uint32_t at, size;

	crash(dir);
	packet = rings_packet(&spoilt, 0, 0);
	at = middle_event(&size);
	nr = packet->emitted;
	all = -packet->content_size;
	((uint64_t *)packet)[at / 8] &= ~UINT64_C(0xffff);
	packet->content_size += size;
	packet->emitted--;
	check_torn(dir, nr / 2, nr - 1 - nr / 2);
	/* The same in a packet that is closed. */
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
		write_stream(dir, cpu, rings_host_bytes(&good, cpu));
	packet->packet_size = (sizeof(*packet) + all) * 8;
	packet->content_size = size;
	check_torn(dir, nr / 2, nr - 1 - nr / 2);
	rings_write(&spoilt, dir);
	/* And with a count that cannot be. */
	packet->emitted = UINT64_MAX;
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
		write_stream(dir, cpu, rings_host_bytes(&good, cpu));
	check_recovery(dir, "counts 18446744073709551615 events", good.offset[0][0], "counts");
}

/* Behind the events of an open packet lie those of a former use of the sub-buffer. */
static void test_former_use(const char *dir)
{
	const uint64_t *former;
	struct trace_packet *packet;
	size_t used;

	crash(dir);
	packet = rings_packet(&spoilt, 0, 0);
	former = (const uint64_t *)rings_packet(&spoilt, 0, 3);
	used = sizeof(*packet) - packet->content_size;
	memcpy((char *)packet + used, former + sizeof(*packet) / 8, 1024);
	check_recovery(dir, "", whole_size[0], "former use");
}

/* ---- what the host has ---- */

/* It had begun to write the packet that memory has too; when that one cannot be used, it stays. */
static void test_begun(const char *dir)
{
	long begun;

	crash(dir);
	begun = rings_host_bytes(&good, 0) + 200;
	write_stream(dir, 0, begun);
	rings_packet(&spoilt, 0, 2)->timestamp_end = 0;
	check_recovery(dir, "ends at 0 ns", begun, "begun, damaged");
	rings_packet(&spoilt, 0, 2)->magic = 0;
	check_recovery(dir, "of which the stream has the beginning", begun, "begun, missing");
	spoilt = good;
	check_recovery(dir, "", whole_size[0], "begun");
}

static void test_host_damage(const char *dir)
{
	long bytes;

	crash(dir);
	bytes = rings_host_bytes(&good, 0);
	whole[0][sizeof(struct trace_packet)] ^= 1; /* the magic of packet 1 */
	write_stream(dir, 0, bytes);
	check_recovery(dir, "magic is", bytes, "damaged stream");
	/* A stream that has nothing, and a packet 0 with events. */
	write_stream(dir, 0, 0);
	rings_packet(&spoilt, 0, 2)->packet_seq_num = 0;
	check_recovery(dir, "packet 0 in memory holds events", 0, "empty stream");
}

/* Counters that a stream would not be readable with. */
static void test_counters(const char *dir)
{
	crash(dir);
	spoilt.descriptor.cpu[0].discarded = UINT64_MAX;
	check_recovery(dir, "more than there can be", whole_size[0], "discarded");
	CHECK(ingest(dir).status == 0);
	sql_empty(dir, "SELECT * FROM order_violation WHERE name = 'packet'");
	/* The host's part counts too many events: what follows still does. */
	crash_miscounted(dir, 1000);
	check_recovery(dir, "", whole_size[0], "miscounted");
}

/* ---- the files of the rings ---- */

static void cut(const char *dir, const char *name, long size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((size < 0 ? unlink(path) : truncate(path, size)) != 0)
		die("%s: %s", path, strerror(errno));
}

static void test_ring_files(const char *dir)
{
	static const struct {
		long size;
		const char *message;
	} cuts[] = {
		{RINGS_SUBBUFS * TRACE_SUBBUF_SIZE - 1, "not of the size that the descriptor says"},
		{RINGS_SUBBUFS * TRACE_SUBBUF_SIZE + 1, "not of the size that the descriptor says"},
		{0, "not of the size that the descriptor says"},
		{-1, "No such file or directory"}};

	crash(dir);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		rings_write(&good, dir);
		cut(dir, "rings/cpu0", cuts[i].size);
		check_output(recover(dir), 1, cuts[i].message, "a ring's file");
		check_stream(dir, 0, rings_host_bytes(&good, 0), "a ring's file");
		check_stream(dir, 1, whole_size[1], "a ring's file");
	}
	/* The guest forgot a CPU. */
	write_stream(dir, 1, rings_host_bytes(&good, 1));
	spoilt.descriptor.nr_cpus = 1;
	rings_write(&spoilt, dir);
	check_output(recover(dir), 1,
		     "CPU 1's trace is not recovered: the guest says that it has 1", "CPUs");
	check_stream(dir, 0, whole_size[0], "CPUs");
	check_stream(dir, 1, rings_host_bytes(&good, 1), "CPUs");
}

/* Nothing is written when the descriptor cannot be one. */
static void check_refused(const char *dir, const char *message)
{
	char path[512];

	check_output(recover(dir), 2, message, "descriptor");
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
		check_stream(dir, cpu, rings_host_bytes(&good, cpu), "descriptor");
	snprintf(path, sizeof(path), "%s/recovered.tsv", dir);
	CHECK(access(path, F_OK) != 0);
}

static void test_descriptor(const char *dir)
{
	static const struct {
		size_t field;
		uint32_t value;
		const char *message;
	} bad[] = {
		{offsetof(struct trace_rings, magic), 1, "not a descriptor of rings"},
		{offsetof(struct trace_rings, version), 2, "not a descriptor of rings"},
		{offsetof(struct trace_rings, nr_cpus), 17, "not a descriptor of rings"},
		{offsetof(struct trace_rings, nr_cpus), UINT32_MAX, "not a descriptor of rings"},
		{offsetof(struct trace_rings, subbuf_size), 1 << 30, "not a descriptor of rings"},
		{offsetof(struct trace_rings, cpu[1].subbufs), 65, "CPU 1 has 65 sub-buffers"},
		{offsetof(struct trace_rings, cpu[0].subbufs), UINT32_MAX, "CPU 0 has 4294967295"},
	};

	crash(dir);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		spoilt = good;
		memcpy((char *)&spoilt.descriptor + bad[i].field, &bad[i].value,
		       sizeof(bad[i].value));
		rings_write(&spoilt, dir);
		check_refused(dir, bad[i].message);
	}
	rings_write(&good, dir);
	cut(dir, "rings/descriptor", sizeof(struct trace_rings) - 1);
	check_refused(dir, "not of the size of a descriptor");
	cut(dir, "rings/descriptor", -1);
	check_refused(dir, "No such file or directory");
}

const struct test recover_tests[] = {
	{"recovers what was not sent", test_whole},
	{"recovers in front of a damage", test_damage},
	{"recovers in front of a torn event", test_torn},
	{"recovers in front of a former use", test_former_use},
	{"recovers a packet that was begun", test_begun},
	{"recovers nothing behind a damaged stream", test_host_damage},
	{"recovers with impossible counters", test_counters},
	{"recovers with ring files missing", test_ring_files},
	{"refuses a descriptor", test_descriptor},
	{NULL, NULL},
};
