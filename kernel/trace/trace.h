/*
 * Emitting events. TRACE(name, .field = value, …) names every field of the event just once:
 *
 *   TRACE(mm_page_free, .pfn = pfn, .order = order, .kind = kind, .pcp = 1);
 *
 * Padding is left out. Naming fewer or more fields than the event has does not compile (nor, by
 * -Werror=override-init, naming one twice). An event with a text is emitted by TRACE_TEXT(name,
 * text_field, text, .field = value, …).
 *
 * Any context but NMI, machine check and double fault; takes no lock, allocates nothing, never
 * sleeps. In lossless mode it may wait for the host when the ring is full. Costs three instructions
 * when the event is off.
 *
 * Arguments are evaluated only when the event is on, so they must have no side effects.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "lib/string.h"
#include "lib/types.h"
#include "trace/emit.h"
#include "trace/trace_abi.h"

/* Whether each event is on. All are off until tracing begins. */
extern u8 trace_enabled[TRACE_ID_LIMIT];

/* Whether one is on. A kernel built with NO_TRACE=1 has no check for it: what the checks cost is measured against that. */
#ifdef CONFIG_NO_TRACE
#define trace_is_on(id) false
#else
#define trace_is_on(id) unlikely(trace_enabled[id])
#endif

/* Reserves room for a payload of `size` bytes (a multiple of 8) and stamps it; NULL when it was
 * discarded (and counted). */
void *trace_reserve(u32 size);

/* Completes what trace_reserve() of that size returned as event `id`, on the same CPU, without
 * having slept. */
void trace_commit(void *payload, u32 id, u32 size);

/* Number of fields of event NAME, paddings not counted: TRACE_FIELDS_NAME. */
enum trace_field_count {
#define EVENT(id, name, doc)   TRACE_FIELDS_##name = 0
#define FIELD(type, name, doc) +1
#define PAD(type, name)
#define TEXT_FIELD(name, size, doc) +1
#define END(name)                   ,
#include "trace/events.def"
};

/* Number of arguments, 1 to 16. */
#define TRACE_NARGS(...) \
	TRACE_NARGS_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
#define TRACE_NARGS_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, n, \
		     ...)                                                                      \
	n

#define TRACE(event, ...)                                                             \
	do {                                                                          \
		const u32 size_ = sizeof(struct trace_ev_##event);                    \
                                                                                      \
		static_assert(TRACE_NARGS(__VA_ARGS__) == (int)TRACE_FIELDS_##event,  \
			      #event ": every field exactly once, padding left out"); \
		if (trace_is_on(TRACE_ID_##event)) {                                  \
			struct trace_ev_##event *trace_ev_ = trace_emit_begin(size_); \
			if (likely(trace_ev_)) {                                      \
				*trace_ev_ = (struct trace_ev_##event){__VA_ARGS__};  \
				trace_emit_end(trace_ev_, TRACE_ID_##event, size_);   \
			}                                                             \
		}                                                                     \
	} while (0)

/* TRACE() for an event with a text: `text` is copied into `field`, cut and NUL-padded. */
#define TRACE_TEXT(event, field, text, ...)                                                      \
	do {                                                                                     \
		static_assert(TRACE_NARGS(__VA_ARGS__) + 1 == (int)TRACE_FIELDS_##event,         \
			      #event ": every field exactly once, padding left out");            \
		if (trace_is_on(TRACE_ID_##event)) {                                             \
			struct trace_ev_##event *trace_ev_ =                                     \
				trace_reserve(sizeof(struct trace_ev_##event));                  \
			if (trace_ev_) {                                                         \
				*trace_ev_ = (struct trace_ev_##event){__VA_ARGS__};             \
				strscpy_pad(trace_ev_->field, (text), sizeof(trace_ev_->field)); \
				trace_commit(trace_ev_, TRACE_ID_##event,                        \
					     sizeof(struct trace_ev_##event));                   \
			}                                                                        \
		}                                                                                \
	} while (0)

#endif
