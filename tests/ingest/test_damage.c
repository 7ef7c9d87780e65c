/*
 * Damaged streams: whatever is wrong, the packets in front of it are kept, the message names file
 * and offset, and nothing that a stream says is trusted (the program under test is built with
 * sanitizers).
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"
#include "trace/gen/event_info.h"

static struct writer w;
static struct guest g;

/* Two CPUs, many small packets. */
static void record(const char *dir)
{
	writer_open(&w, dir, 2);
	w.packet_size = 512;
	guest_boot(&g, &w, 31);
	guest_run(&g, 100);
	guest_end(&g);
	writer_close(&w);
}

/* The stream of CPU 0 as bytes. */
static uint8_t *load(const char *dir, size_t *size)
{
	FILE *file = open_in(dir, "ctf/cpu0", "r");
	uint8_t *bytes;

	fseek(file, 0, SEEK_END);
	*size = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(*size);
	if (!bytes || fread(bytes, 1, *size, file) != *size)
		die("cpu0 cannot be read");
	fclose(file);
	return bytes;
}

static void store(const char *dir, const uint8_t *bytes, size_t size)
{
	FILE *file = open_in(dir, "ctf/cpu0", "w");

	if (fwrite(bytes, 1, size, file) != size)
		die("cpu0 cannot be written");
	fclose(file);
}

/* Events in the whole packets of the first `size` bytes, walked as trace_abi.h says. */
static int64_t events_before(const uint8_t *bytes, size_t size)
{
	struct trace_packet packet = {0};
	int64_t events = 0;

	for (size_t at = 0; at + sizeof(packet) <= size; at += packet.content_size / 8) {
		memcpy(&packet, bytes + at, sizeof(packet));
		if (at + packet.content_size / 8 > size)
			break;
		events = (int64_t)(packet.emitted - packet.events_discarded);
	}
	return events;
}

/* Offset of the packet with this number. */
static size_t packet_at(const uint8_t *bytes, unsigned int number)
{
	struct trace_packet packet;
	size_t at = 0;

	while (number--) {
		memcpy(&packet, bytes + at, sizeof(packet));
		at += packet.content_size / 8;
	}
	return at;
}

/* How many damaged traces a test makes; DAMAGE_CUTS and DAMAGE_FLIPS in the environment ask for more. */
static int how_many(const char *variable)
{
	const char *text = getenv(variable);
	int nr = text ? atoi(text) : 20;

	if (nr < 1)
		die("%s=%s: not a number of traces", variable, text);
	return nr;
}

/* Each damage has a seed of its own, which a failure tells. */
static unsigned int damage_seed;

static uint64_t pick(uint64_t sides)
{
	return ((uint64_t)rand_r(&damage_seed) << 31 | (uint64_t)rand_r(&damage_seed)) % sides;
}

/* Events of CPU 0 in the event tables. */
static int64_t events_loaded(const char *dir)
{
	static char sql[16384];
	char *end = sql + sprintf(sql, "SELECT sum(n) FROM (");

	for (size_t i = 0; i < nr_event_infos; i++)
		end += sprintf(end, "%sSELECT count(*) AS n FROM %s WHERE cpu = 0",
			       i ? " UNION ALL " : "", event_infos[i].name);
	sprintf(end, ")");
	return sql_int(dir, sql);
}

/* Nothing that the whole packets in front of the damage hold is missing. */
static void expect_all_before(const char *dir, unsigned int seed, const uint8_t *bytes, size_t at)
{
	int64_t want = events_before(bytes, at), found = events_loaded(dir);

	if (found < want)
		die("seed %u: %lld events of the packets before byte %zu, %lld found", seed,
		    (long long)want, at, (long long)found);
}

static void test_truncated(const char *dir)
{
	uint8_t *bytes;
	size_t size;

	record(dir);
	bytes = load(dir, &size);
	for (unsigned int seed = 1; seed <= (unsigned int)how_many("DAMAGE_CUTS"); seed++) {
		struct result result;
		size_t cut;

		damage_seed = seed;
		cut = pick(size);
		store(dir, bytes, cut);
		result = ingest(dir);
		if (result.status != 0 || result.output[0])
			die("seed %u, cut at %zu: status %d: %s", seed, cut, result.status,
			    result.output);
		CHECK(sql_int(dir, "SELECT received FROM loss WHERE cpu = 0") ==
		      events_before(bytes, cut));
		expect_all_before(dir, seed, bytes, cut);
		CHECK(strcmp(sql_text(dir, "SELECT tail FROM loss WHERE cpu = 0"), "unknown") == 0);
	}
	free(bytes);
}

/* The number of the packet that this byte is in. */
static unsigned int packet_of(const uint8_t *bytes, size_t at)
{
	unsigned int number = 0;

	while (packet_at(bytes, number + 1) <= at)
		number++;
	return number;
}

/* The seal says which packet has changed, whatever the reader thinks of it. */
static void expect_found(const char *dir, unsigned int seed, unsigned int packet)
{
	struct result result = run((const char *const[]){ingester, dir, "--verify", NULL});
	char words[64];

	snprintf(words, sizeof(words), "/ctf/cpu0: packet %u (bytes ", packet);
	if (result.status != 1 || !strstr(result.output, words) ||
	    !strstr(result.output, ": 1 parts of the trace"))
		die("seed %u, packet %u: status %d: %s", seed, packet, result.status,
		    result.output);
}

static void seal(const char *dir)
{
	struct result result = run((const char *const[]){ingester, dir, "--seal", NULL});

	if (result.status == 0)
		result = run((const char *const[]){ingester, dir, "--verify", NULL});
	if (result.status != 0 || result.output[0])
		die("seal: status %d: %s", result.status, result.output);
}

/* Flips of a bit: never a crash, and never a stream that is longer than it was. */
static void test_bit_flips(const char *dir)
{
	uint8_t *bytes;
	size_t size;

	record(dir);
	seal(dir);
	bytes = load(dir, &size);
	for (unsigned int seed = 1; seed <= (unsigned int)how_many("DAMAGE_FLIPS"); seed++) {
		struct result result;
		uint8_t bit;
		size_t at;

		damage_seed = seed;
		/* Half of them in packet headers, which are where lengths are. */
		at = seed % 2 ? pick(size) : packet_at(bytes, (unsigned int)pick(20)) + pick(96);
		bit = (uint8_t)(1 << pick(8));
		bytes[at] ^= bit;
		store(dir, bytes, size);
		bytes[at] ^= bit;
		result = ingest(dir);
		if (result.status > 1 || (result.status == 1) != (result.output[0] != 0))
			die("seed %u, bit 0x%x at %zu: status %d: %s", seed, bit, at, result.status,
			    result.output);
		if (result.status == 1 && !strstr(result.output, "cpu0: byte "))
			die("seed %u: no file and offset: %s", seed, result.output);
		expect_all_before(dir, seed, bytes, at);
		expect_found(dir, seed, packet_of(bytes, at));
	}
	free(bytes);
}

/* What was cut off, and what was added, is found too. */
static void test_sealed_length(const char *dir)
{
	struct result result;
	uint8_t *bytes;
	size_t size;
	FILE *file;

	record(dir);
	seal(dir);
	bytes = load(dir, &size);
	store(dir, bytes, packet_at(bytes, 3));
	result = run((const char *const[]){ingester, dir, "--verify", NULL});
	CHECK(result.status == 1 && strstr(result.output, "cpu0: packet 3 (bytes "));
	CHECK(!strstr(result.output, "cpu0: packet 2 "));
	store(dir, bytes, size);
	file = open_in(dir, "ctf/cpu1", "a");
	fputc(0, file);
	fclose(file);
	result = run((const char *const[]){ingester, dir, "--verify", NULL});
	CHECK(result.status == 1 && strstr(result.output, "cpu1: what lies behind byte "));
	free(bytes);
}

struct change {
	const char *words; /* what the message must say */
	size_t offset;     /* in the packet */
	uint8_t bytes[8];
	size_t size;
};

#define AT(field) offsetof(struct trace_packet, field)

static void test_each_header_field(const char *dir)
{
	static const struct change changes[] = {
		{"magic", AT(magic), {0}, 4},
		{"UUID", AT(uuid) + 5, {1}, 1},
		{"stream id", AT(stream_id), {1}, 1},
		{"CPU 0", AT(stream_instance_id), {3}, 1},
		{"CPU 7", AT(cpu_id), {7}, 1},
		{"packet number", AT(packet_seq_num), {99}, 1},
		{"bits", AT(content_size), {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8},
		{"bits", AT(content_size), {8, 0, 0, 0, 0, 0, 0, 0}, 8},
		{"packet size", AT(packet_size), {64, 0}, 2},
		{"backwards", AT(timestamp_begin), {0, 0, 0, 0, 0, 0, 0, 0}, 8},
		{"backwards", AT(timestamp_end), {0, 0, 0, 0, 0, 0, 0, 0}, 8},
		{"outside", 98, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 6},
		{"not in events.tsv", 96, {0xee, 0xee}, 2},
		{"padding", AT(pad), {1}, 1},
	};
	uint8_t *bytes;
	size_t size, at;

	record(dir);
	bytes = load(dir, &size);
	at = packet_at(bytes, 5);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint8_t *copy = malloc(size);
		struct result result;
		char offset[64];

		if (!copy)
			die("out of memory");
		memcpy(copy, bytes, size);
		memcpy(copy + at + changes[i].offset, changes[i].bytes, changes[i].size);
		store(dir, copy, size);
		free(copy);
		result = ingest(dir);
		snprintf(offset, sizeof(offset),
			 "cpu0: byte %zu:", at + (changes[i].offset < 96 ? changes[i].offset : 96));
		if (result.status != 1 || !strstr(result.output, changes[i].words) ||
		    (!strstr(result.output, offset) && !strstr(result.output, "cpu0: byte ")))
			die("%zu: `%s` expected: status %d: %s", i, changes[i].words, result.status,
			    result.output);
		CHECK(sql_int(dir, "SELECT received FROM loss WHERE cpu = 0") ==
		      events_before(bytes, at));
		CHECK(sql_int(dir, "SELECT count(*) FROM session WHERE key = 'damage_cpu0'") == 1);
		CHECK(sql_int(dir, "SELECT received FROM loss WHERE cpu = 1") > 0);
	}
	free(bytes);
}

/* A first packet with events in it, and time that runs backwards inside a packet. */
static void test_order_inside(const char *dir)
{
	struct result result;
	uint64_t now;

	writer_open(&w, dir, 1);
	guest_boot(&g, &w, 32);
	writer_flush(&w, 0);
	EMIT(&w, 0, trace_stall, .stalled_ns = 1);
	EMIT(&w, 0, trace_stall, .stalled_ns = 2);
	now = w.now;
	w.now -= 10;
	EMIT(&w, 0, trace_stall, .stalled_ns = 3);
	w.now = w.cpus[0].last_t = now;
	writer_close(&w);
	result = ingest(dir);
	CHECK(result.status == 1 && strstr(result.output, "before it") == NULL &&
	      strstr(result.output, "in front of it"));
	CHECK(sql_int(dir, "SELECT count(*) FROM trace_stall") == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM state_end") == 1);
}

/* Serial numbers that come again are told and do not stop the loading. */
static void test_keys_twice(const char *dir)
{
	writer_open(&w, dir, 1);
	guest_boot(&g, &w, 33);
	for (int i = 0; i < 2; i++) {
		EMIT(&w, 0, reclaim_pass_begin, .pass_id = 9);
		EMIT(&w, 0, reclaim_pass_end, .pass_id = 9);
		EMIT(&w, 0, oom_invoked, .kill_id = 4);
		EMIT(&w, 0, mark_victim, .kill_id = 4, .pid = 1, .mm_id = 1);
		EMIT(&w, 0, oom_done, .kill_id = 4, .pid = 1);
	}
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM reclaim_pass") == 1);
	CHECK(sql_int(dir, "SELECT count(*) FROM oom_kill") == 1);
	CHECK(sql_int(dir, "SELECT count(*) FROM order_violation "
			   "WHERE expected = 'a new number'") == 2);
}

/* One wrong frame number or slot costs one chunk of descriptors, not all that lies below it. */
static void test_wild_numbers(const char *dir)
{
	struct result result;

	writer_open(&w, dir, 1);
	guest_boot(&g, &w, 34);
	EMIT(&w, 0, session_begin, .nr_cpus = 1, .max_pfn = UINT32_MAX, .nr_slots = UINT32_MAX);
	EMIT(&w, 0, lru_remove, .pfn = (1u << 26) - 1);
	EMIT(&w, 0, swap_slot_free, .slot = (1u << 26) - 1);
	EMIT(&w, 0, lru_remove, .pfn = UINT32_MAX);
	EMIT(&w, 0, swap_slot_free, .slot = UINT32_MAX);
	EMIT(&w, 0, trace_barrier, .n = 1);
	writer_close(&w);
	result = run((const char *const[]){plain_ingester, dir, NULL});
	CHECK(result.status == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM order_violation") ==
	      5); /* session_begin is the fifth */
	if (result.max_rss_kib > 64 << 10)
		die("%ld KiB", result.max_rss_kib);
}

const struct test damage_tests[] = {
	{"truncated anywhere", test_truncated},
	{"bit flips", test_bit_flips},
	{"length of a sealed stream", test_sealed_length},
	{"each header field", test_each_header_field},
	{"order inside a packet", test_order_inside},
	{"serial numbers twice", test_keys_twice},
	{"wild numbers", test_wild_numbers},
	{NULL, NULL},
};
