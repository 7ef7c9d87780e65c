/*
 * Numbers that look random and follow from a seed alone: no state, no table.
 */
#ifndef USER_WORKLOADS_RANDOM_H
#define USER_WORKLOADS_RANDOM_H

#include <stdint.h>

/* A bijection of 64-bit numbers; neighbouring inputs give unrelated outputs. */
uint64_t random_mix(uint64_t x);

/* A random order of the numbers 0 .. n-1. */
struct random_order {
	uint64_t n;
	uint64_t key;
	unsigned int half_bits; /* the permuted numbers have 2 * half_bits bits */
};

/* n: 1 .. 2^62. The same (n, key) gives the same order. */
struct random_order random_order(uint64_t n, uint64_t key);

/* The number at place i of the order, 0 <= i < n; every number comes exactly once. */
uint64_t random_order_at(const struct random_order *order, uint64_t i);

#endif
