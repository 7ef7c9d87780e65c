/* The page allocator: that its events tell its state, watermarks, and the misuse it must catch. */
#include "mm_fixture.h"

#include "cpu/current.h"
#include "mm/vmstat.h"

static void drain_cpus(void)
{
	for (machine.cpu = 0; machine.cpu < nr_cpus; machine.cpu++)
		pcp_drain_local();
	machine.cpu = 0;
}

static void random_traffic_replays(void **state)
{
	struct page *held[512] = {0};
	u64 seed = 42;

	(void)state;
	for (u32 step = 0; step < 20000; step++) {
		u64 random = unit_random(&seed);
		struct page **slot = &held[random % 512];
		u32 order = (random >> 16) % 8 ? 0 : (random >> 20) % 4;

		machine.cpu = random >> 40 & 1;
		if (*slot) {
			free_pages(*slot, (*slot)->order);
			*slot = NULL;
		} else {
			*slot = alloc_pages(GFP_ATOMIC, order, PAGE_ANON);
		}
	}
	fixture_verify();
	for (u32 i = 0; i < 512; i++)
		if (held[i])
			page_put(held[i]);
	drain_cpus();
	fixture_verify();
	assert_int_equal(vmstat_read(VMSTAT_PGALLOC) - vmstat_read(VMSTAT_PGFREE),
			 nr_managed_frames - nr_free_frames());
}

static void a_fresh_frame_is_clean(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL | GFP_ZERO, 2, PAGE_IO);
	const char *bytes = page_virt(page);

	(void)state;
	assert_int_equal(atomic_read(&page->refcount), 1);
	assert_int_equal(page_mapcount(page), 0);
	assert_int_equal(page->flags, 0);
	assert_int_equal(page->kind, PAGE_IO);
	assert_int_equal(page_pfn(page) % 4, 0);
	for (u32 i = 0; i < 4 * PAGE_SIZE; i++)
		assert_int_equal(bytes[i], 0);
	page_put(page);
}

/* Frames that drain() took, by page->lru. */
static LIST_HEAD(hoard);

static void drain(u32 gfp)
{
	struct page *page;

	while ((page = alloc_page(gfp, PAGE_ANON)))
		list_add(&page->lru, &hoard);
}

static u32 give_back(u32 nr)
{
	u32 freed = 0;

	for (; freed < nr && !list_empty(&hoard); freed++) {
		struct page *page = list_first_entry(&hoard, struct page, lru);

		list_del(&page->lru);
		page_put(page);
	}
	return freed;
}

static u32 reclaim_one(void)
{
	return give_back(1);
}
static void kill_many(void)
{
	give_back(64);
}

static void watermarks_are_kept(void **state)
{
	struct page *page;

	(void)state;
	drain_cpus();
	drain(GFP_NOOOM);
	assert_true(fixture.kswapd_wakeups > 0);
	assert_int_equal(fixture.kills, 0);
	assert_int_equal(nr_free_frames(), watermarks.min);
	drain(GFP_ATOMIC);
	assert_int_equal(nr_free_frames(), watermarks.min / 2);
	current->flags |= PF_MEMALLOC;
	drain(GFP_KERNEL);
	current->flags &= ~PF_MEMALLOC;
	assert_int_equal(nr_free_frames(), 0);
	fixture_verify();

	fixture.kill = kill_many;
	give_back(watermarks.min - 32);
	page = alloc_page(GFP_KERNEL, PAGE_ANON); /* nothing to reclaim: kills, and gets one */
	assert_non_null(page);
	assert_int_equal(fixture.kills, 1);
	page_put(page);

	fixture.reclaim = reclaim_one;
	drain(GFP_ATOMIC);
	page = alloc_page(GFP_KERNEL, PAGE_ANON); /* reclaims until above min */
	assert_non_null(page);
	assert_int_equal(fixture.kills, 1);
	page_put(page);
	give_back(~0u);
	fixture_verify();
}

static void double_free_panics(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_ANON);

	(void)state;
	free_page(page);
	expect_assert_failure(free_page(page));
	assert_non_null(strstr(machine_panic_message, "double free"));
}

static void wrong_order_panics(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1, PAGE_ANON);

	(void)state;
	expect_assert_failure(free_page(page));
	expect_assert_failure(free_page(page + 1));
	free_pages(page, 1);
}

static void use_after_free_panics(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_ANON);
	char *bytes = page_virt(page);
	char before;

	(void)state;
	free_page(page);
	before = bytes[100];
	bytes[100] = 1;
	expect_assert_failure(alloc_page(GFP_KERNEL, PAGE_ANON));
	assert_non_null(strstr(machine_panic_message, "after it was freed"));
	bytes[100] = before;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(random_traffic_replays, fixture_setup),
	cmocka_unit_test_setup(a_fresh_frame_is_clean, fixture_setup),
	cmocka_unit_test_setup(watermarks_are_kept, fixture_setup),
	cmocka_unit_test_setup(double_free_panics, fixture_setup),
	cmocka_unit_test_setup(wrong_order_panics, fixture_setup),
	cmocka_unit_test_setup(use_after_free_panics, fixture_setup),
};

UNIT_MAIN(tests)
