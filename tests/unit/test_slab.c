/* The slab allocator: objects do not overlap, slabs come and go as the trace says, misuse panics.
 */
#include "mm_fixture.h"

#include "mm/slab.h"

#define NR_OBJECTS 1000

struct held {
	u8 *bytes;
	u32 size;
	u8 mark;
};

static void check_and_free(struct held *held)
{
	for (u32 i = 0; i < held->size; i++)
		assert_int_equal(held->bytes[i], held->mark);
	kfree(held->bytes);
	held->bytes = NULL;
}

static void objects_keep_their_content(void **state)
{
	static struct held held[NR_OBJECTS];
	u64 seed = 7;

	(void)state;
	for (u32 step = 0; step < 20000; step++) {
		u64 random = unit_random(&seed);
		struct held *one = &held[random % NR_OBJECTS];

		machine.cpu = random >> 50 & 1;
		if (one->bytes) {
			check_and_free(one);
			continue;
		}
		one->size = 1 + (random >> 20) % ((random >> 16) % 16 ? 300 : 9000);
		one->mark = random >> 40;
		one->bytes = kmalloc(one->size, GFP_ATOMIC);
		assert_non_null(one->bytes);
		assert_int_equal((u64)one->bytes % 16, 0);
		memset(one->bytes, one->mark, one->size);
	}
	fixture_verify();
	for (u32 i = 0; i < NR_OBJECTS; i++)
		if (held[i].bytes)
			check_and_free(&held[i]);
	slab_shrink();
	fixture_verify();
}

static void empty_slabs_go_back(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("test", 500);
	void *objects[32];
	u32 before = nr_free_frames();

	(void)state;
	slab_shrink();
	for (u32 i = 0; i < 32; i++)
		objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	assert_int_equal(fixture.nr_events[TRACE_ID_slab_grow],
			 4); /* 8 in a frame, and the cache itself */
	for (u32 i = 0; i < 32; i++)
		kmem_cache_free(cache, objects[i]);
	assert_true(slab_shrink() >= 1);
	assert_int_equal(fixture.nr_events[TRACE_ID_slab_shrink], 4);
	assert_int_equal(nr_free_frames(), before);
	fixture_verify();
}

static void zeroed_means_zeroed(void **state)
{
	u8 *object = kmalloc(100, GFP_KERNEL);

	(void)state;
	memset(object, 0xff, 100);
	kfree(object);
	object = kmalloc(100, GFP_KERNEL | GFP_ZERO);
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(object[i], 0);
	kfree(object);
	kfree(NULL);
}

static void no_memory_is_a_return_value(void **state)
{
	(void)state;
	assert_null(kmalloc(5 * MIB, GFP_KERNEL));
}

static void bad_frees_panic(void **state)
{
	static u8 *object, *other, *large;

	(void)state;
	object = kmalloc(64, GFP_KERNEL);
	other = kmalloc(64, GFP_KERNEL);
	large = kmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	expect_assert_failure(kfree(object + 8));
	assert_non_null(strstr(machine_panic_message, "not the start"));
	expect_assert_failure(kfree(large + 16));
	kfree(large);
	expect_assert_failure(kfree(large));
	kfree(other);
}

static void use_after_free_panics(void **state)
{
	static u8 *object;

	(void)state;
	object = kmalloc(768, GFP_KERNEL);
	kfree(object);
	object[5] = 0;
	expect_assert_failure(kmalloc(768, GFP_KERNEL));
	assert_non_null(strstr(machine_panic_message, "byte 5"));
}

/* Last: the panic leaves the cache's lock taken. */
static void double_free_panics(void **state)
{
	static u8 *object, *other;

	(void)state;
	other = kmalloc(1000, GFP_KERNEL);
	object = kmalloc(1000, GFP_KERNEL);
	kfree(object);
	expect_assert_failure(kfree(object));
	assert_non_null(strstr(machine_panic_message, "double free"));
	assert_non_null(other);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(objects_keep_their_content, fixture_setup),
	cmocka_unit_test_setup(empty_slabs_go_back, fixture_setup),
	cmocka_unit_test_setup(zeroed_means_zeroed, fixture_setup),
	cmocka_unit_test_setup(no_memory_is_a_return_value, fixture_setup),
	cmocka_unit_test_setup(bad_frees_panic, fixture_setup),
	cmocka_unit_test_setup(use_after_free_panics, fixture_setup),
	cmocka_unit_test_setup(double_free_panics, fixture_setup),
};

UNIT_MAIN(tests)
