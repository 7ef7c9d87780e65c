#include "proc/random.h"
#include "arch/x86_64/boot.h"
#include "lib/siphash.h"
#include "lib/string.h"

/* Numbers given out so far; atomic, so concurrent callers get different ones. */
static u64 drawn;

u64 random_u64(void)
{
	return siphash(boot_seed, SEED_USER, __atomic_fetch_add(&drawn, 1, __ATOMIC_RELAXED));
}

void random_bytes(void *to, size_t n)
{
	while (n > 0) {
		u64 number = random_u64();
		size_t part = min(n, sizeof(number));

		memcpy(to, &number, part);
		to = (char *)to + part;
		n -= part;
	}
}
