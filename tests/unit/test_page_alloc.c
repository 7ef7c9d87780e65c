/* The page allocator with its buddy and per-CPU lists: blocks, merging, watermarks, reserves, wrong
 * frees. */
#include "mm_fixture.h"

#include "cpu/current.h"
#include "mm/buddy.h"
#include "mm/pcp.h"
#include "mm/zero_pool.h"

#define MAX_BLOCKS RAM_FRAMES

static struct block {
	struct page *page;
	u32 order;
} blocks[MAX_BLOCKS];
static u32 nr_blocks;

/* Fills every byte of a block with something that only it has. */
static void mark(const struct block *block)
{
	memset(page_virt(block->page), page_pfn(block->page) % 251, PAGE_SIZE << block->order);
}

static void check_mark(const struct block *block)
{
	const u8 *bytes = page_virt(block->page);

	for (size_t i = 0; i < PAGE_SIZE << block->order; i += 509)
		assert_int_equal(bytes[i], page_pfn(block->page) % 251);
}

/* Allocates a block and remembers it; false when there is none. */
static bool take(u32 gfp, u32 order)
{
	struct block block = {alloc_pages(gfp, order, PAGE_ANON), order};

	if (!block.page)
		return false;
	assert_int_equal(page_pfn(block.page) % (1u << order), 0);
	assert_int_equal(atomic_read(&block.page->refcount), 1);
	assert_int_equal(page_mapcount(block.page), 0);
	assert_int_equal(block.page->flags, 0);
	mark(&block);
	blocks[nr_blocks++] = block;
	return true;
}

/* Frees the n-th of the remembered blocks. */
static void give_back(u32 n)
{
	check_mark(&blocks[n]);
	free_pages(blocks[n].page, blocks[n].order);
	blocks[n] = blocks[--nr_blocks];
}

static void give_back_all(void)
{
	while (nr_blocks)
		give_back(nr_blocks - 1);
}

static void test_everything_is_free_at_first(void **state)
{
	(void)state;
	assert_int_equal(nr_managed_frames, 158 + 744 + 3087);
	assert_true(watermarks.min < watermarks.low && watermarks.low < watermarks.high);
}

static void test_every_order(void **state)
{
	(void)state;
	for (u32 order = 0; order <= MAX_ORDER; order++)
		assert_true(take(GFP_KERNEL, order));
	assert_int_equal(page_alloc_check(), 0);
	assert_int_equal(nr_free_frames(), nr_managed_frames - (2u << MAX_ORDER) + 1);
	give_back_all();
}

/* What was cut up grows together again: a block of the highest order can be had afterwards. */
static void test_blocks_merge(void **state)
{
	(void)state;
	fixture_task_flags(PF_MEMALLOC);
	while (take(GFP_KERNEL, 0))
		;
	assert_false(buddy_has_block(0));
	give_back_all();
	pcp_drain_local();
	assert_true(take(GFP_KERNEL, MAX_ORDER));
	give_back_all();
}

/* Against a model: every block keeps its own content, so no two ever overlap. */
static void test_random(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (u32 round = 0; round < 30000; round++) {
		uint64_t dice = unit_random(&seed);
		u32 order = dice % 16 ? dice % 3 : dice >> 8 & 7;

		machine.cpu = dice >> 40 & 1;
		if (dice >> 20 & 1 && nr_blocks < MAX_BLOCKS)
			take(GFP_KERNEL | GFP_NOOOM, order);
		else if (nr_blocks)
			give_back((dice >> 32) % nr_blocks);
		if (round % 512 == 0)
			assert_int_equal(page_alloc_check(), 0);
	}
	give_back_all();
}

static void test_gfp_zero(void **state)
{
	(void)state;
	assert_true(take(GFP_KERNEL, 3));
	give_back_all();

	struct page *page = alloc_pages(GFP_ZERO, 3, PAGE_ANON);
	const u8 *bytes = page_virt(page);

	for (size_t i = 0; i < PAGE_SIZE << 3; i++)
		assert_int_equal(bytes[i], 0);
	free_pages(page, 3);
}

/* How many frames are left when each kind of request is first refused. */
static u32 left_when_refused(u32 gfp, u32 flags)
{
	u32 left;

	fixture_task_flags(flags);
	while (take(gfp, 0))
		;
	left = nr_free_frames();
	give_back_all();
	return left;
}

static void test_reserves(void **state)
{
	(void)state;
	assert_int_equal(left_when_refused(GFP_NOOOM, 0), watermarks.min);
	assert_true(pressure.kswapd_wakeups > 0);
	assert_int_equal(left_when_refused(GFP_ATOMIC, 0), watermarks.min / 2);
	assert_int_equal(left_when_refused(GFP_KERNEL, PF_MEMALLOC), 0);
	assert_int_equal(left_when_refused(GFP_KERNEL, PF_EXITING), 0);
}

static void test_kswapd_is_woken_below_low(void **state)
{
	(void)state;
	while (nr_free_frames() > watermarks.low)
		assert_true(take(GFP_KERNEL, 0));
	assert_int_equal(pressure.kswapd_wakeups, 0);
	assert_true(take(GFP_KERNEL, 0));
	assert_int_equal(pressure.kswapd_wakeups, 1);
	assert_int_equal(pressure.reclaims, 0);
	give_back_all();
}

static u32 reclaim_two(void)
{
	give_back(0);
	give_back(0);
	return 2;
}

static void test_reclaim_makes_room(void **state)
{
	(void)state;
	pressure.reclaim = reclaim_two;
	for (u32 i = 0; i < 2 * RAM_FRAMES; i++)
		assert_true(take(GFP_KERNEL, 0));
	assert_true(pressure.reclaims > 0);
	assert_int_equal(pressure.kills, 0);
	give_back_all();
}

static void kill_one(void)
{
	for (u32 i = 0; i < 100; i++)
		give_back(0);
}

static void test_a_kill_is_the_last_resort(void **state)
{
	(void)state;
	pressure.kill = kill_one;
	while (!pressure.kills)
		assert_true(take(GFP_KERNEL, 0));
	assert_true(pressure.reclaims > 0);
	give_back_all();
}

/* An order above 0 fails rather than kill. */
static void test_no_kill_for_a_block(void **state)
{
	(void)state;
	while (take(GFP_KERNEL, 4))
		;
	assert_int_equal(pressure.kills, 0);
	assert_true(pressure.reclaims > 0);
	give_back_all();
}

/* All that idle time can prepare. Returns the steps it took. */
static u32 idle(void)
{
	u32 steps = 0;

	while (page_alloc_idle_work())
		steps++;
	return steps;
}

static bool is_zero(const struct page *page)
{
	const u8 *bytes = page_virt(page);

	return !bytes[0] && !memcmp(bytes, bytes + 1, PAGE_SIZE - 1);
}

static void test_idle_time_prepares_frames(void **state)
{
	struct page *page;

	(void)state;
	assert_true(zero_pool_nr() == 0 && idle() > 0);
	assert_false(zero_pool_has_room());
	assert_true(pcp_nr(0) > 0);
	assert_int_equal(nr_free_frames(), nr_managed_frames);
	page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_ANON);
	assert_true(zero_pool_has_room() && is_zero(page));
	/* One that is freed zeroed goes there as it is; a written one does not. */
	free_page_zeroed(page);
	assert_false(zero_pool_has_room());
	page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_ANON);
	memset(page_virt(page), 1, 1);
	assert_panics("should be zero", free_page_zeroed(page));
	free_page(page);
}

/* What cannot be moved spoils no block that could be emptied. */
static void test_unmovable_frames_have_their_own_blocks(void **state)
{
	enum { NR = 64 };
	struct page *tables[NR], *pages[NR];

	(void)state;
	for (u32 i = 0; i < NR; i++) {
		tables[i] = alloc_page(GFP_KERNEL, PAGE_PGTABLE);
		pages[i] = alloc_page(GFP_KERNEL, PAGE_ANON);
		assert_true(tables[i] && pages[i]);
	}
	for (u32 i = 0; i < NR; i++) {
		assert_int_equal(buddy_mobility(tables[i]), UNMOVABLE);
		assert_int_equal(buddy_mobility(pages[i]), MOVABLE);
	}
	for (u32 i = 0; i < NR; i++) {
		free_page(tables[i]);
		free_page(pages[i]);
	}
	/* Until it is free as a whole. */
	pcp_drain_local();
	assert_int_equal(buddy_mobility(tables[0]), MOVABLE);
}

/* The pool is free memory: it goes before anything is reclaimed, and a whole block may need it. */
static void test_a_shortage_empties_the_pool(void **state)
{
	(void)state;
	idle();
	assert_true(zero_pool_nr() > 0);
	while (!pressure.kswapd_wakeups)
		assert_true(take(GFP_KERNEL, 0));
	assert_int_equal(zero_pool_nr(), 0);
	assert_int_equal(pressure.reclaims, 0);
	assert_int_equal(idle(), 0);
	give_back_all();
}

static void test_wrong_frees_panic(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2, PAGE_ANON);
	struct page *single = alloc_page(GFP_KERNEL, PAGE_ANON);

	(void)state;
	assert_panics("allocated with 2", free_pages(page, 1));
	assert_panics("freed with order 1", free_pages(page + 1, 1));
	page_get(page);
	assert_panics("in use", free_pages(page, 2));
	atomic_set(&page->refcount, 1);
	page_set(page, PG_LOCKED);
	assert_panics("in use", free_pages(page, 2));
	page_clear(page, PG_LOCKED);

	free_pages(page, 2);
	free_page(single);
	assert_panics("double free", free_pages(page, 2));
	assert_panics("double free", free_page(single));
	assert_panics("double free", free_page(page + 3));
}

static void test_a_write_after_free_panics(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_ANON);
	u8 *byte = (u8 *)page_virt(page) + 1234;
	u8 before;

	(void)state;
	free_page(page);
	before = *byte;
	*byte = 0;
	assert_panics("written after it was freed", alloc_page(GFP_KERNEL, PAGE_ANON));
	*byte = before;
}

#define mm_test(f) cmocka_unit_test_setup_teardown(f, mm_setup, mm_teardown)

static const struct CMUnitTest tests[] = {
	mm_test(test_everything_is_free_at_first),
	mm_test(test_every_order),
	mm_test(test_blocks_merge),
	mm_test(test_random),
	mm_test(test_gfp_zero),
	mm_test(test_reserves),
	mm_test(test_kswapd_is_woken_below_low),
	mm_test(test_reclaim_makes_room),
	mm_test(test_a_kill_is_the_last_resort),
	mm_test(test_no_kill_for_a_block),
	mm_test(test_unmovable_frames_have_their_own_blocks),
	mm_test(test_idle_time_prepares_frames),
	mm_test(test_a_shortage_empties_the_pool),
	mm_test(test_wrong_frees_panic),
	mm_test(test_a_write_after_free_panics),
};

UNIT_MAIN(tests)
