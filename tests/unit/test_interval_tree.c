/* Interval trees: every query against a plain array that is searched from end to end. */
#include "unit.h"

#include "lib/interval_tree.h"

#define NODES 120

static struct interval_node nodes[NODES];
static bool in_tree[NODES];
static struct interval_root root;

static bool overlaps(const struct interval_node *node, u64 start, u64 last)
{
	return node->start <= last && start <= node->last;
}

/* Walks the tree's answer: ascending, overlapping, no repetition, and as many as the array has. */
static void check_query(u64 start, u64 last)
{
	bool seen[NODES] = {false};
	u32 expected = 0, found = 0;
	u64 previous = 0;
	struct interval_node *node;

	for (u32 i = 0; i < NODES; i++)
		expected += in_tree[i] && overlaps(&nodes[i], start, last);
	for (node = interval_first(&root, start, last); node;
	     node = interval_next(node, start, last)) {
		u32 i = node - nodes;

		assert_true(in_tree[i] && !seen[i]);
		assert_true(overlaps(node, start, last));
		assert_true(node->start >= previous);
		previous = node->start;
		seen[i] = true;
		found++;
	}
	assert_int_equal(found, expected);
}

static void add(u32 i, u64 start, u64 last)
{
	nodes[i] = (struct interval_node){.start = start, .last = last};
	interval_insert(&root, &nodes[i]);
	in_tree[i] = true;
}

static void reset(void)
{
	root = (struct interval_root){0};
	memset(in_tree, 0, sizeof(in_tree));
}

static void test_empty(void **state)
{
	(void)state;
	reset();
	assert_true(interval_empty(&root));
	assert_null(interval_first(&root, 0, ~0ull));
}

static void test_ends_are_inside(void **state)
{
	(void)state;
	reset();
	add(0, 10, 20);
	assert_null(interval_first(&root, 0, 9));
	assert_ptr_equal(interval_first(&root, 0, 10), &nodes[0]);
	assert_ptr_equal(interval_first(&root, 20, 30), &nodes[0]);
	assert_null(interval_first(&root, 21, 30));
}

static void test_whole_range(void **state)
{
	(void)state;
	reset();
	add(0, 0, ~0ull);
	add(1, ~0ull, ~0ull);
	add(2, 0, 0);
	check_query(0, 0);
	check_query(~0ull, ~0ull);
	check_query(0, ~0ull);
	check_query(1, ~0ull - 1);
}

/* Intervals that all begin at one place, as the VMAs of forked children do. */
static void test_equal_intervals(void **state)
{
	(void)state;
	reset();
	for (u32 i = 0; i < NODES; i++)
		add(i, 100, 200 + i % 3);
	for (u64 at = 98; at < 205; at++)
		check_query(at, at);
	for (u32 i = 0; i < NODES; i += 2) {
		interval_remove(&root, &nodes[i]);
		in_tree[i] = false;
		check_query(201, 300);
	}
}

static void test_random(void **state)
{
	uint64_t seed = 1;

	(void)state;
	reset();
	for (u32 round = 0; round < 20000; round++) {
		u32 i = unit_random(&seed) % NODES;
		u64 start = unit_random(&seed) % 1000;
		/* Mostly short ones, so that subtrees differ in how far they reach. */
		u64 length = unit_random(&seed) % (i % 10 ? 20 : 600);

		if (in_tree[i]) {
			interval_remove(&root, &nodes[i]);
			memset(&nodes[i], 0x5a, sizeof(nodes[i]));
			in_tree[i] = false;
		} else {
			add(i, start, start + length);
		}
		start = unit_random(&seed) % 1100;
		check_query(start, start);
		check_query(start, start + unit_random(&seed) % 100);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_empty),       cmocka_unit_test(test_ends_are_inside),
	cmocka_unit_test(test_whole_range), cmocka_unit_test(test_equal_intervals),
	cmocka_unit_test(test_random),
};

UNIT_MAIN(tests)
