/* The trace ring without interrupts: packets, switching, waiting, discarding, flushing, draining,
 * enabling. */
#include "ring_fixture.h"

#include "cpu/irqflags.h"
#include "lib/errno.h"

#define PACKET_ROOM (TRACE_SUBBUF_SIZE - sizeof(struct trace_packet))
#define FULL_OF_16S (PACKET_ROOM / 16)

static void test_start_sends_an_empty_packet_per_cpu(void **state)
{
	(void)state;
	fixture_start(2, 4, TRACE_LOSSLESS);
	for (u32 cpu = 0; cpu < 2; cpu++) {
		struct stream stream = check_stream(cpu);

		assert_int_equal(stream.packets, 1);
		assert_int_equal(stream.last_bits, sizeof(struct trace_packet) * 8);
	}
	check_all_arrived();
}

static void test_flush_sends_what_there_is(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	emit(EMIT_16);
	emit(EMIT_24);
	emit(EMIT_48);
	assert_int_equal(check_stream(0).events, 0);
	trace_flush(0);
	assert_int_equal(check_stream(0).events, 3);
	assert_int_equal(check_stream(0).last_bits, (sizeof(struct trace_packet) + 88) * 8);
	trace_flush(0);
	assert_int_equal(check_stream(0).packets, 2);
	check_all_arrived();
}

static void test_a_beat_tells_that_nothing_is_missing(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	trace_beat(0);
	assert_int_equal(check_stream(0).packets, 2);
	assert_int_equal(check_stream(0).last_bits, sizeof(struct trace_packet) * 8);
	emit(EMIT_16);
	trace_beat(0);
	assert_int_equal(check_stream(0).packets, 3);
	assert_int_equal(check_stream(0).events, 1);
	check_all_arrived();
}

static void test_a_packet_is_filled_to_its_last_byte(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	emit_many(EMIT_16, FULL_OF_16S);
	assert_int_equal(check_stream(0).packets, 1);
	emit(EMIT_16);
	assert_int_equal(check_stream(0).packets, 2);
	assert_int_equal(check_stream(0).events, FULL_OF_16S);
	assert_int_equal(check_stream(0).last_bits, TRACE_SUBBUF_SIZE * 8);
	check_all_arrived();
}

static void test_a_full_packet_is_flushed(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	emit_many(EMIT_16, FULL_OF_16S);
	trace_flush(0);
	assert_int_equal(check_stream(0).last_bits, TRACE_SUBBUF_SIZE * 8);
	check_all_arrived();
}

static void test_an_event_never_crosses_the_end(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	emit_many(EMIT_16, FULL_OF_16S - 1);
	assert_int_equal(room_left(), 16);
	emit(EMIT_24);
	assert_int_equal(check_stream(0).last_bits, (TRACE_SUBBUF_SIZE - 16) * 8);
	check_all_arrived();
}

static void test_all_numbers_of_subbufs(void **state)
{
	(void)state;
	for (u32 subbufs = TRACE_MIN_SUBBUFS; subbufs <= TRACE_MAX_SUBBUFS; subbufs += 5) {
		fixture_start(1, subbufs, TRACE_LOSSLESS);
		host.any_order = true;
		emit_many(EMIT_48, 100000);
		check_all_arrived();
	}
}

static void host_wakes_up(void)
{
	static u32 rounds;

	if (++rounds % 1000 == 0)
		host.stopped = false;
}

static void test_lossless_waits_and_says_how_long(void **state)
{
	struct stream stream;

	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	machine.relax = host_wakes_up;
	for (u32 i = 0; i < 5; i++) {
		host.stopped = true;
		emit_many(EMIT_24, 20000);
	}
	check_all_arrived();
	stream = check_stream(0);
	assert_int_equal(stream.discarded, 0);
	assert_int_equal(stream.stalls, 5);
	assert_true(stream.stalled_ns > 0);
}

static void test_a_stall_is_counted_when_its_event_is_off(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	assert_int_equal(trace_enable("trace_stall", false), 0);
	machine.relax = host_wakes_up;
	host.stopped = true;
	emit_many(EMIT_24, 20000);
	assert_true(trace_counts(0).stalled_ns > 0);
	assert_true(trace_drain());
	assert_int_equal(check_stream(0).stalls, 0);
	assert_int_equal(check_stream(0).events, 20000);
}

static void test_discard_counts_exactly(void **state)
{
	struct stream stream;

	(void)state;
	fixture_start(1, 4, TRACE_DISCARD);
	for (u32 i = 0; i < 4; i++) {
		host.stopped = true;
		emit_many(EMIT_16, 10000);
		host.stopped = false;
		emit_many(EMIT_24, 10000);
	}
	assert_true(trace_counts(0).discarded > 0);
	assert_int_equal(trace_counts(0).emitted, 80000);
	check_all_arrived();
	stream = check_stream(0);
	assert_int_equal(stream.stalls, 0);
	assert_true(stream.discarded > 10000 && stream.discarded < 40000);
}

static void test_discards_behind_the_last_event_are_told(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_DISCARD);
	host.stopped = true;
	emit_many(EMIT_16, 20000);
	trace_flush(0);
	assert_int_not_equal(check_stream(0).discarded, trace_counts(0).discarded);
	check_all_arrived();
	assert_int_equal(check_stream(0).last_bits, sizeof(struct trace_packet) * 8);
}

/* The tick, 10 ms apart. */
static void ticks(u32 n)
{
	while (n--) {
		u64 flags = irq_save();

		machine.tsc += 10 * NSEC_PER_MSEC;
		trace_flush_idle();
		irq_restore(flags);
	}
}

static void test_idle_flush_after_100_ms(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	ticks(100);
	assert_int_equal(check_stream(0).packets, 1);
	emit(EMIT_16);
	ticks(10);
	assert_int_equal(check_stream(0).packets, 1);
	emit(EMIT_16);
	ticks(10);
	assert_int_equal(check_stream(0).packets, 1);
	ticks(1);
	assert_int_equal(check_stream(0).packets, 2);
	assert_int_equal(check_stream(0).events, 2);
	ticks(100);
	assert_int_equal(check_stream(0).packets, 2);
	check_all_arrived();
}

static void test_two_cpus_drained_by_one(void **state)
{
	(void)state;
	fixture_start(2, 4, TRACE_LOSSLESS);
	for (u32 i = 0; i < 30000; i++) {
		machine.cpu = i % 3 == 0;
		emit(i % 2 ? EMIT_16 : EMIT_48);
	}
	machine.cpu = 0;
	check_all_arrived();
	assert_int_equal(check_stream(0).events, 20000);
	assert_int_equal(check_stream(1).events, 10000);
}

static void test_drain_gives_up_after_10_s(void **state)
{
	u64 begin;

	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	machine.tsc_step = NSEC_PER_MSEC;
	emit(EMIT_16);
	host.stopped = true;
	begin = machine.tsc;
	assert_false(trace_drain());
	assert_in_range(machine.tsc - begin, 10 * NSEC_PER_SEC, 11 * NSEC_PER_SEC);
	assert_true(irqs_enabled());
	check_all_arrived();
}

/* The limit counts from when the host last took something. */
static void test_drain_is_patient_with_a_slow_host(void **state)
{
	u64 begin;

	(void)state;
	fixture_start(1, 16, TRACE_LOSSLESS);
	host.polls_to_wait = 4000;
	emit_many(EMIT_48, 15000);
	machine.tsc_step = NSEC_PER_MSEC;
	begin = machine.tsc;
	assert_true(trace_drain());
	assert_true(machine.tsc - begin > 20 * NSEC_PER_SEC);
	check_all_arrived();
}

static void test_drain_reports_an_unfinished_event(void **state)
{
	void *payload;

	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	emit(EMIT_16);
	payload = trace_reserve(sizeof(struct trace_ev_trace_barrier));
	assert_non_null(payload);
	assert_false(trace_drain());
	assert_int_equal(check_stream(0).packets, 1);
}

static void test_nothing_before_the_start(void **state)
{
	(void)state;
	fixture_reset(1);
	trace_flush(0);
	trace_beat(0);
	trace_flush_idle();
	assert_true(trace_drain());
	assert_false(trace_started());
	assert_panics("!trace_started()", trace_enable_all(true));
	assert_panics("!trace_started()", trace_enable("vmstat", true));
	assert_int_equal(trace_counts(0).emitted, 0);
}

static void test_enabling_by_name(void **state)
{
	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	trace_enable_all(false);
	emit(EMIT_16);
	assert_int_equal(trace_counts(0).emitted, 0);
	assert_int_equal(trace_enable("trace_barrier", true), 0);
	assert_int_equal(trace_enable("trace_barrie", true), -ENOENT);
	assert_int_equal(trace_enable("", true), -ENOENT);
	emit(EMIT_16);
	emit(EMIT_24);
	assert_int_equal(trace_counts(0).emitted, 1);
	for (u32 id = 0; id < TRACE_ID_LIMIT; id++)
		assert_int_equal(trace_enabled[id], id == TRACE_ID_trace_barrier);
}

static void test_arguments_of_an_event_that_is_off_are_not_evaluated(void **state)
{
	u32 evaluated = 0;

	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	trace_enable_all(false);
	TRACE(trace_barrier, .n = ++evaluated);
	assert_int_equal(evaluated, 0);
}

static void test_wrong_memory_is_refused(void **state)
{
	(void)state;
	fixture_reset(1);
	assert_panics("subbufs", trace_ring_attach(0, fixture_memory(0), 0, TRACE_MIN_SUBBUFS - 1));
	assert_panics("subbufs", trace_ring_attach(0, fixture_memory(0), 0, TRACE_MAX_SUBBUFS + 1));
	assert_panics("SUBBUF_SIZE",
		      trace_ring_attach(0, (u8 *)fixture_memory(0) + PAGE_SIZE, 0, 4));
	assert_panics("!ring->memory", trace_start(fixture_sink(), TRACE_LOSSLESS));
}

static int poll_names_what_was_never_submitted(u32 cpu)
{
	(void)cpu;
	return 3;
}

static void test_a_sink_that_lies_is_noticed(void **state)
{
	const struct trace_sink *good = fixture_sink();
	struct trace_sink liar;

	(void)state;
	fixture_reset(1);
	liar = (struct trace_sink){good->submit, poll_names_what_was_never_submitted};
	trace_ring_attach(0, fixture_memory(0), 0, 4);
	trace_start(&liar, TRACE_LOSSLESS);
	trace_enable_all(true);
	assert_panics("with_host", emit(EMIT_16));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_start_sends_an_empty_packet_per_cpu),
	cmocka_unit_test(test_flush_sends_what_there_is),
	cmocka_unit_test(test_a_beat_tells_that_nothing_is_missing),
	cmocka_unit_test(test_a_packet_is_filled_to_its_last_byte),
	cmocka_unit_test(test_a_full_packet_is_flushed),
	cmocka_unit_test(test_an_event_never_crosses_the_end),
	cmocka_unit_test(test_all_numbers_of_subbufs),
	cmocka_unit_test(test_lossless_waits_and_says_how_long),
	cmocka_unit_test(test_a_stall_is_counted_when_its_event_is_off),
	cmocka_unit_test(test_discard_counts_exactly),
	cmocka_unit_test(test_discards_behind_the_last_event_are_told),
	cmocka_unit_test(test_idle_flush_after_100_ms),
	cmocka_unit_test(test_two_cpus_drained_by_one),
	cmocka_unit_test(test_drain_gives_up_after_10_s),
	cmocka_unit_test(test_drain_is_patient_with_a_slow_host),
	cmocka_unit_test(test_drain_reports_an_unfinished_event),
	cmocka_unit_test(test_nothing_before_the_start),
	cmocka_unit_test(test_enabling_by_name),
	cmocka_unit_test(test_arguments_of_an_event_that_is_off_are_not_evaluated),
	cmocka_unit_test(test_wrong_memory_is_refused),
	cmocka_unit_test(test_a_sink_that_lies_is_noticed),
};

UNIT_MAIN(tests)
