/*
 * The trace as bytes: packets, event headers and event payloads. Shared by the kernel and the host;
 * depends on nothing.
 *
 * A CPU's stream is a sequence of CTF 1.8 packets, little-endian, each one sub-buffer of its ring:
 *
 *   offset size  field
 *        0    4  magic                0xC1FC1FC1
 *        4   16  uuid                 TRACE_UUID; another one is another format: refused
 *       20    4  stream_id            0
 *       24    8  stream_instance_id   the CPU
 *       32    8  timestamp_begin      ns since boot, not above that of the first event
 *       40    8  timestamp_end        ns since boot, not below that of the last event
 *       48    8  content_size         bits, this header included
 *       56    8  packet_size          bits; equal to content_size: nothing is padded
 *       64    8  packet_seq_num       from 0 by 1; packet 0 of a stream holds no event
 *       72    8  events_discarded     cumulative over the stream
 *       80    8  emitted              cumulative: events up to here, plus events_discarded
 *       88    4  cpu_id               the CPU
 *       92    4  pad                  zero
 *       96       events
 *
 * An event is an 8-byte header, id in the low 16 bits and timestamp (ns since boot) in the high 48,
 * then its payload, the structure made from events.def below. Every size is a multiple of 8, so
 * everything is naturally aligned.
 *
 * Reader: while 96 bytes are left, check magic, uuid, sizes (96 <= content_size / 8 <=
 * TRACE_SUBBUF_SIZE, a multiple of 8) and the sequence; then step from event to event by the size
 * that its id names, until content_size is used up exactly.
 */
#ifndef TRACE_ABI_H
#define TRACE_ABI_H

#include <stdint.h>

#define TRACE_ABI_VERSION    1
#define TRACE_MAGIC          0xC1FC1FC1u
#define TRACE_SUBBUF_SIZE    65536u
#define TRACE_TIMESTAMP_BITS 48
#define TRACE_MAX_CPUS       16 /* of the 31 ports of a virtio-serial device; one is for control */

/* 8b5c6f0e-3d41-4f7a-9a52-706c6d707374; the last bytes spell "plmpst". */
#define TRACE_UUID                                                                            \
	{                                                                                     \
		0x8b, 0x5c, 0x6f, 0x0e, 0x3d, 0x41, 0x4f, 0x7a, 0x9a, 0x52, 0x70, 0x6c, 0x6d, \
			0x70, 0x73, 0x74                                                      \
	}

struct trace_packet {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id;
	uint64_t stream_instance_id;
	uint64_t timestamp_begin;
	uint64_t timestamp_end;
	uint64_t content_size;
	uint64_t packet_size;
	uint64_t packet_seq_num;
	uint64_t events_discarded;
	uint64_t emitted;
	uint32_t cpu_id;
	uint32_t pad;
};

_Static_assert(sizeof(struct trace_packet) == 96, "the packet header is ABI");

/* id | timestamp << 16. In a sub-buffer of the guest the id is 0 until the event is committed. */
typedef uint64_t trace_header_t;

/*
 * Where the rings are in guest physical memory: the kernel's symbol trace_rings, for a host that
 * reads them after a crash. Filled in when tracing begins; nr_cpus is 0 before.
 */
#define TRACE_RINGS_MAGIC   0x73676e6972746c70ull /* "pltrings" */
#define TRACE_RINGS_VERSION 1

struct trace_rings {
	uint64_t magic;
	uint32_t version;     /* of this structure, and of the sub-buffers' headers while in use */
	uint32_t nr_cpus;     /* entries of `cpu` that count */
	uint32_t subbuf_size; /* TRACE_SUBBUF_SIZE */
	uint32_t pad;
	struct trace_ring_place {
		uint64_t memory;    /* physical address of its sub-buffers, which lie together */
		uint64_t discarded; /* events dropped so far */
		uint32_t subbufs;   /* how many there are */
		uint32_t pad;
	} cpu[TRACE_MAX_CPUS];
};

_Static_assert(sizeof(struct trace_rings) == 24 + 24 * TRACE_MAX_CPUS,
	       "the descriptor of the rings is ABI");

typedef uint8_t trace_u8;
typedef uint16_t trace_u16;
typedef uint32_t trace_u32;
typedef uint64_t trace_u64;
typedef int32_t trace_s32;
typedef int64_t trace_s64;

/* struct trace_ev_NAME: the payload of event NAME. */
#define EVENT(id, name, doc)        struct trace_ev_##name {
#define FIELD(type, name, doc)      trace_##type name;
#define TEXT_FIELD(name, size, doc) char name[size];
#define END(name)                                               \
	}                                                       \
	;                                                       \
	_Static_assert(sizeof(struct trace_ev_##name) % 8 == 0, \
		       #name ": payload not a multiple of 8");
#include "trace/events.def"

/* TRACE_ID_NAME: the number of event NAME in an event header. */
enum trace_id {
#define EVENT(id, name, doc) TRACE_ID_##name = id,
#include "trace/events.def"
	TRACE_ID_LIMIT = 0x100
};

/* enum NAME { CONSTANT = number }, and bits as CONSTANT##_BIT and CONSTANT. */
#define ENUM(name, doc)                          enum name {
#define VALUE(name, constant, number, text, doc) constant = number,
#define FLAGS(name, doc)                         enum name {
#define FLAG(name, constant, bit, text, doc)     constant = 1u << (bit),
#define END_ENUM(name) \
	}              \
	;
#include "trace/enums.def"

#endif
