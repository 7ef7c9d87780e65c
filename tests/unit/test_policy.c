/*
 * Replacement policies in a machine of numbers: two lists, batches as reclaim takes them, and the
 * accesses of a program. The policy files are the kernel's own.
 */
#include "unit.h"

#include "lib/list.h"
#include "mm/lru.h"
#include "mm/policy.h"

#define NR_FRAMES 1000u
#define MAX_PAGES 4000u
#define BATCH     32u
#define LOW       50u
#define HIGH      80u

struct sim_page {
	struct list_head node; /* linked while in memory */
	enum lru_list list;
	bool resident, accessed, second_look, was_evicted;
	u32 evicted_at;
};

static struct {
	const struct replacement_policy *policy;
	struct sim_page pages[MAX_PAGES];
	struct list_head lists[NR_LRU_LISTS];
	u32 size[NR_LRU_LISTS];
	u32 nr_free, evictions, misses;
} sim;

static void start(const struct replacement_policy *policy)
{
	memset(&sim, 0, sizeof(sim));
	sim.policy = policy;
	sim.nr_free = NR_FRAMES;
	for (u32 i = 0; i < NR_LRU_LISTS; i++)
		list_init(&sim.lists[i]);
}

static struct list_view view(void)
{
	return (struct list_view){.inactive = sim.size[LRU_INACTIVE_ANON],
				  .active = sim.size[LRU_ACTIVE_ANON],
				  .nr_free = sim.nr_free};
}

static void insert(struct sim_page *page, enum lru_list list)
{
	page->list = list;
	list_add(&page->node, &sim.lists[list]);
	sim.size[list]++;
}

/* The page at the tail, taken off its list, with its accessed bit harvested; NULL: the list is
 * empty. */
static struct sim_page *take_tail(enum lru_list list, struct page_view *seen)
{
	struct sim_page *page;

	if (list_empty(&sim.lists[list]))
		return NULL;
	page = list_last_entry(&sim.lists[list], struct sim_page, node);
	list_del(&page->node);
	sim.size[list]--;
	*seen = (struct page_view){
		.mappings = 1, .referenced = page->accessed, .second_look = page->second_look};
	page->accessed = false;
	return page;
}

static void age_one(void)
{
	struct page_view seen;
	struct sim_page *page = take_tail(LRU_ACTIVE_ANON, &seen);

	if (page)
		insert(page, sim.policy->judge_active(&seen) == RECLAIM_ROTATE ? LRU_ACTIVE_ANON
									       : LRU_INACTIVE_ANON);
}

static void judge_one(void)
{
	struct page_view seen;
	struct sim_page *page = take_tail(LRU_INACTIVE_ANON, &seen);

	if (!page)
		return;
	switch (sim.policy->judge_inactive(&seen)) {
	case RECLAIM_ACTIVATE:
		page->second_look = false;
		insert(page, LRU_ACTIVE_ANON);
		break;
	case RECLAIM_KEEP_REFERENCED:
		page->second_look = true;
		insert(page, LRU_INACTIVE_ANON);
		break;
	default:
		page->resident = page->second_look = false;
		page->was_evicted = true;
		page->evicted_at = ++sim.evictions;
		sim.nr_free++;
	}
}

static void reclaim(void)
{
	for (u32 passes = 0; sim.nr_free < HIGH; passes++) {
		struct list_view lists = view();

		assert_true(passes < 4 * NR_FRAMES);
		if (sim.policy->wants_aging(&lists))
			for (u32 i = 0; i < BATCH; i++)
				age_one();
		for (u32 i = 0; i < BATCH; i++)
			judge_one();
	}
}

static void touch(u32 number)
{
	struct sim_page *page = &sim.pages[number];

	if (!page->resident) {
		struct list_view lists;

		if (sim.nr_free < LOW)
			reclaim();
		lists = view();
		sim.nr_free--;
		sim.misses++;
		page->resident = true;
		insert(page, page->was_evicted ? sim.policy->place_refault(
							 sim.evictions - page->evicted_at, &lists)
					       : sim.policy->place_new(&lists));
	}
	page->accessed = true;
}

/* Goes `rounds` times over the pages first .. first + nr - 1; returns the misses of the last
 * round. */
static u32 loop(u32 first, u32 nr, u32 rounds)
{
	u32 before = 0;

	for (u32 round = 0; round < rounds; round++) {
		before = sim.misses;
		for (u32 i = 0; i < nr; i++)
			touch(first + i);
	}
	return sim.misses - before;
}

static void test_two_list_loses_a_loop(void **state)
{
	(void)state;
	start(&policy_two_list);
	assert_int_equal(loop(0, 1200, 5), 1200);
}

static void test_incumbent_keeps_most_of_a_loop(void **state)
{
	(void)state;
	start(&policy_incumbent);
	assert_in_range(loop(0, 1200, 5), 200, 800);
}

static void test_what_fits_stays(void **state)
{
	(void)state;
	start(&policy_incumbent);
	assert_int_equal(loop(0, 900, 3), 0);
}

/* Pages that are not used any more, active as they were, make room. */
static void test_incumbents_give_way(void **state)
{
	(void)state;
	start(&policy_incumbent);
	loop(0, 900, 10);
	assert_int_equal(loop(1000, 900, 10), 0);
	assert_in_range(loop(2000, 1200, 10), 200, 800);
}

/* A sweep over pages that are not used again costs a set in use next to nothing. */
static void test_a_sweep_passes(void **state)
{
	u32 lost = 0;

	(void)state;
	start(&policy_incumbent);
	loop(0, 400, 3);
	for (u32 page = 1000; page < MAX_PAGES; page += 100) {
		for (u32 i = 0; i < 100; i++)
			touch(page + i);
		lost += loop(0, 400, 1);
	}
	assert_in_range(lost, 0, 400);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_two_list_loses_a_loop),
	cmocka_unit_test(test_incumbent_keeps_most_of_a_loop),
	cmocka_unit_test(test_what_fits_stays),
	cmocka_unit_test(test_incumbents_give_way),
	cmocka_unit_test(test_a_sweep_passes),
};

UNIT_MAIN(tests)
