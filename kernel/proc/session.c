/*
 * The frame of a session. Everything here happens with all other CPUs parked, so that what is
 * emitted together belongs together.
 */
#include "proc/session.h"
#include "arch/x86_64/irq.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"
#include "cpu/quiesce.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/baseline.h"
#include "mm/check.h"
#include "mm/oom.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "proc/task.h"
#include "trace/trace.h"

static u64 nr_baselines; /* quiesced */
static u64 nr_barriers;  /* quiesced */
static bool is_ending;   /* atomic; never goes back */

/* What session_defer_trace() was given; set at boot, used by the control thread. */
static struct {
	const struct trace_sink *sink;
	enum trace_mode mode;
} deferred;

static void emit_baseline(void)
{
	TRACE(state_begin, .n = ++nr_baselines);
	u64 records = task_baseline() + mm_baseline();
	TRACE(state_end, .records = records);
	vmstat_emit();
}

static bool begin_ending(void)
{
	return !__atomic_exchange_n(&is_ending, true, __ATOMIC_SEQ_CST);
}

/* Whether the host has taken everything; then there is room for more. */
static bool drain(void)
{
	if (!trace_started() || trace_drain())
		return true;
	printk("palimpsest: the host does not take the end of the trace");
	return false;
}

/* The last event; drained before it too, so that there is room for it whatever the mode. */
static void end_trace(s32 status, enum session_reason reason)
{
	if (!drain())
		return;
	/* Also a trace that is paused has an end. */
	if (trace_started())
		trace_enable("session_end", true);
	TRACE(session_end, .status = status, .reason = reason);
	if (drain())
		panic_hooks.trace_in_memory = false;
}

/* All other CPUs are stopped, perhaps in the middle of an event: then their last packet cannot be
 * sent, and stays in memory. */
static void session_panic(void)
{
	if (!begin_ending())
		return; /* the panic came while ending: what can be drained is on its way */
	end_trace(0, SESSION_PANIC);
}

void session_start_trace(const struct trace_sink *sink, enum trace_mode mode)
{
	quiesce_begin();
	trace_start(sink, mode);
	panic_hooks.last_words = session_panic;
	panic_hooks.trace_in_memory = true;
	trace_enable_all(true);
	TRACE(session_begin, .tsc_hz = clock.tsc_hz, .nr_cpus = nr_cpus,
	      .nr_frames = nr_managed_frames, .max_pfn = max_pfn, .nr_slots = swap_nr_slots(),
	      .watermark_min = watermarks.min, .watermark_low = watermarks.low,
	      .watermark_high = watermarks.high, .lossless = mode == TRACE_LOSSLESS);
	emit_baseline();
	quiesce_end();
}

void session_defer_trace(const struct trace_sink *sink, enum trace_mode mode)
{
	deferred.sink = sink;
	deferred.mode = mode;
}

int session_start_deferred_trace(void)
{
	if (!deferred.sink || trace_started())
		return -EBUSY;
	session_start_trace(deferred.sink, deferred.mode);
	return 0;
}

int session_state(void)
{
	if (!trace_started())
		return -EBUSY;
	quiesce_begin();
	trace_enable_all(true);
	emit_baseline();
	quiesce_end();
	return 0;
}

int session_pause(void)
{
	if (!trace_started())
		return -EBUSY;
	quiesce_begin();
	vmstat_emit();
	TRACE(trace_off, .n = nr_baselines);
	trace_enable_all(false);
	quiesce_end();
	return 0;
}

u64 session_barrier_quiesced(void)
{
	u64 n = ++nr_barriers;

	TRACE(trace_barrier, .n = n);
	for_each_cpu (cpu)
		if (trace_started())
			trace_beat(cpu);
	return n;
}

u64 session_barrier(void)
{
	quiesce_begin();
	u64 n = session_barrier_quiesced();
	quiesce_end();
	return n;
}

static void print_vmstat(void)
{
	for (u32 item = 0; item < NR_VMSTAT; item++)
		printk("vmstat %s %lu", vmstat_name(item), vmstat_read(item));
}

void session_end(s32 status, enum session_reason reason)
{
	while (!begin_ending()) {
		/* Another task ends it: it parks us, and never lets go. It may still sleep, and
		 * need this CPU. */
		cond_resched();
		cpu_relax();
	}
	/* A kill that has begun ends within the session, or its oom_done would be missing. */
	oom_wait_done();
	quiesce_begin();
	print_vmstat();
	mm_check();
	vmstat_emit();
	end_trace(status, reason);
	printk("palimpsest: session end");
	arch_exit_machine(0);
}
