/*
 * What the trace promises of frames: from the events alone, and from no other knowledge, the free
 * lists can be rebuilt. A replay of the page allocator's events must find each one legal, and end
 * where the baseline says the allocator is.
 */
#include "mm_fixture.h"

#include "event_log.h"
#include "mm/vmstat.h"

#define NR_HELD 512

/* Where each frame is by events (`frames`), and as the baseline lists it (`listed`). */

enum place { PLACE_UNKNOWN, PLACE_BUDDY, PLACE_PCP, PLACE_USED, PLACE_INSIDE };

static struct frame {
	enum place place; /* of the first frame of a block; the others are inside */
	u32 order, cpu, kind;
} frames[RAM_FRAMES], listed[RAM_FRAMES];

static void put(struct frame *to, u32 pfn, enum place place, u32 order, u32 cpu, u32 kind)
{
	assert_true(pfn + (1u << order) <= RAM_FRAMES);
	for (u32 i = 0; i < 1u << order; i++)
		to[pfn + i] = (struct frame){i ? PLACE_INSIDE : place, order, cpu, kind};
}

static void expect(u32 pfn, enum place place, u32 order)
{
	assert_int_equal(frames[pfn].place, place);
	assert_int_equal(frames[pfn].order, order);
}

static void replay_alloc(const struct trace_ev_mm_page_alloc *ev)
{
	expect(ev->pfn, ev->pcp ? PLACE_PCP : PLACE_BUDDY, ev->order);
	if (ev->pcp)
		assert_int_equal(frames[ev->pfn].cpu, machine.cpu);
	put(frames, ev->pfn, PLACE_USED, ev->order, 0, ev->kind);
}

static void replay_free(const struct trace_ev_mm_page_free *ev)
{
	expect(ev->pfn, PLACE_USED, ev->order);
	assert_int_equal(frames[ev->pfn].kind, ev->kind);
	put(frames, ev->pfn, ev->pcp ? PLACE_PCP : PLACE_BUDDY, ev->order,
	    ev->pcp ? machine.cpu : 0, 0);
}

static void replay_split(const struct trace_ev_buddy_split *ev)
{
	expect(ev->pfn, PLACE_BUDDY, ev->order);
	put(frames, ev->pfn, PLACE_BUDDY, ev->order - 1, 0, 0);
	put(frames, ev->pfn + (1u << (ev->order - 1)), PLACE_BUDDY, ev->order - 1, 0, 0);
}

static void replay_merge(const struct trace_ev_buddy_merge *ev)
{
	expect(ev->pfn, PLACE_BUDDY, ev->order);
	expect(ev->pfn + (1u << ev->order), PLACE_BUDDY, ev->order);
	put(frames, ev->pfn, PLACE_BUDDY, ev->order + 1, 0, 0);
}

static void replay_state_free(const struct trace_ev_state_free *ev)
{
	bool pcp = ev->pcp_cpu != 0xffff;

	assert_int_equal(listed[ev->pfn].place, PLACE_UNKNOWN);
	put(listed, ev->pfn, pcp ? PLACE_PCP : PLACE_BUDDY, ev->order, pcp ? ev->pcp_cpu : 0, 0);
}

static void replay(u32 id, const void *payload)
{
	u32 pfn = *(const u32 *)payload;

	switch (id) {
	case TRACE_ID_mm_page_alloc:
		replay_alloc(payload);
		break;
	case TRACE_ID_mm_page_free:
		replay_free(payload);
		break;
	case TRACE_ID_buddy_split:
		replay_split(payload);
		break;
	case TRACE_ID_buddy_merge:
		replay_merge(payload);
		break;
	case TRACE_ID_mm_page_pcpu_refill:
		expect(pfn, PLACE_BUDDY, 0);
		put(frames, pfn, PLACE_PCP, 0, machine.cpu, 0);
		break;
	case TRACE_ID_mm_page_pcpu_drain:
		expect(pfn, PLACE_PCP, 0);
		put(frames, pfn, PLACE_BUDDY, 0, 0, 0);
		break;
	case TRACE_ID_state_free:
		replay_state_free(payload);
		break;
	default:
		break;
	}
}

static void verify(void)
{
	memset(listed, 0, sizeof(listed));
	page_alloc_baseline();
	for (u32 pfn = 0; pfn < RAM_FRAMES; pfn++) {
		bool free = frames[pfn].place == PLACE_BUDDY || frames[pfn].place == PLACE_PCP;

		if (free)
			assert_memory_equal(&listed[pfn], &frames[pfn], sizeof(listed[pfn]));
		else if (frames[pfn].place == PLACE_USED)
			assert_int_equal(listed[pfn].place, PLACE_UNKNOWN);
	}
	assert_int_equal(page_alloc_check(), 0);
}

static int setup(void **state)
{
	if (mm_setup(state))
		return -1;
	event_hook = replay;
	event_log_start();
	memset(listed, 0, sizeof(listed));
	page_alloc_baseline();
	memcpy(frames, listed, sizeof(frames));
	return 0;
}

static u64 counted(void)
{
	return vmstat_read(VMSTAT_PGALLOC) - vmstat_read(VMSTAT_PGFREE);
}

static void test_events_rebuild_the_free_lists(void **state)
{
	struct page *held[NR_HELD] = {0};
	u64 seed = 42, before = counted();
	u32 free_before = nr_free_frames();

	(void)state;
	for (u32 step = 0; step < 20000; step++) {
		u64 random = unit_random(&seed);
		struct page **slot = &held[random % NR_HELD];
		u32 order = (random >> 16) % 8 ? 0 : (random >> 20) % 4;

		machine.cpu = random >> 40 & 1;
		if (*slot) {
			free_pages(*slot, (*slot)->order);
			*slot = NULL;
		} else {
			*slot = alloc_pages(GFP_ATOMIC, order, PAGE_ANON);
		}
	}
	verify();
	assert_int_equal(counted() - before, free_before - nr_free_frames());
	for (u32 i = 0; i < NR_HELD; i++)
		if (held[i])
			free_pages(held[i], held[i]->order);
	for (machine.cpu = 0; machine.cpu < nr_cpus; machine.cpu++)
		pcp_drain_local();
	machine.cpu = 0;
	verify();
	assert_true(event_count[TRACE_ID_buddy_merge] > 0);
	assert_true(event_count[TRACE_ID_mm_page_pcpu_drain] > 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(test_events_rebuild_the_free_lists, setup, mm_teardown),
};

UNIT_MAIN(tests)
