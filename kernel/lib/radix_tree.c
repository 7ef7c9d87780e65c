/*
 * Radix trees, after Knuth, "The Art of Computer Programming", volume 3, section 6.3 (tries). No node
 * but the root's ancestors-to-be is ever empty: a node goes when its last word does, and a root whose
 * only child is its first one gives way to it. So a search that follows slots always finds a word.
 */
#include "lib/radix_tree.h"

void radix_pool_add(struct radix_pool *pool, struct radix_node *node)
{
	node->parent = pool->first;
	pool->first = node;
	pool->nr++;
}

struct radix_node *radix_pool_take(struct radix_pool *pool)
{
	struct radix_node *node = pool->first;

	if (!node)
		return NULL;
	pool->first = node->parent;
	pool->nr--;
	return node;
}

static struct radix_node *child(const struct radix_node *node, u32 offset)
{
	return (struct radix_node *)node->slots[offset];
}

static u32 offset_in(const struct radix_node *node, u64 index)
{
	return index >> node->shift & (RADIX_SLOTS - 1);
}

/* Whether a tree with this root has a place for the index. */
static bool reaches(const struct radix_node *root, u64 index)
{
	return index >> root->shift < RADIX_SLOTS;
}

/* The node on the way to the index beyond which nothing is; NULL when the tree does not reach it. */
static struct radix_node *lowest(const struct radix_tree *tree, u64 index)
{
	struct radix_node *node = tree->root;

	if (!node || !reaches(node, index))
		return NULL;
	while (node->shift && child(node, offset_in(node, index)))
		node = child(node, offset_in(node, index));
	return node;
}

u64 radix_get(const struct radix_tree *tree, u64 index)
{
	const struct radix_node *node = lowest(tree, index);

	return node && !node->shift ? node->slots[offset_in(node, index)] : 0;
}

u64 radix_next(const struct radix_tree *tree, u64 *index)
{
	const struct radix_node *node = tree->root;
	u64 at = *index;

	while (node && reaches(tree->root, at)) {
		u32 offset = offset_in(node, at), first = offset;

		while (first < RADIX_SLOTS && !node->slots[first])
			first++;
		if (first == RADIX_SLOTS) {
			/* Behind this node, from the top: its parents may end here too. */
			at = ((at >> node->shift >> RADIX_BITS) + 1) << node->shift << RADIX_BITS;
			node = tree->root;
			continue;
		}
		if (first > offset)
			at = ((at >> node->shift) + (first - offset)) << node->shift;
		if (!node->shift) {
			*index = at;
			return node->slots[first];
		}
		node = child(node, first);
	}
	return 0;
}

static struct radix_node *new_node(struct radix_pool *pool, u32 shift)
{
	struct radix_node *node = radix_pool_take(pool);

	*node = (struct radix_node){.shift = shift};
	return node;
}

static void hang(struct radix_node *parent, u32 offset, struct radix_node *node)
{
	parent->slots[offset] = (u64)node;
	parent->count++;
	node->parent = parent;
	node->offset = offset;
}

/* Nodes that an insertion must add: above the root, and below the lowest one on the way. */
static u32 nodes_missing(const struct radix_tree *tree, u64 index)
{
	const struct radix_node *node = lowest(tree, index);
	u32 shift = tree->root ? tree->root->shift : 0, above = !tree->root;

	if (node)
		return node->shift / RADIX_BITS;
	while (index >> shift >= RADIX_SLOTS) {
		shift += RADIX_BITS;
		above++;
	}
	/* All the way down from the new root, besides the old one's ancestors. */
	return tree->root ? above + shift / RADIX_BITS : shift / RADIX_BITS + 1;
}

/* Adds roots until the tree reaches the index. */
static void grow(struct radix_tree *tree, u64 index, struct radix_pool *pool)
{
	u32 shift = 0;

	if (!tree->root) {
		while (index >> shift >= RADIX_SLOTS)
			shift += RADIX_BITS;
		tree->root = new_node(pool, shift);
	}
	while (!reaches(tree->root, index)) {
		struct radix_node *root = new_node(pool, tree->root->shift + RADIX_BITS);

		hang(root, 0, tree->root);
		tree->root = root;
	}
}

u32 radix_insert(struct radix_tree *tree, u64 index, u64 word, struct radix_pool *pool)
{
	u32 missing = nodes_missing(tree, index);
	struct radix_node *node;

	if (pool->nr < missing)
		return missing;
	grow(tree, index, pool);
	for (node = lowest(tree, index); node->shift; node = child(node, offset_in(node, index)))
		hang(node, offset_in(node, index), new_node(pool, node->shift - RADIX_BITS));
	node->slots[offset_in(node, index)] = word;
	node->count++;
	return 0;
}

u64 radix_replace(struct radix_tree *tree, u64 index, u64 word)
{
	struct radix_node *node = lowest(tree, index);
	u64 *slot = &node->slots[offset_in(node, index)], old = *slot;

	*slot = word;
	return old;
}

/* A root that has only its first child is not needed for what the child holds. */
static void shrink(struct radix_tree *tree, struct radix_pool *pool)
{
	while (tree->root && tree->root->shift && tree->root->count == 1 && child(tree->root, 0)) {
		struct radix_node *root = tree->root;

		tree->root = child(root, 0);
		tree->root->parent = NULL;
		radix_pool_add(pool, root);
	}
}

u64 radix_remove(struct radix_tree *tree, u64 index, struct radix_pool *pool)
{
	struct radix_node *node = lowest(tree, index), *parent;
	u32 offset = offset_in(node, index);
	u64 word = node->slots[offset];

	node->slots[offset] = 0;
	while (!--node->count) {
		parent = node->parent;
		offset = node->offset;
		radix_pool_add(pool, node);
		if (!parent) {
			tree->root = NULL;
			return word;
		}
		parent->slots[offset] = 0;
		node = parent;
	}
	shrink(tree, pool);
	return word;
}
