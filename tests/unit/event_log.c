#include "unit.h"

#include "event_log.h"

u8 trace_enabled[TRACE_ID_LIMIT];
u64 event_count[TRACE_ID_LIMIT];
void (*event_hook)(u32 id, const void *payload);

static u64 payload_buffer[32];
static bool reserved;

void event_log_start(void)
{
	for (u32 id = 0; id < TRACE_ID_LIMIT; id++)
		trace_enabled[id] = 1;
}

void *trace_reserve(u32 size)
{
	assert_true(size <= sizeof(payload_buffer));
	assert_false(reserved);
	reserved = true;
	return payload_buffer;
}

void trace_commit(void *payload, u32 id, u32 size)
{
	(void)size;
	reserved = false;
	event_count[id]++;
	if (event_hook)
		event_hook(id, payload);
}
