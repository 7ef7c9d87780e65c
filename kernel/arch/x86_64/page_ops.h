/* Whole pages, by words: an emulated CPU pays for every iteration of a string instruction. Both
 * pointers page-aligned. */
#ifndef ARCH_PAGE_OPS_H
#define ARCH_PAGE_OPS_H

#include "cpu/kasan.h"
#include "lib/types.h"

static inline void clear_page(void *page)
{
	u64 words = PAGE_SIZE / sizeof(u64);

	kasan_check_write(page, PAGE_SIZE);
	__asm__ volatile("rep stosq" : "+D"(page), "+c"(words) : "a"(0ul) : "memory");
}

static inline void copy_page(void *to, const void *from)
{
	u64 words = PAGE_SIZE / sizeof(u64);

	kasan_check_read(from, PAGE_SIZE);
	kasan_check_write(to, PAGE_SIZE);
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
}

#endif
