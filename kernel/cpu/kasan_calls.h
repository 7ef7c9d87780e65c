/* What kasan_calls.c needs of kasan.c: private to the two. */
#ifndef CPU_KASAN_CALLS_H
#define CPU_KASAN_CALLS_H

#include "lib/types.h"

enum kasan_access { KASAN_READ, KASAN_WRITE };

/* Whether all of `size` bytes, at least one, may be used. */
bool kasan_allows(u64 address, size_t size);
/* Panics, unless the kernel already does. */
void kasan_report(u64 address, size_t size, enum kasan_access access, u64 rip, u64 rbp);

#endif
