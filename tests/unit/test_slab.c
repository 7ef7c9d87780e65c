/* The slab allocator on the real page allocator: objects against a model, growing and shrinking,
 * wrong frees. */
#include "mm_fixture.h"

#include "mm/slab.h"

#define MAX_OBJECTS 3000

static struct object {
	u8 *bytes;
	size_t size;
	u8 mark;
} objects[MAX_OBJECTS];
static u32 nr_objects;
static u32 frames_before;

/* Empty slabs that earlier tests left do not count. */
static int setup(void **state)
{
	static bool initialised;

	mm_setup(state);
	if (!initialised)
		slab_init();
	initialised = true;
	slab_shrink();
	frames_before = nr_free_frames();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (nr_objects)
		kfree(objects[--nr_objects].bytes);
	assert_int_equal(slab_check(), 0);
	slab_shrink();
	assert_int_equal(page_alloc_check(), 0);
	assert_int_equal(spinlocks_held(), 0);
	return 0;
}

static void test_all_sizes(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 3 * PAGE_SIZE; size += 7) {
		u8 *object = kmalloc(size, GFP_KERNEL | GFP_ZERO);

		assert_int_equal((u64)object % 16, 0);
		for (size_t i = 0; i < size && size <= PAGE_SIZE; i++)
			assert_int_equal(object[i], 0);
		memset(object, 0xee, size);
		kfree(object);
	}
	kfree(NULL);
	slab_shrink();
	assert_int_equal(nr_free_frames(), frames_before);
}

static void add_object(size_t size, u8 mark)
{
	struct object *object = &objects[nr_objects];

	*object = (struct object){kmalloc(size, GFP_KERNEL | GFP_NOOOM), size, mark};
	if (!object->bytes)
		return;
	memset(object->bytes, mark, size);
	nr_objects++;
}

static void remove_object(u32 n)
{
	for (size_t i = 0; i < objects[n].size; i++)
		assert_int_equal(objects[n].bytes[i], objects[n].mark);
	kfree(objects[n].bytes);
	objects[n] = objects[--nr_objects];
}

static void test_random(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (u32 round = 0; round < 20000; round++) {
		uint64_t dice = unit_random(&seed);

		machine.cpu = dice >> 50 & 1;
		if (dice % 1000 == 0)
			slab_shrink();
		else if (dice >> 20 & 1 && nr_objects < MAX_OBJECTS)
			add_object(1 + (dice >> 32) % (dice % 20 ? 300 : 9000), dice);
		else if (nr_objects)
			remove_object((dice >> 32) % nr_objects);
		if (round % 1000 == 0)
			assert_int_equal(slab_check(), 0);
	}
	while (nr_objects)
		remove_object(0);
	slab_shrink();
	assert_int_equal(nr_free_frames(), frames_before);
}

/* A cache keeps one empty slab; more go back at once. */
static void test_empty_slabs_go_back(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("test", 1000);
	void *taken[40];

	(void)state;
	frames_before = nr_free_frames();
	for (u32 i = 0; i < ARRAY_SIZE(taken); i++)
		taken[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	assert_int_equal(nr_free_frames(), frames_before - 10);
	for (u32 i = 0; i < ARRAY_SIZE(taken); i++)
		kmem_cache_free(cache, taken[i]);
	assert_int_equal(nr_free_frames(), frames_before - 1);
	assert_int_equal(slab_shrink(), 1);
	assert_int_equal(nr_free_frames(), frames_before);
}

static void test_without_memory(void **state)
{
	(void)state;
	while (nr_objects < MAX_OBJECTS) {
		u32 before = nr_objects;

		add_object(4000, nr_objects);
		if (nr_objects == before)
			break;
	}
	/* Small objects still fit into slabs that exist; then those are refused, too. */
	while (kmalloc(2000, GFP_ATOMIC))
		;
	assert_null(kmalloc(2000, GFP_NOOOM));
	assert_null(kmalloc(100000, GFP_NOOOM));
}

static void test_wrong_frees_panic(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("test2", 100);
	u8 *mine = kmem_cache_alloc(cache, GFP_KERNEL);
	u8 *other = kmem_cache_alloc(cache, GFP_KERNEL);
	u8 *large = kmalloc(20000, GFP_KERNEL);

	(void)state;
	assert_panics("not the start", kfree(mine + 16));
	assert_panics("not from kmalloc", kfree(large + 16));
	assert_panics("not from kmalloc", kfree(large + PAGE_SIZE + 8));
	kmem_cache_free(cache, mine);
	assert_panics("double free", kmem_cache_free(cache, mine));
	mine[50] = 1;
	assert_panics("written after it was freed", kmem_cache_alloc(cache, GFP_KERNEL));
	mine[50] = mine[51];
	kfree(large);
	assert_panics("kfree", kfree(large));
	kmem_cache_free(cache, other);
}

#define slab_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
	slab_test(test_all_sizes),           slab_test(test_random),
	slab_test(test_empty_slabs_go_back), slab_test(test_wrong_frees_panic),
	slab_test(test_without_memory),
};

UNIT_MAIN(tests)
