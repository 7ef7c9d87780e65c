/* KASAN's shadow below the real slab and page allocators: what may be used may, what may not is
 * reported by its name, with who allocated and who freed it. Accesses are asked for, not compiled
 * in. */
#include "mm_fixture.h"

#include "mm/kasan_objects.h"
#include "mm/slab.h"

#define QUARANTINE 32
#define LARGE      10000

/* The image that kasan_init() covers; nothing looks into it. */
#define IMAGE_SIZE 4096
char kernel_start[IMAGE_SIZE] __aligned(16);
__asm__(".globl kernel_end\n.set kernel_end, kernel_start + 4096");

void kasan_poison_globals(void) {}

static int setup(void **state)
{
	static bool initialised;

	mm_setup(state);
	if (!initialised)
		slab_init();
	initialised = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(slab_check(), 0);
	slab_shrink();
	assert_int_equal(page_alloc_check(), 0);
	return 0;
}

static void test_bytes(void **state)
{
	char *object = kmalloc(64, GFP_KERNEL);

	(void)state;
	for (size_t size = 1; size <= 64; size++) {
		kasan_poison(object, 64, KASAN_SLAB_REDZONE);
		kasan_unpoison(object, size);
		for (size_t start = 0; start < size; start++) {
			kasan_check_write(object + start, size - start);
			kasan_check_read(object + start, 1);
		}
		assert_panics("Write of size", kasan_check_write(object, size + 1));
		assert_panics("Read of size 1 ", kasan_check_read(object + size, 1));
		assert_panics("slab-out-of-bounds", kasan_check_read(object + size - 1, 2));
	}
	kasan_unpoison(object, 64);
	kfree(object);
}

/* One forbidden byte anywhere in a long range. */
static void test_long_ranges(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2, PAGE_KERNEL);
	char *bytes = page_virt(page);

	(void)state;
	kasan_check_write(bytes, 4 * PAGE_SIZE);
	kasan_check_write(bytes + 3, 4 * PAGE_SIZE - 5);
	for (size_t at = 0; at < 4 * PAGE_SIZE; at += 1000) {
		kasan_poison(bytes + at, KASAN_GRANULE, KASAN_PAGE_REDZONE);
		assert_panics("BUG: KASAN", kasan_check_read(bytes, 4 * PAGE_SIZE));
		kasan_check_read(bytes, at);
		kasan_check_read(bytes + at + KASAN_GRANULE, 4 * PAGE_SIZE - at - KASAN_GRANULE);
		kasan_unpoison(bytes + at, KASAN_GRANULE);
	}
	free_pages(page, 2);
}

static void test_sizes_asked_for(void **state)
{
	(void)state;
	for (size_t size = 1; size <= LARGE; size += 61) {
		char *object = kmalloc(size, GFP_KERNEL | GFP_ZERO);

		kasan_check_write(object, size);
		assert_panics("slab-out-of-bounds", kasan_check_write(object, size + 1));
		assert_panics("slab-out-of-bounds", kasan_check_read(object + size, 1));
		kfree(object);
	}
}

static void test_use_after_free(void **state)
{
	char *object;

	(void)state;
	machine.backtrace = 21;
	object = kmalloc(40, GFP_KERNEL);
	machine.backtrace = 22;
	assert_panics("at backtrace 21", kasan_check_read(object + 40, 1));
	kfree(object);
	machine.backtrace = 23;
	assert_panics("slab-use-after-free", kasan_check_read(object + 8, 8));
	assert_panics("Allocated by task", kasan_check_read(object, 1));
	assert_panics("at backtrace 21", kasan_check_read(object, 1));
	assert_panics("Freed by task", kasan_check_read(object, 1));
	assert_panics("at backtrace 22", kasan_check_read(object, 1));
	assert_panics("cache kmalloc-64 of size 64", kasan_check_read(object, 1));
	assert_panics("8 bytes inside of", kasan_check_read(object + 8, 1));
}

static void test_wrong_frees(void **state)
{
	char *object = kmalloc(40, GFP_KERNEL);

	(void)state;
	assert_panics("not the start", kfree(object + 16));
	kfree(object);
	assert_panics("double-free", kfree(object));
}

/* A freed object is not handed out while as many frees follow as the quarantine holds. */
static void test_quarantine(void **state)
{
	void *others[QUARANTINE];
	void *object;

	(void)state;
	slab_shrink();
	for (u32 i = 0; i < QUARANTINE; i++)
		others[i] = kmalloc(200, GFP_KERNEL);
	object = kmalloc(200, GFP_KERNEL);
	kfree(object);
	for (u32 i = 0; i < QUARANTINE - 1; i++) {
		void *next = kmalloc(200, GFP_KERNEL);

		assert_ptr_not_equal(next, object);
		kfree(others[i]);
		others[i] = next;
		kasan_check_write(next, 200);
	}
	for (u32 i = 0; i < QUARANTINE; i++)
		kfree(others[i]);
	assert_panics("slab-use-after-free", kasan_check_read(others[QUARANTINE - 1], 1));
}

static void test_frames(void **state)
{
	struct page *page;
	char *bytes;

	(void)state;
	machine.backtrace = 31;
	page = alloc_pages(GFP_KERNEL, 1, PAGE_KERNEL);
	bytes = page_virt(page);
	kasan_check_write(bytes, 2 * PAGE_SIZE);
	machine.backtrace = 32;
	free_pages(page, 1);
	assert_panics("KASAN: use-after-free", kasan_check_write(bytes, 1));
	assert_panics("KASAN: use-after-free", kasan_check_read(bytes + 2 * PAGE_SIZE - 1, 1));
	assert_panics("at backtrace 31", kasan_check_write(bytes + PAGE_SIZE, 1));
	assert_panics("at backtrace 32", kasan_check_write(bytes + PAGE_SIZE, 1));
}

/* Reclaim gets every frame that quarantine keeps. */
static void test_shrinking_empties_the_quarantine(void **state)
{
	void *objects[QUARANTINE];
	u32 before;

	(void)state;
	slab_shrink();
	before = nr_free_frames();
	for (u32 i = 0; i < QUARANTINE; i++)
		objects[i] = kmalloc(1000, GFP_KERNEL);
	for (u32 i = 0; i < QUARANTINE; i++)
		kfree(objects[i]);
	assert_true(nr_free_frames() < before);
	slab_shrink();
	assert_int_equal(nr_free_frames(), before);
}

#define kasan_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static const struct CMUnitTest tests[] = {
	kasan_test(test_bytes),           kasan_test(test_long_ranges),
	kasan_test(test_sizes_asked_for), kasan_test(test_use_after_free),
	kasan_test(test_wrong_frees),     kasan_test(test_quarantine),
	kasan_test(test_frames),          kasan_test(test_shrinking_empties_the_quarantine),
};

UNIT_MAIN(tests)
