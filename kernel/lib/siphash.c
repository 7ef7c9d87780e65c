#include "lib/siphash.h"

struct state {
	u64 v0, v1, v2, v3;
};

static u64 rotate(u64 x, u32 bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(struct state *s, u32 nr)
{
	while (nr-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static void absorb(struct state *s, u64 word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

u64 siphash(u64 key0, u64 key1, u64 number)
{
	/* The constants spell "somepseudorandomlygeneratedbytes". */
	struct state s = {key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d,
			  key0 ^ 0x6c7967656e657261, key1 ^ 0x7465646279746573};

	absorb(&s, number);
	absorb(&s, sizeof(number) << 56); /* the last word holds the length, here nothing else */
	s.v2 ^= 0xff;
	rounds(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
