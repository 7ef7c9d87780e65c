/* Formatting: every supported conversion must give what libc gives, except %p, whose form is the
 * kernel's own. */
#include "unit.h"

#include "lib/printf.h"

/* Formats by the kernel and by libc, into buffers of `size`, and compares text and length. */
#define CHECK_SIZE(size, ...)                                                   \
	do {                                                                    \
		char ours[128], theirs[128];                                    \
		int our_length, their_length;                                   \
                                                                                \
		memset(ours, 'x', sizeof(ours));                                \
		memset(theirs, 'x', sizeof(theirs));                            \
		our_length = snprintf(ours, (size), __VA_ARGS__);               \
		their_length = __builtin_snprintf(theirs, (size), __VA_ARGS__); \
		assert_int_equal(our_length, their_length);                     \
		if (size)                                                       \
			assert_string_equal(ours, theirs);                      \
		for (size_t i = (size); i < sizeof(ours); i++)                  \
			assert_int_equal(ours[i], 'x');                         \
	} while (0)

#define CHECK(...) CHECK_SIZE((size_t)128, __VA_ARGS__)

static void test_numbers(void **state)
{
	static const s64 numbers[] = {0,         1,          -1,        9,
				      10,        -10,        123456,    INT32_MAX,
				      INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++) {
		s64 n = numbers[i];

		CHECK("%d|%i|%u|%x|%X", (s32)n, (s32)n, (u32)n, (u32)n, (u32)n);
		CHECK("%ld|%lu|%lx|%lX", n, n, n, n);
		CHECK("%lld|%llu|%llx", (long long)n, (unsigned long long)n, (unsigned long long)n);
		CHECK("%zu", (size_t)n);
		CHECK("%12d|%-12d|%012d", (s32)n, (s32)n, (s32)n);
		CHECK("%3lx|%-3lx|%03lx", n, n, n);
		CHECK("%25ld|%-25ld|%025ld", n, n, n);
	}
}

static void test_texts(void **state)
{
	static const char unterminated[3] = {'a', 'b', 'c'};

	(void)state;
	CHECK("%s", "");
	CHECK("%s and %s", "one", "two");
	CHECK("%10s|%-10s|", "right", "left");
	CHECK("%2s|%-2s|", "right", "left");
	CHECK("%.2s|%.0s|%.9s|", "cut", "gone", "whole");
	CHECK("%8.2s|%-8.2s|", "cut", "cut");
	CHECK("%.3s", unterminated);
	CHECK("%c%c%5c|%-5c|", 'a', 'b', 'c', 'd');
	CHECK("100%% of %d", 5);
	CHECK("no conversion");
}

static void test_null_text(void **state)
{
	const char *volatile nothing = NULL; /* the compiler must not know */
	char text[16];

	(void)state;
	assert_int_equal(snprintf(text, sizeof(text), "%s", nothing), 6);
	assert_string_equal(text, "(null)");
}

static void test_pointer(void **state)
{
	char text[32];

	(void)state;
	snprintf(text, sizeof(text), "%p", (void *)0xffff888000001234ul);
	assert_string_equal(text, "ffff888000001234");
	snprintf(text, sizeof(text), "%p", (void *)0x1000ul);
	assert_string_equal(text, "0000000000001000");
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t size = 0; size < 24; size++) {
		CHECK_SIZE(size, "%s %d", "a text", 123456789);
		CHECK_SIZE(size, "%20d", 42);
		CHECK_SIZE(size, "%s", "");
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_numbers),   cmocka_unit_test(test_texts),
	cmocka_unit_test(test_null_text), cmocka_unit_test(test_pointer),
	cmocka_unit_test(test_cut),
};

UNIT_MAIN(tests)
