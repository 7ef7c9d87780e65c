/*
 * Interval trees after Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", section 14.3
 * (third edition): a red-black tree by `start` in which every node knows the highest `last` below
 * it. The search here finds the overlapping interval of lowest start, not just any, so that the
 * rest can be visited in order from there.
 */
#include "lib/interval_tree.h"

static struct interval_node *entry(const struct rb_node *rb)
{
	return rb_entry(rb, struct interval_node, rb);
}

static void update_subtree_last(struct rb_node *rb)
{
	struct interval_node *node = entry(rb);

	node->subtree_last = node->last;
	for (u32 side = 0; side < ARRAY_SIZE(rb->child); side++)
		if (rb->child[side])
			node->subtree_last =
				max(node->subtree_last, entry(rb->child[side])->subtree_last);
}

void interval_insert(struct interval_root *root, struct interval_node *node)
{
	struct rb_node **link = &root->rb.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = node->start < entry(parent)->start ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&node->rb, parent, link);
	rb_insert_augmented(&node->rb, &root->rb, update_subtree_last);
}

void interval_remove(struct interval_root *root, struct interval_node *node)
{
	rb_erase_augmented(&node->rb, &root->rb, update_subtree_last);
}

/* Whether some interval in the subtree (may be NULL) reaches up to `start` or beyond. */
static bool reaches(const struct rb_node *subtree, u64 start)
{
	return subtree && entry(subtree)->subtree_last >= start;
}

/*
 * The overlapping interval of lowest start in a subtree.
 *
 * If the left subtree reaches `start`, take the leftmost interval there that does: it is the
 * answer, or it begins behind `last`, and then so does everything to its right. Either way nothing
 * outside the left subtree is needed.
 */
static struct interval_node *search(const struct rb_node *rb, u64 start, u64 last)
{
	while (reaches(rb, start)) {
		struct interval_node *node = entry(rb);

		if (reaches(rb->rb_left, start)) {
			rb = rb->rb_left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		rb = rb->rb_right;
	}
	return NULL;
}

struct interval_node *interval_first(const struct interval_root *root, u64 start, u64 last)
{
	return search(root->rb.rb_node, start, last);
}

struct interval_node *interval_next(const struct interval_node *node, u64 start, u64 last)
{
	const struct rb_node *rb = &node->rb;

	for (;;) {
		const struct rb_node *parent = rb_parent(rb);

		/* All that follows in order: the right subtree, then the parent of a left child. */
		if (reaches(rb->rb_right, start))
			return search(rb->rb_right, start, last);
		while (parent && rb == parent->rb_right) {
			rb = parent;
			parent = rb_parent(rb);
		}
		if (!parent || entry(parent)->start > last)
			return NULL;
		if (entry(parent)->last >= start)
			return entry(parent);
		rb = parent;
	}
}
