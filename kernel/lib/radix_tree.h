/*
 * Radix trees: a sparse array of words that are not 0, indexed by numbers below RADIX_LIMIT. Each
 * node looks at six bits of the index, and the tree is only as high as its highest index needs.
 *
 * What a word means is the caller's affair: the page cache tells pages from swap slots by bit 0.
 *
 * No locks, and no memory: the caller's lock guards the tree, and nodes come from and go to a pool
 * that the caller fills and empties. An insertion that finds too few nodes there changes nothing and
 * says how many it needs, so that the caller can let go of its lock to get them. A tree and a pool of
 * zeroes are empty.
 */
#ifndef LIB_RADIX_TREE_H
#define LIB_RADIX_TREE_H

#include "lib/types.h"

#define RADIX_BITS  6u
#define RADIX_SLOTS (1u << RADIX_BITS)
/* The most levels, and one above the highest index: byte offsets have 63 bits, pages 51. */
#define RADIX_LEVELS 9u
#define RADIX_LIMIT  BIT(RADIX_LEVELS *RADIX_BITS)

struct radix_node {
	u64 slots[RADIX_SLOTS];    /* shift 0: the words; above: addresses of nodes */
	struct radix_node *parent; /* in a pool: the next one */
	u8 shift;                  /* of the index for this node's bits */
	u8 offset;                 /* its slot in the parent */
	u8 count;                  /* slots that are not 0 */
};

struct radix_tree {
	struct radix_node *root;
};

struct radix_pool {
	struct radix_node *first;
	u32 nr;
};

void radix_pool_add(struct radix_pool *pool, struct radix_node *node);
/* NULL when it is empty. */
struct radix_node *radix_pool_take(struct radix_pool *pool);

/* The word at an index, or 0. */
u64 radix_get(const struct radix_tree *tree, u64 index);

/* The first word that is not 0 at *index or behind it, and stores where it is; 0: there is none. */
u64 radix_next(const struct radix_tree *tree, u64 *index);

/* Stores a word where there is none. Returns 0, or how many nodes the pool must have: then nothing
 * was changed. */
u32 __must_check radix_insert(struct radix_tree *tree, u64 index, u64 word,
			      struct radix_pool *pool);

/* Puts a word in the place of one that is there; returns that one. */
u64 radix_replace(struct radix_tree *tree, u64 index, u64 word);

/* Takes out a word that is there, and returns it; nodes that become empty go to the pool. */
u64 radix_remove(struct radix_tree *tree, u64 index, struct radix_pool *pool);

static inline bool radix_empty(const struct radix_tree *tree)
{
	return !tree->root;
}

#endif
