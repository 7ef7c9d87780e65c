/* Red-black trees: against a sorted array, the rules of the tree and its summaries checked after
 * every change. */
#include "unit.h"

#include "lib/rbtree.h"

#define KEYS 256

struct item {
	struct rb_node rb;
	u64 key;
	u64 count; /* augmented: nodes in the subtree */
	bool in_tree;
};

static struct item items[KEYS];
static struct rb_root root;

static struct item *item_of(const struct rb_node *rb)
{
	return rb_entry(rb, struct item, rb);
}

static void update_count(struct rb_node *rb)
{
	struct item *item = item_of(rb);

	item->count = 1;
	if (rb->rb_left)
		item->count += item_of(rb->rb_left)->count;
	if (rb->rb_right)
		item->count += item_of(rb->rb_right)->count;
}

static void insert(struct item *item, rb_update_t update)
{
	struct rb_node **link = &root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item->key < item_of(parent)->key ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&item->rb, parent, link);
	rb_insert_augmented(&item->rb, &root, update);
	item->in_tree = true;
}

static bool is_black(const struct rb_node *rb)
{
	return !rb || (rb->parent_color & 1);
}

/* Checks the subtree, returns its number of black nodes on every path. */
static int check_subtree(const struct rb_node *rb, const struct rb_node *parent, u64 *nodes,
			 bool augmented)
{
	u64 below = 0;
	int left, right;

	if (!rb)
		return 1;
	assert_ptr_equal(rb_parent(rb), parent);
	assert_true(is_black(rb) || (is_black(rb->rb_left) && is_black(rb->rb_right)));
	left = check_subtree(rb->rb_left, rb, &below, augmented);
	right = check_subtree(rb->rb_right, rb, &below, augmented);
	assert_int_equal(left, right);
	if (augmented)
		assert_int_equal(item_of(rb)->count, below + 1);
	*nodes += below + 1;
	return left + is_black(rb);
}

/* Compares the tree with the items marked as being in it; items[] is in the order of keys. */
static void check_tree(bool augmented)
{
	const struct rb_node *rb = rb_first(&root), *last = NULL;
	u64 nodes = 0, expected = 0;

	assert_true(is_black(root.rb_node));
	check_subtree(root.rb_node, NULL, &nodes, augmented);
	for (u32 i = 0; i < KEYS; i++) {
		if (!items[i].in_tree)
			continue;
		expected++;
		assert_ptr_equal(rb, &items[i].rb);
		assert_ptr_equal(rb_prev(rb), last);
		last = rb;
		rb = rb_next(rb);
	}
	assert_null(rb);
	assert_ptr_equal(rb_last(&root), last);
	assert_int_equal(nodes, expected);
	assert_int_equal(rb_empty(&root), expected == 0);
}

static void reset(void)
{
	root = RB_ROOT;
	for (u32 i = 0; i < KEYS; i++)
		items[i] = (struct item){.key = i * 10};
}

static void test_empty(void **state)
{
	(void)state;
	reset();
	check_tree(false);
}

static void test_ascending_then_erase_from_both_ends(void **state)
{
	(void)state;
	reset();
	for (u32 i = 0; i < KEYS; i++) {
		insert(&items[i], NULL);
		check_tree(false);
	}
	for (u32 i = 0; i < KEYS; i++) {
		struct rb_node *rb = i % 2 ? rb_first(&root) : rb_last(&root);

		rb_erase(rb, &root);
		item_of(rb)->in_tree = false;
		check_tree(false);
	}
}

static void random_changes(rb_update_t update)
{
	uint64_t seed = 42;

	reset();
	for (u32 round = 0; round < 20000; round++) {
		struct item *item = &items[unit_random(&seed) % KEYS];

		if (item->in_tree) {
			rb_erase_augmented(&item->rb, &root, update);
			/* Nobody may look at what was taken out. */
			memset(&item->rb, 0x5a, sizeof(item->rb));
			item->in_tree = false;
		} else {
			insert(item, update);
		}
		check_tree(update != NULL);
	}
}

static void test_random(void **state)
{
	(void)state;
	random_changes(NULL);
}

static void test_random_augmented(void **state)
{
	(void)state;
	random_changes(update_count);
}

static void test_equal_keys_keep_insertion_order(void **state)
{
	(void)state;
	reset();
	for (u32 i = 0; i < KEYS; i++)
		items[i].key = 7;
	for (u32 i = 0; i < KEYS; i++)
		insert(&items[i], NULL);
	check_tree(false);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_empty),
	cmocka_unit_test(test_ascending_then_erase_from_both_ends),
	cmocka_unit_test(test_random),
	cmocka_unit_test(test_random_augmented),
	cmocka_unit_test(test_equal_keys_keep_insertion_order),
};

UNIT_MAIN(tests)
