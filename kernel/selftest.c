/*
 * One mistake for each kind that a debug build finds; tests/system/test_debug_build.py provokes them
 * by selftest=NAME. Each is made where the compiler cannot see it coming.
 */
#include "selftest.h"

#include "cpu/panic.h"
#include "cpu/spinlock.h"
#include "cpu/wait.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "mm/slab.h"

static DEFINE_SPINLOCK(outer_lock, RANK_TASKS);
static DEFINE_SPINLOCK(inner_lock, RANK_BUDDY);

static char global_bytes[10];

/* A value of which the compiler knows nothing. */
#define HIDE(value)                                   \
	({                                            \
		typeof(value) hidden_ = (value);      \
		__asm__ volatile("" : "+r"(hidden_)); \
		hidden_;                              \
	})

static __noinline void hold_inner_lock(void)
{
	spin_lock(&inner_lock);
}

static void test_lockrank(void)
{
	hold_inner_lock();
	spin_lock(&outer_lock);
}

static void test_deadlock(void)
{
	hold_inner_lock();
	spin_lock(&inner_lock);
}

static void test_unlock(void)
{
	spin_unlock(&inner_lock);
}

static void test_sleep(void)
{
	hold_inner_lock();
	schedule();
}

static __noinline char *allocate(size_t size)
{
	char *object = kmalloc(size, GFP_KERNEL);

	if (!object)
		panic("selftest: no memory");
	return HIDE(object);
}

static __noinline void release(const char *object)
{
	kfree(object);
}

static void test_uaf(void)
{
	char *object = allocate(40);

	release(object);
	HIDE(object)[8] = 1;
}

static void test_oob(void)
{
	char *object = allocate(100);

	printk("selftest: byte %d", object[HIDE(100)]);
}

static void test_double_free(void)
{
	char *object = allocate(40);

	release(object);
	release(object);
}

static void test_page_uaf(void)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_KERNEL);
	u64 *words;

	if (!page)
		panic("selftest: no memory");
	words = HIDE((u64 *)page_virt(page));
	free_page(page);
	words[100] = 1;
}

static void test_copy(void)
{
	memset(allocate(40), 0, HIDE(41ul));
}

static void test_global(void)
{
	*HIDE(&global_bytes[ARRAY_SIZE(global_bytes) - 1] + 1) = 1;
}

static void test_overflow(void)
{
	int most = HIDE(0x7fffffff);

	printk("selftest: %d", HIDE(most + 1));
}

static void test_shift(void)
{
	printk("selftest: %d", HIDE(1 << HIDE(32)));
}

static void test_bounds(void)
{
	printk("selftest: %d", global_bytes[HIDE(10)]);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"lockrank", test_lockrank},
	{"deadlock", test_deadlock},
	{"unlock", test_unlock},
	{"sleep", test_sleep},
	{"uaf", test_uaf},
	{"oob", test_oob},
	{"double_free", test_double_free},
	{"page_uaf", test_page_uaf},
	{"copy", test_copy},
	{"global", test_global},
	{"overflow", test_overflow},
	{"shift", test_shift},
	{"bounds", test_bounds},
};

void selftest_run(void)
{
	char wanted[32];

	if (!cmdline_text("selftest", wanted, sizeof(wanted)))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(wanted, tests[i].name) != 0)
			continue;
		tests[i].run();
		panic("selftest=%s went unnoticed", tests[i].name);
	}
	panic("selftest=%s: there is no such test", wanted);
}
