/*
 * The contract as data: every event, field, enumeration and value of events.def and enums.def, for
 * programs on the host that walk them (the generators here, the ingester). Nothing is allocated,
 * nothing changes.
 */
#ifndef TRACE_GEN_EVENT_INFO_H
#define TRACE_GEN_EVENT_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/trace_abi.h"

enum field_type { FT_u8, FT_u16, FT_u32, FT_u64, FT_s32, FT_s64, FT_text };
enum field_role { FIELD_PLAIN, FIELD_ENUM, FIELD_FLAGS, FIELD_PAD };

/* One field of a payload; fields follow each other without gaps, so offsets are sums of sizes. */
struct field_info {
	const char *name;
	enum field_type type;
	enum field_role role;
	uint32_t size;         /* bytes */
	const char *enum_name; /* FIELD_ENUM, FIELD_FLAGS: its enumeration, else NULL */
	const char *doc;
};

struct event_info {
	uint16_t id;
	const char *name;
	const char *doc;
	uint32_t size; /* bytes of payload, a multiple of 8 */
	uint32_t nr_fields;
	const struct field_info *fields;
};

struct enum_value {
	uint32_t number; /* of a flag: the bit's value */
	const char *text;
	const char *doc;
};

struct enum_info {
	const char *name;
	const char *doc;
	bool is_flags;
	uint32_t nr_values;
	const struct enum_value *values; /* ascending numbers */
};

/* ENUM_ID_NAME: index of enumeration NAME in enum_infos. */
enum enum_id {
#define ENUM(name, doc)  ENUM_ID_##name,
#define FLAGS(name, doc) ENUM_ID_##name,
#include "trace/enums.def"
	NR_ENUM_INFOS
};

extern const struct event_info event_infos[]; /* in the order of events.def */
extern const size_t nr_event_infos;
extern const struct enum_info enum_infos[NR_ENUM_INFOS];

/* The event of this number, or NULL. */
const struct event_info *event_info_by_id(uint32_t id);

/* FNV-1a over "type name;" of every field, padding included: equal exactly when two builds lay the
 * event out alike. */
uint64_t event_layout_hash(const struct event_info *event);

/* "u32", "text16": the type as the layout hash spells it; `out` holds at least 16 bytes. */
void field_type_text(const struct field_info *field, char out[16]);

/* The text of a value, or "unknown": a newer kernel may have appended values. */
const char *enum_text(enum enum_id id, uint32_t number);

#endif
