/* Words of a mapping's tree, and the two ways a page enters and leaves it. Included by address_space.c and
 * shmem_swap.c only. */
#ifndef MM_ADDRESS_SPACE_INTERNAL_H
#define MM_ADDRESS_SPACE_INTERNAL_H

#include "mm/address_space.h"

/* Bit 0 tells a slot from the address of a struct page. */
static inline bool is_slot(u64 word)
{
	return word & 1;
}
static inline u32 word_slot(u64 word)
{
	return word >> 1;
}
static inline u64 slot_word(u32 slot)
{
	return (u64)slot << 1 | 1;
}
static inline struct page *word_page(u64 word)
{
	return (struct page *)word;
}

/* The page, which the tree has at the index now, is the mapping's, in place of the slot (0: of a hole).
 * mapping->lock is held; the tree has a reference. */
void mapping_set_page(struct address_space *mapping, u64 index, struct page *page, u32 slot);
/* The locked page, which the tree has no more, is no longer the mapping's; a slot (0: a hole) is in its
 * place. mapping->lock is held; the tree's reference is the caller's. */
void mapping_clear_page(struct page *page, u32 slot);

/* Of the list of all mappings: one that is on it is not destroyed while this is held. */
extern spinlock_t mappings_lock;
/* The mapping that swapoff is at, of all, in the order in which they were made; NULL: it is at the end, or there is none. One
 * that is destroyed hands over to the next. The lock guards it, and is held by who calls these. */
extern struct address_space *mapping_walk;
void mapping_walk_begin(void);
void mapping_walk_next(void);

/* Gives back nodes that came out of a tree. */
void mapping_empty_pool(struct radix_pool *pool);

/* shmem_swap.c: the page whose content the slot at the index holds, read back and in its place, with
 * a reference. NULL: -ENOMEM, -EIO, or -EAGAIN when something else is there now. */
struct page *mapping_swap_in(struct address_space *mapping, u64 index, u32 slot, bool *waited,
			     int *error);

#endif
