/*
 * The content of files in the page cache: against an array of bytes, through every way in and out, with
 * the events replayed: who holds what must follow from them alone. Nothing is in swap here.
 */
#include "mm_fixture.h"

#include "arch/x86_64/uaccess.h"
#include "cpu/wait.h"
#include "event_log.h"
#include "lib/errno.h"
#include "mm/i_mmap.h"
#include "mm/address_space_internal.h"
#include "mm/page_operations.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/zero_page.h"

#define FILE_PAGES 40u
#define FILE_SIZE  (FILE_PAGES * PAGE_SIZE)

struct page *zero_page;

u32 rmap_new_id(void)
{
	static u32 last;

	return ++last;
}

void page_lock(struct page *page)
{
	assert_true(page_set(page, PG_LOCKED));
}
void page_unlock(struct page *page)
{
	assert_true(page_clear(page, PG_LOCKED));
}
void page_put_last(struct page *page, s32 left)
{
	assert_int_equal(left, 0);
	assert_null(page->mapping);
	free_page(page);
}

void mapping_unmap_range(struct address_space *mapping, u64 first, u64 last, enum unmap_what what)
{
	(void)mapping, (void)what;
	assert_true(first <= last);
}

/* Nothing goes to swap. */
struct page *mapping_swap_in(struct address_space *mapping, u64 index, u32 slot, bool *waited,
			     int *error)
{
	(void)mapping, (void)waited, (void)error;
	fail_msg("slot %u at %lu", slot, index);
	return NULL;
}
void swap_slot_put(u32 slot, enum slot_why why)
{
	(void)why;
	fail_msg("slot %u", slot);
}
void munlock_page(struct page *page)
{
	fail_msg("page %u is not locked", page_pfn(page));
}
void reclaim_list_new(struct page *page)
{
	assert_true(atomic_read(&page->refcount) > 1);
}
void reclaim_mark_accessed(struct page *page)
{
	assert_true(atomic_read(&page->refcount) > 1);
}

/* Memory of a program: all below this address may be copied. */
static const u8 *user_end;

static int user_copy(void *to, const void *from, const void *user, size_t n)
{
	if ((const u8 *)user + n > user_end)
		return -EFAULT;
	memcpy(to, from, n);
	return 0;
}
int copy_to_user(void __user *to, const void *from, size_t n)
{
	return user_copy(to, from, to, n);
}
int copy_from_user(void *to, const void __user *from, size_t n)
{
	return user_copy(to, from, from, n);
}

/* ---- the file, and what it should be ---- */

static struct address_space file;
static u8 model[FILE_SIZE], buffer[FILE_SIZE] __aligned(PAGE_SIZE);
static u64 model_size;
static u32 nr_free_at_first;
/* By the events: pfn + 1 of each index. */
static u32 cached[FILE_PAGES];
static u32 nr_cached, charged, charge_limit;

static int charge(struct address_space *mapping)
{
	(void)mapping;
	if (charged == charge_limit)
		return -ENOSPC;
	charged++;
	return 0;
}
static void uncharge(struct address_space *mapping, u32 nr_pages)
{
	(void)mapping;
	charged -= nr_pages;
}

static const struct address_space_ops ops = {.charge = charge, .uncharge = uncharge};

static void replay(u32 id, const void *payload)
{
	if (id == TRACE_ID_mm_filemap_add_to_page_cache) {
		const struct trace_ev_mm_filemap_add_to_page_cache *e = payload;

		assert_int_equal(e->mapping_id, file.id);
		assert_int_equal(cached[e->pgoff], 0);
		cached[e->pgoff] = e->pfn + 1;
		nr_cached++;
	} else if (id == TRACE_ID_mm_filemap_delete_from_page_cache) {
		const struct trace_ev_mm_filemap_delete_from_page_cache *e = payload;

		assert_int_equal(cached[e->pgoff], e->pfn + 1);
		cached[e->pgoff] = 0;
		nr_cached--;
	}
}

static int setup(void **state)
{
	mm_setup(state);
	if (!zero_page) {
		slab_init();
		address_space_init();
		event_log_start();
		slab_shrink();
		nr_free_at_first = nr_free_frames();
	}
	zero_page = alloc_page(GFP_ZERO, PAGE_ZERO);
	event_hook = replay;
	charge_limit = ~0u;
	user_end = (const u8 *)UINTPTR_MAX;
	mapping_init(&file, &ops);
	memset(model, 0, sizeof(model));
	model_size = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mapping_destroy(&file);
	assert_int_equal(nr_cached, 0);
	assert_int_equal(charged, 0);
	assert_int_equal(mapping_total_pages(), 0);
	event_hook = NULL;
	free_page(zero_page);
	slab_shrink();
	assert_int_equal(slab_check() + page_alloc_check(), 0);
	assert_int_equal(spinlocks_held(), 0);
	/* All but what the caches themselves, made once, take. */
	assert_int_equal(nr_free_frames(), nr_free_at_first);
	return 0;
}

static void check_file(void)
{
	assert_int_equal(file.size, model_size);
	assert_int_equal(mapping_read_kernel(&file, 0, buffer, FILE_SIZE), model_size);
	assert_memory_equal(buffer, model, model_size);
	assert_int_equal(file.nr_pages, nr_cached);
	assert_int_equal(charged, nr_cached);
	for (u32 i = 0; i < FILE_PAGES; i++) {
		struct page *page = mapping_find_page(&file, i);

		assert_int_equal(page ? page_pfn(page) + 1 : 0, cached[i]);
		if (page)
			page_put(page);
	}
}

static void write_model(u64 pos, const u8 *from, size_t n)
{
	memcpy(model + pos, from, n);
	model_size = max(model_size, pos + n);
}

static void cut_model(u64 from, u64 to)
{
	memset(model + from, 0, to - from);
}

/* ---- tests ---- */

static void test_random(void **state)
{
	uint64_t seed = 1;
	static u8 data[FILE_SIZE];

	(void)state;
	for (u32 round = 0; round < 3000; round++) {
		u64 pos = unit_random(&seed) % FILE_SIZE,
		    n = unit_random(&seed) % (FILE_SIZE - pos) + 1;

		if (unit_random(&seed) % 2)
			pos &= PAGE_MASK, n = min(PAGE_ALIGN(n), FILE_SIZE - pos);
		else if (unit_random(&seed) % 2)
			n = min(n, 100ul);
		for (u32 i = 0; i < n; i++)
			data[i] = unit_random(&seed) >> 24;
		switch (unit_random(&seed) % 8) {
		case 0:
		case 1:
			assert_int_equal(mapping_write_kernel(&file, pos, data, n), n);
			write_model(pos, data, n);
			break;
		case 2:
			assert_int_equal(mapping_write(&file, pos, data, n), n);
			write_model(pos, data, n);
			break;
		case 3:
			mapping_truncate(&file, pos);
			if (pos < model_size)
				cut_model(pos, FILE_SIZE);
			model_size = pos;
			break;
		case 4:
			assert_int_equal(mapping_punch_hole(&file, pos, n), 0);
			cut_model(pos, pos + n);
			break;
		case 5:
			assert_int_equal(mapping_fallocate(&file, pos, n), 0);
			for (u64 at = pos >> PAGE_SHIFT; at < PAGE_ALIGN(pos + n) >> PAGE_SHIFT;
			     at++)
				assert_non_null(debug_mapping_page(&file, at));
			break;
		default:
			n = pos < model_size ? min(n, model_size - pos) : 0;
			assert_int_equal(mapping_read(&file, pos, buffer, n), n);
			assert_memory_equal(buffer, model + pos, n);
		}
		check_file();
	}
}

/* As many bytes as lie before the first address that cannot be copied, to the page. */
static void test_fault_in_the_middle(void **state)
{
	(void)state;
	memset(buffer, 7, sizeof(buffer));
	user_end = buffer + 2 * PAGE_SIZE;
	assert_int_equal(mapping_write(&file, 100, buffer, 3 * PAGE_SIZE), 2 * PAGE_SIZE);
	assert_int_equal(file.size, 2 * PAGE_SIZE + 100);
	assert_int_equal(mapping_write(&file, 0, user_end, 1), -EFAULT);
	assert_int_equal(mapping_read(&file, 0, buffer + PAGE_SIZE, 2 * PAGE_SIZE), PAGE_SIZE);
	assert_int_equal(mapping_read(&file, 0, (void *)user_end, 1), -EFAULT);
	user_end = (const u8 *)UINTPTR_MAX;
}

static void test_no_space(void **state)
{
	int error;

	(void)state;
	charge_limit = 2;
	assert_int_equal(mapping_write_kernel(&file, 10, model, 3 * PAGE_SIZE), 2 * PAGE_SIZE - 10);
	assert_int_equal(mapping_write_kernel(&file, 2 * PAGE_SIZE, model, 1), -ENOSPC);
	assert_int_equal(mapping_fallocate(&file, 0, 3 * PAGE_SIZE), -ENOSPC);
	assert_int_equal(file.nr_pages, 2);
	assert_null(mapping_get_page(&file, 5, MAPPING_CREATE, &error));
	assert_int_equal(error, -ENOSPC);
	assert_null(mapping_get_page(&file, 5, 0, &error));
	assert_int_equal(error, 0);
	assert_int_equal(file.nr_pages, 2);
}

static void test_data_and_holes(void **state)
{
	(void)state;
	assert_int_equal(mapping_write_kernel(&file, 3 * PAGE_SIZE, model, 2 * PAGE_SIZE),
			 2 * PAGE_SIZE);
	assert_int_equal(mapping_next_data(&file, 0, 10), 3);
	assert_int_equal(mapping_next_data(&file, 4, 10), 4);
	assert_int_equal(mapping_next_data(&file, 5, 10), 10);
	assert_int_equal(mapping_next_hole(&file, 0, 10), 0);
	assert_int_equal(mapping_next_hole(&file, 3, 10), 5);
	assert_int_equal(mapping_next_hole(&file, 3, 4), 4);
}

/* What fallocate() made is a hole until it is used, and goes again when it cannot make all. */
static void test_fallocate_is_undone(void **state)
{
	(void)state;
	charge_limit = 6;
	assert_int_equal(mapping_write_kernel(&file, 3 * PAGE_SIZE, model, 1), 1);
	assert_int_equal(mapping_fallocate(&file, 0, 5 * PAGE_SIZE), 0);
	assert_int_equal(file.nr_pages, 5);
	assert_int_equal(mapping_next_data(&file, 0, 10), 3);
	assert_int_equal(mapping_next_hole(&file, 3, 10), 4);
	assert_int_equal(mapping_write_kernel(&file, PAGE_SIZE, model, 1), 1);
	assert_int_equal(mapping_next_data(&file, 0, 10), 1);
	assert_int_equal(mapping_fallocate(&file, 2 * PAGE_SIZE, 8 * PAGE_SIZE), -ENOSPC);
	/* What was there before stays, and is data where it was allocated again. */
	assert_int_equal(file.nr_pages, 5);
	assert_int_equal(mapping_next_data(&file, 0, 10), 1);
	assert_int_equal(mapping_next_hole(&file, 1, 10), 5);
	assert_int_equal(mapping_fallocate(&file, 5 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(file.nr_pages, charge_limit);
}

static void test_far_out(void **state)
{
	u8 byte = 9;

	(void)state;
	event_hook = NULL;
	assert_int_equal(mapping_write_kernel(&file, MAPPING_MAX_SIZE - 1, &byte, 5), 1);
	assert_int_equal(mapping_write_kernel(&file, MAPPING_MAX_SIZE, &byte, 1), -EFBIG);
	byte = 0;
	assert_int_equal(mapping_read_kernel(&file, MAPPING_MAX_SIZE - 1, &byte, 5), 1);
	assert_int_equal(byte, 9);
	assert_int_equal(mapping_punch_hole(&file, 1, UINT64_MAX), 0);
	assert_int_equal(mapping_fallocate(&file, 1, UINT64_MAX), -EFBIG);
	mapping_truncate(&file, 0);
	assert_int_equal(file.nr_pages, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	TEST(test_random),   TEST(test_fault_in_the_middle),
	TEST(test_no_space), TEST(test_data_and_holes),
	TEST(test_far_out),  TEST(test_fallocate_is_undone),
};

UNIT_MAIN(tests)
