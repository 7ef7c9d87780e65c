/*
 * Sets of closed intervals [start, last] of numbers, searched by overlap: O(log n) to change, O(log
 * n) to each overlapping interval. Intervals may be equal, overlap and contain each other.
 *
 *   for (node = interval_first(root, start, last); node; node = interval_next(node, start, last))
 *
 * visits those that have a number in common with [start, last], by ascending `start`. The tree must
 * not change meanwhile.
 *
 * No locks: the caller's guards the tree. A root of zeroes is an empty tree.
 */
#ifndef LIB_INTERVAL_TREE_H
#define LIB_INTERVAL_TREE_H

#include "lib/rbtree.h"

struct interval_node {
	struct rb_node rb;
	u64 start, last;  /* set by the caller; fixed while in a tree; start <= last */
	u64 subtree_last; /* highest `last` in the subtree of this node */
};

struct interval_root {
	struct rb_root rb;
};

static inline bool interval_empty(const struct interval_root *root)
{
	return rb_empty(&root->rb);
}

void interval_insert(struct interval_root *root, struct interval_node *node);
void interval_remove(struct interval_root *root, struct interval_node *node);

struct interval_node *interval_first(const struct interval_root *root, u64 start, u64 last);
struct interval_node *interval_next(const struct interval_node *node, u64 start, u64 last);

#endif
