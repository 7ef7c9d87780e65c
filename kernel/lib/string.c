/* Text functions and memcmp. memcpy, memmove and memset are arch's, which has instructions for
 * them. */
#include "lib/string.h"

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] || !a[i])
			return (u8)a[i] - (u8)b[i];
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

void strscpy_pad(char *to, const char *from, size_t size)
{
	size_t n;

	if (size == 0)
		return;
	n = strnlen(from, size - 1);
	memcpy(to, from, n);
	memset(to + n, 0, size - n);
}
