/*
 * What TRACE() does around the fields of an event, inlined at every place that emits: a third of
 * what the same costs by way of two calls. TRACE_TEXT(), for rare events, calls trace_reserve() and
 * trace_commit().
 */
#ifndef TRACE_EMIT_H
#define TRACE_EMIT_H

#include "trace/reserve.h"

/* The two slow ways out are called by hand, because they keep all registers (__keeps_registers), which
 * the compiler does not make use of: that they may happen costs those who emit nothing. */
register u64 stack_pointer __asm__("rsp");
#define CALL_NEEDS_FRAME "+r"(stack_pointer)

/* As trace_reserve(). */
static inline void *trace_emit_begin(u32 size)
{
	bool room;

	do {
		void *payload = trace_try_reserve(sizeof(trace_header_t) + size);

		if (likely(payload))
			return payload;
		__asm__ volatile("call trace_make_room"
				 : "=a"(room), CALL_NEEDS_FRAME::"memory", "cc");
	} while (room);
	return NULL;
}

/* As trace_commit(). */
static inline void trace_emit_end(void *payload, u32 id, u32 size)
{
	if (unlikely(trace_try_commit(payload, id, sizeof(trace_header_t) + size)))
		__asm__ volatile("call trace_deliver_completed" : CALL_NEEDS_FRAME::"memory", "cc");
}

#endif
