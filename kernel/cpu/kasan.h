/*
 * KASAN, as Linux calls it: in debug builds every access of compiled code, and of the routines that
 * copy and clear, is looked up in a shadow, one byte for eight bytes of memory. The shadow says
 * which of the eight may be used: 0 all, 1 to 7 the first so many, negative none, and why.
 *
 * Only what was given a shadow is checked: RAM at its direct map, and the kernel image. Stacks are
 * not, nor what RAM was before kasan_cover(). A report is the end: it panics.
 *
 * In other builds all this is nothing.
 */
#ifndef CPU_KASAN_H
#define CPU_KASAN_H

#include "lib/types.h"

/* Why memory must not be used: Linux's values. */
enum kasan_state {
	KASAN_FREE_PAGE = 0xff,
	KASAN_PAGE_REDZONE = 0xfe, /* behind what was asked for, to the end of its frames */
	KASAN_SLAB_REDZONE = 0xfc, /* between objects */
	KASAN_SLAB_FREE = 0xfb,
	KASAN_GLOBAL_REDZONE = 0xf9,
};

#define KASAN_GRANULE 8

#ifdef CONFIG_KASAN

/* From now on [start, start + size) is checked, by this shadow of size / 8 bytes: zeroed, and in
 * memory that is itself never poisoned. */
void kasan_cover(const void *start, size_t size, u8 *shadow);

/* The globals' red zones, as the compiler described them; the image is covered. Once. */
void kasan_poison_globals(void);

/* Forbids whole granules: both ends aligned to KASAN_GRANULE. */
void kasan_poison(const void *start, size_t size, enum kasan_state state);
/* Allows the first `size` bytes; the start aligned. */
void kasan_unpoison(const void *start, size_t size);
/* Whether the byte may not be used. */
bool kasan_is_poisoned(const void *address);

/* For routines that the compiler does not see. */
void kasan_check_read(const void *start, size_t size);
void kasan_check_write(const void *start, size_t size);

/* Reports a free of memory that is free already, or that cannot be freed. */
void kasan_report_free(const void *address) __noreturn;

/* Set by mm: prints what lies at this address, who allocated and who freed it. */
extern void (*kasan_describe)(u64 address);

#else

static inline void kasan_poison(const void *start, size_t size, enum kasan_state state)
{
	(void)start, (void)size, (void)state;
}
static inline void kasan_unpoison(const void *start, size_t size)
{
	(void)start, (void)size;
}
static inline void kasan_check_read(const void *start, size_t size)
{
	(void)start, (void)size;
}
static inline void kasan_check_write(const void *start, size_t size)
{
	(void)start, (void)size;
}

#endif

#endif
