/*
 * Which events are on. One byte per event id, written by whoever switches and read without a lock
 * by every TRACE(): an emitter on another CPU sees a change when it sees it. Who needs a sharp edge
 * (baseline, end of session) quiesces first.
 */
#include "trace/trace.h"

#include "cpu/panic.h"
#include "lib/errno.h"
#include "trace/ring.h"

u8 trace_enabled[TRACE_ID_LIMIT];

static const struct event_name {
	u32 id;
	const char *name;
} event_names[] = {
#define EVENT(id, name, doc) {id, #name},
#include "trace/events.def"
};

/* Reserving retries until the event fits into an empty sub-buffer: each must. */
#define EVENT(id, name, doc)                                                         \
	static_assert((id) > 0 && (id) < TRACE_ID_LIMIT, #name ": id out of range"); \
	static_assert(sizeof(struct trace_packet) + sizeof(trace_header_t) +         \
				      sizeof(struct trace_ev_##name) <=              \
			      TRACE_SUBBUF_SIZE,                                     \
		      #name ": larger than a packet");
#include "trace/events.def"

void trace_enable_all(bool on)
{
	BUG_ON(on && !trace_started());
	for (u32 i = 0; i < ARRAY_SIZE(event_names); i++)
		WRITE_ONCE(trace_enabled[event_names[i].id], on);
}

int trace_enable(const char *name, bool on)
{
	BUG_ON(on && !trace_started());
	for (u32 i = 0; i < ARRAY_SIZE(event_names); i++) {
		if (strcmp(event_names[i].name, name) == 0) {
			WRITE_ONCE(trace_enabled[event_names[i].id], on);
			return 0;
		}
	}
	return -ENOENT;
}

u32 debug_trace_nr_on(void)
{
	u32 nr = 0;

	for (u32 i = 0; i < ARRAY_SIZE(event_names); i++)
		nr += READ_ONCE(trace_enabled[event_names[i].id]);
	return nr;
}

void debug_trace_for_each_off(void (*visit)(const char *event))
{
	for (u32 i = 0; i < ARRAY_SIZE(event_names); i++)
		if (!READ_ONCE(trace_enabled[event_names[i].id]))
			visit(event_names[i].name);
}
