/* The session as the trace tells it: beginning with a baseline, barriers, the end. */
#ifndef PROC_SESSION_H
#define PROC_SESSION_H

#include "lib/types.h"
#include "trace/ring.h"
#include "trace/trace_abi.h"

/* Opens the streams, switches all events on, emits session_begin and the baseline; from then on a
 * panic ends the session in the trace too. Once, from a task, no spinlock held; every port is open.
 */
void session_start_trace(const struct trace_sink *sink, enum trace_mode mode);

/* Keeps the arguments for session_start_deferred_trace(), instead of session_start_trace(): whoever wants a trace
 * of a machine that has been running for a while switches it on from the host. */
void session_defer_trace(const struct trace_sink *sink, enum trace_mode mode);
/* Starts the trace that was deferred. 0, or -EBUSY when none was, or it has started. */
int session_start_deferred_trace(void);

/* Emits another baseline, with all CPUs parked: the host compares it with what it rebuilt. Switches
 * all events on first, so that it also resumes a trace that was paused. 0, or -EBUSY when tracing
 * has not started. No spinlock held. */
int session_state(void);

/* Pauses the trace, with all CPUs parked: emits the counters and trace_off, and switches all events off. session_state() resumes.
 * 0, or -EBUSY when tracing has not started. No spinlock held. */
int session_pause(void);

/* Emits the next trace_barrier with all CPUs parked, and hands all that was emitted so far to the
 * host. Returns its number, from
 * 1. No spinlock held. The second is for between quiesce_begin() and quiesce_end(). */
u64 session_barrier(void);
u64 session_barrier_quiesced(void);

/* Ends the session and the machine: counters, verification, the last event, every trace queue
 * empty. No spinlock held. */
void session_end(s32 status, enum session_reason reason) __noreturn;

#endif
