/*
 * Owns no state. The orders are Feistel networks over the next even power of two, stepped until the
 * result is below n (at most four steps on average). A shuffled table was rejected: it would itself
 * be swapped out by the program under test, and its faults would be counted with those of the pages
 * that are measured.
 */
#include "random.h"

#define FEISTEL_ROUNDS 4 /* fewer leave visible stripes in the order of pages */

uint64_t random_mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	return x ^ (x >> 32);
}

struct random_order random_order(uint64_t n, uint64_t key)
{
	struct random_order order = {.n = n, .key = random_mix(key + 1), .half_bits = 1};

	while (((uint64_t)1 << (2 * order.half_bits)) < n)
		order.half_bits++;
	return order;
}

static uint64_t permute(const struct random_order *order, uint64_t x)
{
	uint64_t mask = ((uint64_t)1 << order->half_bits) - 1;
	uint64_t left = x >> order->half_bits;
	uint64_t right = x & mask;

	for (uint64_t round = 1; round <= FEISTEL_ROUNDS; round++) {
		uint64_t next = left ^ (random_mix(order->key + (right << 3) + round) & mask);
		left = right;
		right = next;
	}
	return left << order->half_bits | right;
}

uint64_t random_order_at(const struct random_order *order, uint64_t i)
{
	do
		i = permute(order, i);
	while (i >= order->n);
	return i;
}
