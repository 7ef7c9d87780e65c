/*
 * The tables behind event_info.h, made from the two .def files by the preprocessor.
 */
#include <stdio.h>
#include <string.h>

#include "trace/gen/event_info.h"

/* A hole that the compiler inserts would be a field nobody documented: the sizes of the fields must
 * add up. */
#define EVENT(id, name, doc)        enum { sum_##name = 0
#define FIELD(type, name, doc)      +sizeof(trace_##type)
#define TEXT_FIELD(name, size, doc) +(size)
#define END(name)                                                            \
	}                                                                    \
	;                                                                    \
	_Static_assert((size_t)sum_##name == sizeof(struct trace_ev_##name), \
		       #name ": implicit padding");
#include "trace/events.def"

/* clang-format off */
#define EVENT(id, name, doc) static const struct field_info fields_##name[] = {
#define FIELD(type, name, doc) {#name, FT_##type, FIELD_PLAIN, sizeof(trace_##type), NULL, doc},
#define ENUM_FIELD(type, name, enum_, doc) {#name, FT_##type, FIELD_ENUM, sizeof(trace_##type), #enum_, doc},
#define FLAGS_FIELD(type, name, flags, doc) {#name, FT_##type, FIELD_FLAGS, sizeof(trace_##type), #flags, doc},
#define PAD(type, name) {#name, FT_##type, FIELD_PAD, sizeof(trace_##type), NULL, "zero"},
#define TEXT_FIELD(name, size, doc) {#name, FT_text, FIELD_PLAIN, size, NULL, doc},
#define END(name) };
#include "trace/events.def"

#define EVENT(id, name, doc)                                                                       \
	{id, #name, doc, sizeof(struct trace_ev_##name),                                           \
	 sizeof(fields_##name) / sizeof(fields_##name[0]), fields_##name},
const struct event_info event_infos[] = {
#include "trace/events.def"
};
const size_t nr_event_infos = sizeof(event_infos) / sizeof(event_infos[0]);

#define ENUM(name, doc) static const struct enum_value values_##name[] = {
#define FLAGS(name, doc) ENUM(name, doc)
#define VALUE(name, constant, number, text, doc) {number, text, doc},
#define FLAG(name, constant, bit, text, doc) {1u << (bit), text, doc},
#define END_ENUM(name) };
#include "trace/enums.def"

#define INFO(name, doc, is_flags)                                                                  \
	{#name, doc, is_flags, sizeof(values_##name) / sizeof(values_##name[0]), values_##name},
#define ENUM(name, doc) INFO(name, doc, false)
#define FLAGS(name, doc) INFO(name, doc, true)
const struct enum_info enum_infos[NR_ENUM_INFOS] = {
#include "trace/enums.def"
};
/* clang-format on */

const struct event_info *event_info_by_id(uint32_t id)
{
	for (size_t i = 0; i < nr_event_infos; i++) {
		if (event_infos[i].id == id)
			return &event_infos[i];
	}
	return NULL;
}

void field_type_text(const struct field_info *field, char out[16])
{
	static const char *const names[] = {"u8", "u16", "u32", "u64", "s32", "s64"};

	if (field->type == FT_text)
		snprintf(out, 16, "text%u", field->size);
	else
		snprintf(out, 16, "%s", names[field->type]);
}

static uint64_t fnv1a(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
	return hash;
}

uint64_t event_layout_hash(const struct event_info *event)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (uint32_t i = 0; i < event->nr_fields; i++) {
		char type[16];

		field_type_text(&event->fields[i], type);
		hash = fnv1a(hash, type);
		hash = fnv1a(hash, " ");
		hash = fnv1a(hash, event->fields[i].name);
		hash = fnv1a(hash, ";");
	}
	return hash;
}

const char *enum_text(enum enum_id id, uint32_t number)
{
	const struct enum_info *info = &enum_infos[id];

	/* Almost every enumeration counts from 0 by 1. */
	if (number < info->nr_values && info->values[number].number == number)
		return info->values[number].text;
	for (uint32_t i = 0; i < info->nr_values; i++) {
		if (info->values[i].number == number)
			return info->values[i].text;
	}
	return "unknown";
}
