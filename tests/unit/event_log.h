/* Stands in for trace/ring.c where a test looks at the events themselves. */
#ifndef EVENT_LOG_H
#define EVENT_LOG_H

#include "trace/trace.h"

/* Events seen since the start, by id, and who is shown each; may be NULL. */
extern u64 event_count[TRACE_ID_LIMIT];
extern void (*event_hook)(u32 id, const void *payload);

/* Switches all events on. */
void event_log_start(void);

#endif
