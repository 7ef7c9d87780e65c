/*
 * Intrusive red-black trees. The node lies inside the caller's structure; the caller compares, so
 * it also descends and links:
 *
 *   struct rb_node **link = &root->rb_node, *parent = NULL;
 *
 *   while (*link) {
 *           parent = *link;
 *           link = key < rb_entry(parent, struct thing, rb)->key ? &parent->rb_left
 *                                                                : &parent->rb_right;
 *   }
 *   rb_link_node(&thing->rb, parent, link);
 *   rb_insert_color(&thing->rb, root);
 *
 * An augmented tree keeps in every node a summary of the subtree below it. `update` computes it
 * from the node itself and its two children; it is called for all whose subtree changed, children
 * first. Such a tree is only changed by the _augmented functions.
 *
 * No locks: the caller's guards the tree, also against rb_next() and rb_prev(). A root of zeroes is
 * an empty tree.
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include "lib/types.h"

struct rb_node {
	u64 parent_color; /* address of the parent (NULL at the root), bit 0: black */
	union {
		struct rb_node *child[2];
		struct {
			struct rb_node *rb_left, *rb_right;
		};
	};
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT ((struct rb_root){NULL})

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

typedef void (*rb_update_t)(struct rb_node *node);

static inline bool rb_empty(const struct rb_root *root)
{
	return !root->rb_node;
}

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~1ul);
}

/* Hangs a node in as a leaf at *link, a NULL child of `parent` (or the root). One of the insert
 * functions must follow before anything else. */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_color = (u64)parent; /* red */
	node->rb_left = node->rb_right = NULL;
	*link = node;
}

/* Rebalances after rb_link_node(). */
void rb_insert_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update);
/* Takes a node out of its tree; its fields are garbage afterwards. */
void rb_erase_augmented(struct rb_node *node, struct rb_root *root, rb_update_t update);

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	rb_insert_augmented(node, root, NULL);
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	rb_erase_augmented(node, root, NULL);
}

/* The ends of the tree and the neighbours of a node in its order; NULL when there is none. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#endif
