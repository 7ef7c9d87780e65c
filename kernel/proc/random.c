#include "proc/random.h"
#include "cpu/clock.h"
#include "lib/string.h"

/* The state is only ever added to, atomically: concurrent callers get different numbers. */
static u64 state;

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): an additive
 * sequence, mixed. */
static u64 next_number(void)
{
	u64 x = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ul ^ rdtsc() << 1, __ATOMIC_RELAXED);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ul;
	x = (x ^ x >> 27) * 0x94d049bb133111ebul;
	return x ^ x >> 31;
}

void random_bytes(void *to, size_t n)
{
	while (n > 0) {
		u64 number = next_number();
		size_t part = min(n, sizeof(number));

		memcpy(to, &number, part);
		to = (char *)to + part;
		n -= part;
	}
}
