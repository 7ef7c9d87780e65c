/*
 * 2 MiB leaves: split, merged, protected, against a table of the flags that each page should have.
 * The tree is one of the kernel's kind, made here: what it maps are frame numbers, not memory.
 */
#include "mm_fixture.h"

#include "event_log.h"
#include "lib/errno.h"
#include "mm/huge_memory.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/pmd.h"
#include "mm/zero_page.h"

#define BASE       0xffff888040000000ul
#define LEAVES     6
#define PAGES      (LEAVES * PGTABLE_ENTRIES)
#define FIRST_PFN  (512 * 1000)
#define TABLE_BITS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define COMMON     (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL)

static const u64 rights[] = {
	COMMON | PTE_NX | PTE_WRITE,
	COMMON | PTE_NX,
	COMMON,
	COMMON | PTE_NX | PTE_WRITE | PTE_PCD | PTE_PWT,
};

/* For pgtable.c, of which only the walker is used. */
phys_addr_t kernel_pgd;
struct page *zero_page;

void huge_split_mapped(struct page *page)
{
	(void)page;
	fail_msg("a huge page is split");
}

void mm_flush_tlb(struct mm *mm, u64 start, u64 end, enum tlb_why why)
{
	(void)mm, (void)start, (void)end, (void)why;
}

bool rwsem_is_locked(const struct rwsem *sem)
{
	(void)sem;
	return true;
}

static u32 nr_tables, tables_left;

static pte_t *table_alloc(void *arg)
{
	struct page *page;

	(void)arg;
	if (!tables_left)
		return NULL;
	page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_PGTABLE);
	assert_non_null(page);
	nr_tables++;
	tables_left--;
	return page_virt(page);
}

static bool table_link(void *arg, pte_t *entry, pte_t *table, u64 va, u32 level)
{
	(void)arg, (void)va, (void)level;
	*entry = virt_to_phys(table) | TABLE_BITS;
	return true;
}

static void table_discard(pte_t *table)
{
	memset(table, 0, PAGE_SIZE); /* whoever frees a page table has emptied it */
	nr_tables--;
	tables_left++;
	free_page(virt_page(table));
}

static const struct table_source source = {table_alloc, table_link, table_discard, TABLE_BITS};

static pte_t *top;
static u64 expected[PAGES]; /* flags of each page */

static u64 page_va(u32 page)
{
	return BASE + page * PAGE_SIZE;
}

static pte_t *leaf_entry(u32 leaf)
{
	return table_entry(top, BASE + leaf * PMD_SIZE, 2);
}

static int setup(void **state)
{
	mm_setup(state);
	nr_tables = 0;
	tables_left = 100;
	top = table_alloc(NULL);
	for (u32 leaf = 0; leaf < LEAVES; leaf++)
		*table_entry_alloc(top, BASE + leaf * PMD_SIZE, 2, &source, NULL) =
			pmd_make_leaf(FIRST_PFN + leaf * PGTABLE_ENTRIES, rights[0]);
	for (u32 page = 0; page < PAGES; page++)
		expected[page] = rights[0];
	return 0;
}

static int teardown(void **state)
{
	for (u32 leaf = 0; leaf < LEAVES; leaf++)
		if (!pte_is_leaf(*leaf_entry(leaf), 2))
			table_discard(phys_to_virt(*leaf_entry(leaf) & PTE_FRAME_MASK));
	table_discard(phys_to_virt(*table_entry(top, BASE, 3) & PTE_FRAME_MASK));
	table_discard(phys_to_virt(*table_entry(top, BASE, 4) & PTE_FRAME_MASK));
	table_discard(top);
	assert_int_equal(nr_tables, 0);
	return mm_teardown(state);
}

/* What the CPU would make of the tree: every page's frame and flags, from whichever level. */
static void check_pages(void)
{
	for (u32 page = 0; page < PAGES; page++) {
		pte_t leaf = *leaf_entry(page / PGTABLE_ENTRIES);
		pte_t pte = pte_is_leaf(leaf, 2) ? pmd_part(leaf, page % PGTABLE_ENTRIES)
						 : *table_entry(top, page_va(page), 1);

		if (pte != pte_make(FIRST_PFN + page, expected[page]))
			fail_msg("page %u is %lx, should be %lx", page, pte,
				 pte_make(FIRST_PFN + page, expected[page]));
	}
}

static bool is_uniform(u32 leaf)
{
	for (u32 i = 1; i < PGTABLE_ENTRIES; i++)
		if (expected[leaf * PGTABLE_ENTRIES + i] != expected[leaf * PGTABLE_ENTRIES])
			return false;
	return true;
}

/* All tables that can be merged are; returns how many stay. */
static u32 merge_all(void)
{
	u32 mixed = 0;

	for (u32 leaf = 0; leaf < LEAVES; leaf++) {
		pte_t *table = pmd_merge(leaf_entry(leaf));

		if (table)
			table_discard(table);
		assert_int_equal(pte_is_leaf(*leaf_entry(leaf), 2), is_uniform(leaf));
		mixed += !is_uniform(leaf);
	}
	return mixed;
}

static int protect(u32 first, u32 nr, u64 flags)
{
	int error = pmd_protect(top, page_va(first), page_va(first + nr), flags, &source, NULL);

	for (u32 page = first; page < first + nr && !error; page++)
		expected[page] = flags;
	return error;
}

static void test_split_and_merge(void **state)
{
	(void)state;
	assert_non_null(pmd_split(leaf_entry(2), &source, NULL));
	assert_false(pte_is_leaf(*leaf_entry(2), 2));
	assert_int_equal(nr_tables, 4);
	check_pages();
	assert_int_equal(merge_all(), 0);
	assert_int_equal(nr_tables, 3);
	check_pages();
	assert_null(pmd_merge(leaf_entry(2))); /* it is a leaf */
}

static void test_ends_are_split(void **state)
{
	(void)state;
	assert_int_equal(protect(PGTABLE_ENTRIES - 1, 2 + PGTABLE_ENTRIES, rights[1]), 0);
	check_pages();
	assert_false(pte_is_leaf(*leaf_entry(0), 2));
	assert_true(pte_is_leaf(*leaf_entry(1), 2)); /* covered whole: changed as it is */
	assert_false(pte_is_leaf(*leaf_entry(2), 2));
	assert_int_equal(merge_all(), 2);
	assert_int_equal(protect(PGTABLE_ENTRIES - 1, 2 + PGTABLE_ENTRIES, rights[0]), 0);
	assert_int_equal(merge_all(), 0);
	check_pages();
}

static void test_same_rights_split_nothing(void **state)
{
	(void)state;
	assert_int_equal(protect(5, 7, rights[0]), 0);
	assert_true(pte_is_leaf(*leaf_entry(0), 2));
}

static void test_without_memory(void **state)
{
	(void)state;
	tables_left = 0;
	assert_int_equal(pmd_protect(top, page_va(1), page_va(2), rights[1], &source, NULL),
			 -ENOMEM);
	check_pages();
	assert_int_equal(protect(PGTABLE_ENTRIES, PGTABLE_ENTRIES, rights[1]), 0); /* needs none */
	check_pages();
	tables_left = 100;
}

/* The CPU sets bits in one part; the leaf must have them. */
static void test_hardware_bits(void **state)
{
	u64 clean = PTE_PRESENT | PTE_NX | PTE_WRITE;
	pte_t *table;

	(void)state;
	assert_int_equal(protect(0, PGTABLE_ENTRIES, clean), 0);
	assert_non_null(pmd_split(leaf_entry(0), &source, NULL));
	pte_set_bits(table_entry(top, page_va(77), 1), PTE_ACCESSED);
	pte_set_bits(table_entry(top, page_va(78), 1), PTE_DIRTY);
	table = pmd_merge(leaf_entry(0));
	assert_non_null(table);
	table_discard(table);
	assert_int_equal(*leaf_entry(0),
			 pmd_make_leaf(FIRST_PFN, clean | PTE_ACCESSED | PTE_DIRTY));
}

static void test_what_is_no_leaf(void **state)
{
	(void)state;
	pte_t *table = pmd_split(leaf_entry(0), &source, NULL);

	assert_non_null(table);
	table[9] = pte_make(FIRST_PFN + 10, rights[0]); /* another frame */
	assert_null(pmd_merge(leaf_entry(0)));
	table[9] = 0;
	assert_null(pmd_merge(leaf_entry(0)));
	table[9] = pte_make(FIRST_PFN + 9, rights[0]);
	assert_true(pmd_leaf_of(table));
	for (u32 i = 0; i < PGTABLE_ENTRIES; i++) /* consecutive, but not aligned */
		table[i] = pte_make(FIRST_PFN + 1 + i, rights[0]);
	assert_null(pmd_merge(leaf_entry(0)));
	for (u32 i = 0; i < PGTABLE_ENTRIES; i++)
		table[i] = pte_make(FIRST_PFN + i, rights[0]);
}

static void test_random(void **state)
{
	u64 seed = 20260101;

	(void)state;
	for (u32 step = 0; step < 3000; step++) {
		u32 first = unit_random(&seed) % PAGES;
		u32 nr = 1 + unit_random(&seed) % (PAGES - first);
		u32 leaf = unit_random(&seed) % LEAVES, mixed;

		switch (unit_random(&seed) % 8) {
		case 0:
			if (pte_is_leaf(*leaf_entry(leaf), 2))
				assert_non_null(pmd_split(leaf_entry(leaf), &source, NULL));
			break;
		case 1:
			mixed = merge_all();
			assert_int_equal(nr_tables, 3 + mixed);
			break;
		case 2: /* whole leaves */
			assert_int_equal(protect(leaf * PGTABLE_ENTRIES, PGTABLE_ENTRIES,
						 rights[unit_random(&seed) % 4]),
					 0);
			break;
		case 3: /* as a freed image part would be: one page */
			nr = 1;
			/* fall through */
		default:
			assert_int_equal(protect(first, nr, rights[unit_random(&seed) % 4]), 0);
		}
		if (step % 16 == 0)
			check_pages();
	}
	merge_all();
	check_pages();
}

static void test_unmapped_is_a_bug(void **state)
{
	(void)state;
	assert_panics("not mapped", (void)pmd_protect(top, BASE + (LEAVES + 1) * PMD_SIZE,
						      BASE + (LEAVES + 1) * PMD_SIZE + PAGE_SIZE,
						      rights[1], &source, NULL));
}

/* ---- those of programs: the same with events ---- */

#define USER_RIGHTS (PTE_PRESENT | PTE_USER | PTE_NX | PTE_WRITE)
#define USER_VA     0x40000000ul
#define USER_PFN    1024

static struct trace_ev_pmd_split split_event;
static struct trace_ev_pmd_merge merge_event;

static void keep_event(u32 id, const void *payload)
{
	if (id == TRACE_ID_pmd_split)
		split_event = *(const struct trace_ev_pmd_split *)payload;
	if (id == TRACE_ID_pmd_merge)
		merge_event = *(const struct trace_ev_pmd_merge *)payload;
}

static u64 events_of(u32 id)
{
	u64 count = event_count[id];

	event_count[id] = 0;
	return count;
}

static void test_users_leave_events(void **state)
{
	struct mm mm = {.id = 7};
	pte_t *upper = table_alloc(NULL), *entry = &upper[3], *level1 = table_alloc(NULL);
	struct page *table = virt_page(level1);
	pte_t leaf = pmd_make_leaf(USER_PFN, USER_RIGHTS);

	(void)state;
	event_log_start();
	event_hook = keep_event;
	spin_lock_init(&virt_page(upper)->ptl, RANK_PTE);
	spin_lock(pte_lockptr(entry));

	pmd_set(&mm, USER_VA, entry, leaf, PTE_WHY_FAULT);
	assert_int_equal(*entry, leaf);
	assert_int_equal(events_of(TRACE_ID_pmd_set), 1);

	pte_set_bits(entry, PTE_ACCESSED); /* as the CPU does */
	pmd_split_user(&mm, USER_VA, entry, table);
	assert_int_equal(*entry, virt_to_phys(level1) | USER_TABLE_FLAGS);
	for (u32 i = 0; i < PGTABLE_ENTRIES; i++)
		assert_int_equal(level1[i], pte_make(USER_PFN + i, USER_RIGHTS | PTE_ACCESSED));
	assert_int_equal(events_of(TRACE_ID_pmd_split), 1);
	assert_int_equal(split_event.va, USER_VA);
	assert_int_equal(split_event.mm_id, 7);
	assert_int_equal(split_event.pfn, USER_PFN);
	assert_int_equal(split_event.table_pfn, page_pfn(table));
	assert_int_equal(split_event.flags, PTEF_WRITE | PTEF_ACCESSED);

	level1[100] &= ~PTE_WRITE;
	assert_null(pmd_merge_user(&mm, USER_VA, entry));
	assert_int_equal(events_of(TRACE_ID_pmd_merge), 0);
	level1[100] |= PTE_WRITE | PTE_DIRTY;
	assert_ptr_equal(pmd_merge_user(&mm, USER_VA, entry), table);
	assert_int_equal(events_of(TRACE_ID_pmd_merge), 1);
	assert_int_equal(merge_event.table_pfn, page_pfn(table));
	assert_int_equal(merge_event.flags, PTEF_WRITE | PTEF_ACCESSED | PTEF_DIRTY);

	assert_int_equal(pmd_remove(&mm, USER_VA, entry, PTE_WHY_UNMAP),
			 leaf | PTE_ACCESSED | PTE_DIRTY);
	assert_int_equal(*entry, 0);
	assert_int_equal(events_of(TRACE_ID_pmd_clear), 1);
	spin_unlock(pte_lockptr(entry));
	event_hook = NULL;
	table_discard(level1);
	table_discard(upper);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_split_and_merge),
	TEST(test_ends_are_split),
	TEST(test_same_rights_split_nothing),
	TEST(test_without_memory),
	TEST(test_hardware_bits),
	TEST(test_what_is_no_leaf),
	TEST(test_random),
	TEST(test_unmapped_is_a_bug),
	TEST(test_users_leave_events),
};

UNIT_MAIN(tests)
