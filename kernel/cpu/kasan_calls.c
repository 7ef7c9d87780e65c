/*
 * What the compiler calls with -fsanitize=kernel-address: one function for each size of an access,
 * and the constructors of each file, which describe its globals.
 */
#include "cpu/kasan.h"
#include "cpu/kasan_calls.h"

/* In the function that the compiler calls: the report begins in its caller. */
#define CHECK(address, size, access)                                                          \
	do {                                                                                  \
		if (unlikely(!kasan_allows(address, size)))                                   \
			kasan_report(address, size, access, (u64)__builtin_return_address(0), \
				     *(const u64 *)__builtin_frame_address(0));               \
	} while (0)

#define DEFINE_CHECKS(size)                             \
	void __asan_load##size##_noabort(u64 address);  \
	void __asan_load##size##_noabort(u64 address)   \
	{                                               \
		CHECK(address, size, KASAN_READ);       \
	}                                               \
	void __asan_store##size##_noabort(u64 address); \
	void __asan_store##size##_noabort(u64 address)  \
	{                                               \
		CHECK(address, size, KASAN_WRITE);      \
	}

DEFINE_CHECKS(1)
DEFINE_CHECKS(2)
DEFINE_CHECKS(4)
DEFINE_CHECKS(8)
DEFINE_CHECKS(16)

void __asan_loadN_noabort(u64 address, size_t size);
void __asan_loadN_noabort(u64 address, size_t size)
{
	CHECK(address, size, KASAN_READ);
}

void __asan_storeN_noabort(u64 address, size_t size);
void __asan_storeN_noabort(u64 address, size_t size)
{
	CHECK(address, size, KASAN_WRITE);
}

/* Stacks have no shadow: nothing to clean up before a function that does not return. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {}

/* One global, as GCC describes it (libsanitizer). */
struct asan_global {
	const char *start;
	size_t size, size_with_redzone;
	const void *name, *module;
	u64 has_dynamic_init;
	const void *location;
	u64 odr_indicator;
};

void __asan_register_globals(const struct asan_global *globals, size_t n);
void __asan_register_globals(const struct asan_global *globals, size_t n)
{
	for (; n; n--, globals++) {
		size_t used = ALIGN_UP(globals->size, (size_t)KASAN_GRANULE);

		kasan_poison(globals->start + used, globals->size_with_redzone - used,
			     KASAN_GLOBAL_REDZONE);
		kasan_unpoison(globals->start, globals->size);
	}
}

/* The image is never unloaded. */
void __asan_unregister_globals(const struct asan_global *globals, size_t n);
void __asan_unregister_globals(const struct asan_global *globals, size_t n)
{
	(void)globals, (void)n;
}

extern void (*const constructors_start[])(void), (*const constructors_end[])(void);

void kasan_poison_globals(void)
{
	for (void (*const *constructor)(void) = constructors_start; constructor < constructors_end;
	     constructor++)
		(*constructor)();
}
