/*
 * The trace ring with interrupts that emit: at every single point of an emission, between reserve
 * and commit, more than fits, and at random with all that can happen at once.
 */
#include "ring_fixture.h"

#include "cpu/irqflags.h"
#include "cpu/percpu.h"

#define PACKET_ROOM (TRACE_SUBBUF_SIZE - sizeof(struct trace_packet))
#define FULL_OF_16S (PACKET_ROOM / 16)

static void *reserve_16(void)
{
	attempted[0]++;
	return trace_reserve(sizeof(struct trace_ev_trace_stall));
}

/* Commits what reserve_16() returned, as a stall of 0 ns: the fixture accepts those in any number.
 */
static void commit_16(void *payload)
{
	memset(payload, 0, sizeof(struct trace_ev_trace_stall));
	trace_commit(payload, TRACE_ID_trace_stall, sizeof(struct trace_ev_trace_stall));
	attempted[0]--;
}

/* ---- one interrupt, at each point in turn ------------------------------------------------------
 */

static u32 points, point_to_hit, burst;

static void interrupt_at_one_point(void)
{
	if (points++ == point_to_hit)
		emit_many(EMIT_16, burst);
}

static void fill_but(u32 bytes)
{
	while (room_left() != bytes)
		emit(room_left() >= bytes + 48 ? EMIT_48 : EMIT_16);
}

/* Returns whether that point exists. */
static bool interrupt_once(enum trace_mode mode, u32 room, u32 nr_burst, u32 point)
{
	fixture_start(1, 5, mode);
	emit(EMIT_16);
	fill_but(room);
	points = 0;
	point_to_hit = point;
	burst = nr_burst;
	machine.interrupt = interrupt_at_one_point;
	emit(EMIT_24);
	emit(EMIT_16);
	/* Who finds that an interrupt has switched does not switch again. */
	assert_true(check_stream(0).packets <= 2 + nr_burst / FULL_OF_16S);
	trace_flush(0);
	check_all_arrived();
	assert_int_equal(check_stream(0).discarded, 0);
	return points > point;
}

static void test_an_interrupt_at_every_point(void **state)
{
	static const u32 bursts[] = {1, 2, FULL_OF_16S, FULL_OF_16S + 1};

	(void)state;
	for (enum trace_mode mode = TRACE_LOSSLESS; mode <= TRACE_DISCARD; mode++)
		for (u32 room = 0; room <= 64; room += 16)
			for (u32 b = 0; b < ARRAY_SIZE(bursts); b++) {
				u32 point = 0;

				while (interrupt_once(mode, room, bursts[b], point))
					point++;
				assert_true(point > 20);
			}
}

/* ---- an event held open ------------------------------------------------------------------------
 */

static void test_later_packets_wait_for_the_earlier(void **state)
{
	void *held;

	(void)state;
	fixture_start(1, 8, TRACE_LOSSLESS);
	held = reserve_16();
	emit_many(EMIT_16, 3 * FULL_OF_16S);
	assert_int_equal(check_stream(0).packets, 1);
	commit_16(held);
	assert_int_equal(check_stream(0).packets, 4);
	check_all_arrived();
	assert_int_equal(check_stream(0).packets, 5);
}

static void test_a_flush_in_the_middle_of_an_event_does_nothing(void **state)
{
	void *held;

	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	emit(EMIT_16);
	held = reserve_16();
	for (u32 i = 0; i < 100; i++) {
		emit(EMIT_16);
		trace_flush(0);
	}
	assert_int_equal(check_stream(0).packets, 1);
	commit_16(held);
	trace_flush(0);
	assert_int_equal(check_stream(0).packets, 2);
	check_all_arrived();
}

/* Commits need not come in the order of reserves: an interrupt's come first. */
static void test_delivered_by_the_last_commit(void **state)
{
	void *held[3];

	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	for (u32 i = 0; i < ARRAY_SIZE(held); i++)
		held[i] = reserve_16();
	emit_many(EMIT_16, FULL_OF_16S);
	commit_16(held[2]);
	commit_16(held[0]);
	assert_int_equal(check_stream(0).packets, 1);
	commit_16(held[1]);
	assert_int_equal(check_stream(0).packets, 2);
	check_all_arrived();
}

/* Task-level code leaves two packets to interrupts even when the host takes nothing. */
static void test_two_packets_are_kept_for_nesting(void **state)
{
	void *held;

	(void)state;
	fixture_start(1, 8, TRACE_DISCARD);
	host.stopped = true; /* has packet 0; five more may be filled, and two are left */
	emit_many(EMIT_16, 5 * FULL_OF_16S);
	assert_int_equal(trace_counts(0).discarded, 0);
	emit(EMIT_16);
	assert_int_equal(trace_counts(0).discarded, 1);

	fixture_start(1, 8, TRACE_DISCARD);
	host.stopped = true;
	emit_many(EMIT_16, 5 * FULL_OF_16S - 1);
	held = reserve_16();
	assert_non_null(held);
	assert_int_equal(room_left(), 0);
	emit_many(EMIT_16, 2 * FULL_OF_16S);
	assert_int_equal(trace_counts(0).discarded, 0);
	emit_many(EMIT_16, 5);
	assert_int_equal(trace_counts(0).discarded, 5);
	commit_16(held);
	check_all_arrived();
}

/* An interrupt in lossless mode waits for what the host has, and only then loses. */
static void test_nesting_beyond_the_ring(void **state)
{
	void *held;

	(void)state;
	fixture_start(1, 4, TRACE_LOSSLESS);
	machine.tsc_step = 0; /* no trace_stall events, which would take room */
	host.polls_to_wait = 50;
	emit_many(EMIT_16, 2 * FULL_OF_16S);
	held = reserve_16();
	emit_many(EMIT_16, 4 * FULL_OF_16S - 1);
	assert_int_equal(trace_counts(0).discarded, 0);
	emit_many(EMIT_16, 7);
	assert_int_equal(trace_counts(0).discarded, 7);
	commit_16(held);
	check_all_arrived();
}

/* ---- everything at random ----------------------------------------------------------------------
 */

static uint64_t seed;

static void emit_random(void)
{
	u32 dice = unit_random(&seed) % 64;

	if (dice == 0)
		trace_flush(cpu_id());
	else if (dice < 40)
		emit(EMIT_24);
	else
		emit(dice % 2 ? EMIT_16 : EMIT_48);
}

/* Emits a few, in some cases with interrupts on again, so that others come on top. */
static void random_interrupt(void)
{
	u64 dice = unit_random(&seed);

	if (dice % 40)
		return;
	if (machine.irq_depth < 3 && dice & BIT(20))
		irq_enable();
	for (u32 n = (dice >> 32) % 12; n > 0; n--)
		emit_random();
	irq_disable();
	if (dice & BIT(21)) {
		machine.tsc += NSEC_PER_MSEC;
		trace_flush_idle();
	}
}

static void host_sometimes_sleeps(void)
{
	if (unit_random(&seed) % 8 == 0)
		host.stopped = false;
}

static void stress(enum trace_mode mode, u32 subbufs, u32 polls_to_wait)
{
	fixture_start(2, subbufs, mode);
	host.any_order = true;
	host.polls_to_wait = polls_to_wait;
	machine.interrupt = random_interrupt;
	machine.relax = host_sometimes_sleeps;
	for (u32 i = 0; i < 30000; i++) {
		u64 dice = unit_random(&seed);

		if (dice % 4096 == 0)
			host.stopped = !host.stopped;
		machine.cpu = dice >> 32 & 1;
		emit_random();
	}
	check_all_arrived();
	if (mode == TRACE_LOSSLESS)
		assert_int_equal(check_stream(0).discarded + check_stream(1).discarded, 0);
}

static void test_stress_lossless(void **state)
{
	(void)state;
	for (seed = 1; seed < 9; seed++)
		for (u32 subbufs = 4; subbufs <= 16; subbufs += 3) {
			uint64_t kept = seed;

			stress(TRACE_LOSSLESS, subbufs, subbufs);
			seed = kept;
		}
}

static void test_stress_discard(void **state)
{
	(void)state;
	for (uint64_t run = 1; run < 20; run++) {
		seed = run;
		stress(TRACE_DISCARD, 4 + run % 5, 2);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_an_interrupt_at_every_point),
	cmocka_unit_test(test_later_packets_wait_for_the_earlier),
	cmocka_unit_test(test_a_flush_in_the_middle_of_an_event_does_nothing),
	cmocka_unit_test(test_delivered_by_the_last_commit),
	cmocka_unit_test(test_two_packets_are_kept_for_nesting),
	cmocka_unit_test(test_nesting_beyond_the_ring),
	cmocka_unit_test(test_stress_lossless),
	cmocka_unit_test(test_stress_discard),
};

UNIT_MAIN(tests)
