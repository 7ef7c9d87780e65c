/* Radix trees: against a sorted array that is searched from end to end, and the nodes counted. */
#include "unit.h"

#include "lib/radix_tree.h"

#define MAX_WORDS 400

static struct {
	u64 index, word;
} words[MAX_WORDS];
static u32 nr_words;
static struct radix_tree tree;
static struct radix_pool pool;
static u32 nr_nodes; /* made and not freed */

static void add_node(void)
{
	struct radix_node *node = malloc(sizeof(*node));

	memset(node, 0x5a, sizeof(*node));
	radix_pool_add(&pool, node);
	nr_nodes++;
}

static void empty_pool(void)
{
	struct radix_node *node;

	while ((node = radix_pool_take(&pool))) {
		free(node);
		nr_nodes--;
	}
	assert_int_equal(pool.nr, 0);
}

static u32 place_of(u64 index)
{
	u32 i = 0;

	while (i < nr_words && words[i].index < index)
		i++;
	return i;
}

/* Inserts with just the nodes that the tree asks for. */
static void insert(u64 index, u64 word)
{
	u32 place = place_of(index), missing = radix_insert(&tree, index, word, &pool);

	if (missing) {
		assert_int_equal(radix_get(&tree, index), 0);
		for (u32 i = 0; i < missing; i++)
			add_node();
		assert_int_equal(radix_insert(&tree, index, word, &pool), 0);
	}
	assert_int_equal(pool.nr, 0);
	memmove(&words[place + 1], &words[place], (nr_words - place) * sizeof(words[0]));
	words[place].index = index;
	words[place].word = word;
	nr_words++;
}

static void take(u64 index)
{
	u32 place = place_of(index);

	assert_int_equal(radix_remove(&tree, index, &pool), words[place].word);
	nr_words--;
	memmove(&words[place], &words[place + 1], (nr_words - place) * sizeof(words[0]));
	empty_pool();
}

static void check_all(void)
{
	u64 index = 0;

	for (u32 i = 0; i < nr_words; i++, index++) {
		assert_int_equal(radix_get(&tree, words[i].index), words[i].word);
		assert_int_equal(radix_next(&tree, &index), words[i].word);
		assert_int_equal(index, words[i].index);
	}
	assert_int_equal(index < RADIX_LIMIT ? radix_next(&tree, &index) : 0, 0);
}

static void test_empty(void **state)
{
	u64 index = 0;

	(void)state;
	assert_true(radix_empty(&tree));
	assert_int_equal(radix_get(&tree, 0), 0);
	assert_int_equal(radix_get(&tree, RADIX_LIMIT - 1), 0);
	assert_int_equal(radix_next(&tree, &index), 0);
}

/* Every height, in ascending and in descending order, and nothing left behind. */
static void test_heights(void **state)
{
	(void)state;
	for (u32 down = 0; down < 2; down++) {
		for (u32 i = 0; i < RADIX_LEVELS * RADIX_BITS; i++)
			insert(BIT(down ? RADIX_LEVELS * RADIX_BITS - 1 - i : i), 2 * i + 2);
		insert(0, 1);
		insert(RADIX_LIMIT - 1, 3);
		check_all();
		for (u32 i = RADIX_LEVELS * RADIX_BITS; i-- > 0;) {
			take(BIT(i));
			check_all();
		}
		take(RADIX_LIMIT - 1);
		take(0);
		assert_true(radix_empty(&tree));
		assert_int_equal(nr_nodes, 0);
	}
}

static void test_replace(void **state)
{
	(void)state;
	insert(77, 4);
	assert_int_equal(radix_replace(&tree, 77, 5), 4);
	assert_int_equal(radix_get(&tree, 77), 5);
	words[0].word = 5;
	take(77);
}

/* A file that is written, punched and truncated: dense parts and lonely words. */
static void test_random(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (u32 round = 0; round < 60000; round++) {
		u64 index = unit_random(&seed) % 300;
		u64 probe;
		u32 place;

		if (unit_random(&seed) % 4 == 0)
			index = unit_random(&seed) % RADIX_LIMIT >> unit_random(&seed) % 54;
		place = place_of(index);
		if (place < nr_words && words[place].index == index)
			take(index);
		else if (nr_words < MAX_WORDS)
			insert(index, unit_random(&seed) | 1);
		probe = unit_random(&seed) % 600;
		place = place_of(probe);
		assert_int_equal(radix_next(&tree, &probe),
				 place < nr_words ? words[place].word : 0);
		if (round % 500 == 0)
			check_all();
	}
	while (nr_words)
		take(words[nr_words / 2].index);
	assert_true(radix_empty(&tree));
	assert_int_equal(nr_nodes, 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_empty),
	cmocka_unit_test(test_heights),
	cmocka_unit_test(test_replace),
	cmocka_unit_test(test_random),
};

UNIT_MAIN(tests)
