/* The memory functions of lib/string.h that profit from string instructions. */
#include "cpu/kasan.h"
#include "lib/string.h"

void *memcpy(void *to, const void *from, size_t n)
{
	void *d = to;
	size_t words = n / 8, bytes = n % 8;

	kasan_check_read(from, n);
	kasan_check_write(to, n);
	__asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words)::"memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(bytes)::"memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	const u8 *s = (const u8 *)from + n - 1;
	u8 *d = (u8 *)to + n - 1;

	if ((u64)to - (u64)from >= n)
		return memcpy(to, from, n);
	kasan_check_read(from, n);
	kasan_check_write(to, n);
	/* `to` lies inside the source: from the end. */
	__asm__ volatile("std; rep movsb; cld" : "+D"(d), "+S"(s), "+c"(n)::"memory");
	return to;
}

void *memset(void *to, int c, size_t n)
{
	void *d = to;
	u64 pattern = (u8)c * 0x0101010101010101ul;
	size_t words = n / 8, bytes = n % 8;

	kasan_check_write(to, n);
	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(bytes) : "a"(pattern) : "memory");
	return to;
}
