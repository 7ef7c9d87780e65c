/* Text functions: against libc's where the sign or the address is the contract, by hand where the
 * ends are. */
#include "unit.h"

#include "lib/string.h"

static const char *const texts[] = {
	"",
	"a",
	"b",
	"ab",
	"abc",
	"abd",
	"\xff",
	"a\xff",
	"a longer text that differs at the end 1",
	"a longer text that differs at the end 2",
};

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void test_comparisons(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++)
		for (u32 j = 0; j < ARRAY_SIZE(texts); j++) {
			assert_int_equal(sign(strcmp(texts[i], texts[j])),
					 sign(__builtin_strcmp(texts[i], texts[j])));
			for (size_t n = 0; n < 45; n++)
				assert_int_equal(sign(strncmp(texts[i], texts[j], n)),
						 sign(__builtin_strncmp(texts[i], texts[j], n)));
		}
	assert_true(memcmp("\x01\x80", "\x01\x7f", 2) > 0);
	assert_true(memcmp("a\0b", "a\0c", 3) < 0);
	assert_int_equal(memcmp("a\0b", "a\0c", 2), 0);
	assert_int_equal(memcmp("x", "y", 0), 0);
}

static void test_lengths(void **state)
{
	static const char unterminated[3] = {'a', 'b', 'c'};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(strlen(texts[i]), __builtin_strlen(texts[i]));
	assert_int_equal(strnlen("abc", 0), 0);
	assert_int_equal(strnlen("abc", 2), 2);
	assert_int_equal(strnlen("abc", 10), 3);
	/* The sanitizer watches that nothing behind it is read. */
	assert_int_equal(strnlen(unterminated, sizeof(unterminated)), 3);
}

static void test_strchr(void **state)
{
	static const char text[] = "a.b.c";

	(void)state;
	assert_ptr_equal(strchr(text, '.'), text + 1);
	assert_ptr_equal(strchr(text, 'c'), text + 4);
	assert_ptr_equal(strchr(text, '\0'), text + 5);
	assert_null(strchr(text, 'x'));
}

static void test_strscpy_pad(void **state)
{
	char to[8];

	(void)state;
	memset(to, 'x', sizeof(to));
	strscpy_pad(to, "abc", sizeof(to));
	assert_memory_equal(to, "abc\0\0\0\0", 8);
	memset(to, 'x', sizeof(to));
	strscpy_pad(to, "a text too long", sizeof(to));
	assert_memory_equal(to, "a text ", 8);
	memset(to, 'x', sizeof(to));
	strscpy_pad(to, "exactly", sizeof(to));
	assert_memory_equal(to, "exactly", 8);
	memset(to, 'x', sizeof(to));
	strscpy_pad(to, "abc", 1);
	assert_memory_equal(to, "\0xxxxxxx", 8);
	strscpy_pad(to, "abc", 0);
	assert_memory_equal(to, "\0xxxxxxx", 8);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_comparisons),
	cmocka_unit_test(test_lengths),
	cmocka_unit_test(test_strchr),
	cmocka_unit_test(test_strscpy_pad),
};

UNIT_MAIN(tests)
