/* The kernel command line: numbers, texts, words that only look like the name asked for. */
#include "unit.h"

#include "lib/cmdline.h"

static void test_numbers(void **state)
{
	(void)state;
	cmdline_set("a=0 b=17 c=0x1F d=4K e=3M f=2G g=0x10K h=18446744073709551615");
	assert_int_equal(cmdline_u64("a", 9), 0);
	assert_int_equal(cmdline_u64("b", 9), 17);
	assert_int_equal(cmdline_u64("c", 9), 31);
	assert_int_equal(cmdline_u64("d", 9), 4096);
	assert_int_equal(cmdline_u64("e", 9), 3 * MIB);
	assert_int_equal(cmdline_u64("f", 9), 2048 * MIB);
	assert_int_equal(cmdline_u64("g", 9), 16 * KIB);
	assert_true(cmdline_u64("h", 9) == UINT64_MAX);
}

static void test_what_is_no_number(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "absent"};

	(void)state;
	cmdline_set("a= b=x c=12x d=4KK e=0x f=-1 g=18446744073709551616 h=17179869184G i");
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(cmdline_u64(names[i], 9), 9);
}

static void test_texts(void **state)
{
	char text[8] = "before";

	(void)state;
	cmdline_set("init=/bin/sh trace=lossless empty=");
	assert_true(cmdline_is("trace", "lossless"));
	assert_false(cmdline_is("trace", "loss"));
	assert_false(cmdline_is("trace", "lossless2"));
	assert_false(cmdline_is("absent", ""));
	assert_true(cmdline_is("empty", ""));

	assert_false(cmdline_text("absent", text, sizeof(text)));
	assert_string_equal(text, "before");
	assert_true(cmdline_text("init", text, sizeof(text)));
	assert_string_equal(text, "/bin/sh");
	assert_true(cmdline_text("trace", text, sizeof(text)));
	assert_string_equal(text, "lossles");
	assert_true(cmdline_text("empty", text, sizeof(text)));
	assert_string_equal(text, "");
}

static void test_names_are_whole_words(void **state)
{
	(void)state;
	cmdline_set("  trace_subbufs=8   xtrace=1 note=a=b ");
	assert_int_equal(cmdline_u64("trace", 9), 9);
	assert_int_equal(cmdline_u64("subbufs", 9), 9);
	assert_int_equal(cmdline_u64("trace_subbufs", 9), 8);
	assert_int_equal(cmdline_u64("a", 9), 9);
	assert_true(cmdline_is("note", "a=b"));
}

static void test_words_that_stand_alone(void **state)
{
	(void)state;
	cmdline_set("nokaslr trace=off  norandmaps");
	assert_true(cmdline_has("nokaslr"));
	assert_true(cmdline_has("norandmaps"));
	assert_false(cmdline_has("kaslr"));
	assert_false(cmdline_has("norand"));
	assert_false(cmdline_has("trace"));
	cmdline_set("xnokaslr nokaslr=1 nokaslrx");
	assert_false(cmdline_has("nokaslr"));
}

static void test_the_last_one_wins(void **state)
{
	(void)state;
	cmdline_set("a=1 b=2 a=3");
	assert_int_equal(cmdline_u64("a", 9), 3);
}

static void test_long_lines_are_cut(void **state)
{
	static char line[3000];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	memcpy(line, "a=5 ", 4);
	cmdline_set(line);
	assert_int_equal(cmdline_u64("a", 9), 5);
	assert_true(strlen(cmdline_get()) < 1024);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_numbers),
	cmocka_unit_test(test_what_is_no_number),
	cmocka_unit_test(test_texts),
	cmocka_unit_test(test_names_are_whole_words),
	cmocka_unit_test(test_words_that_stand_alone),
	cmocka_unit_test(test_the_last_one_wins),
	cmocka_unit_test(test_long_lines_are_cut),
};

UNIT_MAIN(tests)
