/* Page-table entries: what is put in comes out, and an entry that is not present names no RAM. */
#include "unit.h"

#include "arch/x86_64/pte.h"

/* The kernel uses RAM below 4 GiB; a CPU compares at least 36 bits of an address in its L1 cache. */
#define RAM_END       (4096 * MIB)
#define MIN_PHYS_BITS 36

#define READ_ONLY (PTE_PRESENT | PTE_USER | PTE_NX)
#define NO_ACCESS (PTE_PROTNONE | PTE_USER | PTE_NX)

static const u32 numbers[] = {1, 2, 255, 4096, RAM_END / PAGE_SIZE - 1};

static void assert_outside_ram(pte_t pte)
{
	assert_false(pte & PTE_PRESENT);
	for (u32 bits = MIN_PHYS_BITS; bits <= 52; bits++)
		assert_true((pte & PTE_FRAME_MASK & (BIT(bits) - 1)) >= RAM_END);
}

static void test_present(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
		pte_t pte = pte_make(numbers[i], READ_ONLY);

		/* What the CPU reads. */
		assert_int_equal(pte & PTE_FRAME_MASK, (u64)numbers[i] << PAGE_SHIFT);
		assert_int_equal(pte_pfn(pte), numbers[i]);
		assert_true(pte_maps(pte));
		assert_false(pte_is_swap(pte));
	}
}

static void test_no_access(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
		pte_t pte = pte_make(numbers[i], NO_ACCESS | PTE_DIRTY);

		assert_int_equal(pte_pfn(pte), numbers[i]);
		assert_int_equal(pte & ~PTE_FRAME_MASK, NO_ACCESS | PTE_DIRTY);
		assert_true(pte_maps(pte));
		assert_false(pte_is_swap(pte));
		assert_outside_ram(pte);
	}
}

static void test_swap(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
		pte_t pte = pte_make_swap(numbers[i]);

		assert_int_equal(pte_slot(pte), numbers[i]);
		assert_false(pte_maps(pte));
		assert_true(pte_is_swap(pte));
		assert_outside_ram(pte);
	}
	assert_int_equal(pte_slot(pte_make_swap(UINT32_MAX)), UINT32_MAX);
}

static void test_modify(void **state)
{
	pte_t pte = pte_make(4711, READ_ONLY | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);

	(void)state;
	pte = pte_modify(pte, PTE_ACCESSED | PTE_DIRTY, NO_ACCESS);
	assert_int_equal(pte, pte_make(4711, NO_ACCESS | PTE_ACCESSED | PTE_DIRTY));
	assert_outside_ram(pte);
	pte = pte_modify(pte, PTE_DIRTY, READ_ONLY);
	assert_int_equal(pte, pte_make(4711, READ_ONLY | PTE_DIRTY));
	pte = pte_modify(pte, PTE_DIRTY | PTE_WRITE, READ_ONLY | PTE_GLOBAL);
	assert_int_equal(pte, pte_make(4711, READ_ONLY | PTE_GLOBAL | PTE_DIRTY));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_present),
	cmocka_unit_test(test_no_access),
	cmocka_unit_test(test_swap),
	cmocka_unit_test(test_modify),
};

UNIT_MAIN(tests)
