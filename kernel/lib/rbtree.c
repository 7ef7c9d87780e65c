/*
 * Red-black trees after Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", chapter 13;
 * augmentation after its chapter on augmenting data structures (theorem 14.1 in the third edition).
 *
 *   1. every node is red or black, the root and the NULL leaves are black
 *   2. a red node has no red child
 *   3. all paths from a node down to its leaves hold the same number of black nodes
 *
 * Differences from the book: NULL instead of a sentinel (so the fix-up of a deletion is told the
 * parent), and both mirror images of each case in one text, by child[side].
 */
#include "lib/rbtree.h"

enum { LEFT, RIGHT };

#define BLACK 1ul

static bool is_red(const struct rb_node *node)
{
	return node && !(node->parent_color & BLACK);
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (u64)parent | (node->parent_color & BLACK);
}

static void set_black(struct rb_node *node)
{
	node->parent_color |= BLACK;
}

static void set_red(struct rb_node *node)
{
	node->parent_color &= ~BLACK;
}

/* Puts `to` (may be NULL) where `parent` (NULL: the root) has `from`; does not touch either. */
static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *from,
			  struct rb_node *to)
{
	if (!parent)
		root->rb_node = to;
	else
		parent->child[parent->child[RIGHT] == from] = to;
}

/* Turns the edge between `node` and its child on the other side, so that `node` sinks to `side`. */
static void rotate(struct rb_root *root, struct rb_node *node, int side, rb_update_t update)
{
	struct rb_node *riser = node->child[!side];
	struct rb_node *moved = riser->child[side];

	node->child[!side] = moved;
	if (moved)
		set_parent(moved, node);
	replace_child(root, rb_parent(node), node, riser);
	set_parent(riser, rb_parent(node));
	riser->child[side] = node;
	set_parent(node, riser);
	if (update) {
		update(node);
		update(riser);
	}
}

/* Computes the summaries of `node` (may be NULL) and all above it. */
static void update_upwards(struct rb_node *node, rb_update_t update)
{
	if (!update)
		return;
	for (; node; node = rb_parent(node))
		update(node);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update)
{
	struct rb_node *parent;

	update_upwards(node, update);

	/* `node` is red. Only rule 2 can be broken, and only between it and its parent. */
	while (is_red(parent = rb_parent(node))) {
		struct rb_node *grandparent = rb_parent(parent); /* there: a red node is no root */
		int side = parent == grandparent->child[RIGHT];
		struct rb_node *uncle = grandparent->child[!side];

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grandparent);
			node = grandparent;
			continue;
		}
		if (node == parent->child[!side]) {
			rotate(root, parent, side, update);
			parent = node;
		}
		set_black(parent);
		set_red(grandparent);
		rotate(root, grandparent, !side, update);
		break;
	}
	set_black(root->rb_node);
}

/* Paths through `node` (may be NULL), a child of `parent`, lack one black node: repairs rule 3. */
static void erase_fixup(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
			rb_update_t update)
{
	while (parent && !is_red(node)) {
		int side = node == parent->child[RIGHT];
		struct rb_node *sibling = parent->child[!side]; /* there: its paths hold one more */

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, side, update);
			sibling = parent->child[!side];
		}
		if (!is_red(sibling->child[LEFT]) && !is_red(sibling->child[RIGHT])) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (!is_red(sibling->child[!side])) {
			set_black(sibling->child[side]);
			set_red(sibling);
			rotate(root, sibling, !side, update);
			sibling = parent->child[!side];
		}
		if (is_red(parent))
			set_red(sibling);
		else
			set_black(sibling);
		set_black(parent);
		set_black(sibling->child[!side]);
		rotate(root, parent, side, update);
		return;
	}
	if (node)
		set_black(node);
}

static struct rb_node *outermost(struct rb_node *node, int side)
{
	while (node && node->child[side])
		node = node->child[side];
	return node;
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update)
{
	struct rb_node *gone = node; /* the node from whose place one is missing afterwards */
	struct rb_node *child, *parent;
	bool lost_black;

	if (node->rb_left && node->rb_right)
		gone = outermost(node->rb_right, LEFT);
	child = gone->rb_left ? gone->rb_left : gone->rb_right;
	parent = rb_parent(gone);
	lost_black = !is_red(gone);

	replace_child(root, parent, gone, child);
	if (child)
		set_parent(child, parent);

	if (gone != node) { /* the successor takes the node's place and colour */
		if (parent == node)
			parent = gone;
		*gone = *node;
		replace_child(root, rb_parent(node), node, gone);
		for (int side = LEFT; side <= RIGHT; side++)
			if (gone->child[side])
				set_parent(gone->child[side], gone);
	}

	update_upwards(parent, update);
	if (lost_black)
		erase_fixup(root, child, parent, update);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->rb_node, LEFT);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->rb_node, RIGHT);
}

/* The neighbour on `side`: the nearest below on that side, else the first above on that side. */
static struct rb_node *neighbour(const struct rb_node *node, int side)
{
	struct rb_node *parent;

	if (node->child[side])
		return outermost(node->child[side], !side);
	while ((parent = rb_parent(node)) && node == parent->child[side])
		node = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, RIGHT);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, LEFT);
}
