/*
 * VMAs: finding, inserting, cutting, joining, moving bounds.
 *
 * Both orders are kept because each walk is the fast one somewhere: the tree finds an address, the
 * list gives neighbours and is what fork and exit go through. A maple tree would do both; it pays
 * with lock-free readers, which we do not have.
 *
 * Events and links, under mmap_lock for writing. The rule is that a page is never mapped where no
 * linked VMA covers it at a moment when anybody could look:
 *
 *   split   links reserved, then without sleeping vma_resize of the lower part, vma_create of
 *           the upper one, its avc_links. In between reclaim cannot reach the upper part's
 *           entries: it leaves them
 *   merge   links of the upper one cut, vma_remove, vma_resize of the lower one, likewise
 *
 * The VMAs of a file are one tree (i_mmap.h), whose lock is held through a split or a merge: who cuts
 * the file finds every entry.
 *
 * Two VMAs merge only when their anon_vmas agree, and then the lower one, whose links cover the
 * same family, stays.
 */
#include "mm/vma.h"

#include "arch/x86_64/pte.h"
#include "cpu/quiesce.h"
#include "lib/errno.h"
#include "mm/huge_memory.h"
#include "mm/i_mmap.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/slab.h"

static struct kmem_cache *vma_cache;
static u32 last_id; /* atomic */

void vma_init(void)
{
	vma_cache = kmem_cache_create("vma", sizeof(struct vma));
	BUG_ON(!vma_cache);
}

/* ---- finding ---- */

struct vma *vma_find_first(struct mm *mm, u64 va)
{
	struct rb_node *node = mm->vma_tree.rb_node;
	struct vma *best = NULL;

	ASSERT(rwsem_is_locked(&mm->mmap_lock) || READ_ONCE(quiesce_wanted) || panic_in_progress());
	while (node) {
		struct vma *vma = rb_entry(node, struct vma, rb);

		if (vma->end > va) {
			best = vma;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return best;
}

struct vma *vma_find(struct mm *mm, u64 va)
{
	struct vma *vma = vma_find_first(mm, va);

	return vma && vma->start <= va ? vma : NULL;
}

struct vma *vma_first(struct mm *mm)
{
	return list_empty(&mm->vmas) ? NULL : list_first_entry(&mm->vmas, struct vma, node);
}

struct vma *vma_next(struct vma *vma)
{
	return vma->node.next == &vma->mm->vmas ? NULL
						: list_entry(vma->node.next, struct vma, node);
}

struct vma *vma_prev(struct vma *vma)
{
	return vma->node.prev == &vma->mm->vmas ? NULL
						: list_entry(vma->node.prev, struct vma, node);
}

/* ---- inserting and removing ---- */

/* A VMA that is in no address space yet. NULL without memory. */
static struct vma *vma_alloc(struct mm *mm, u64 start, u64 end, u32 flags)
{
	struct vma *vma = kmem_cache_alloc(vma_cache, GFP_KERNEL | GFP_ZERO);

	if (!vma)
		return NULL;
	vma->mm = mm;
	vma->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	vma->flags = flags;
	vma->start = start;
	vma->end = end;
	vma->anon_index = start >> PAGE_SHIFT;
	list_init(&vma->chain);
	return vma;
}

/* Adds `pages`, which may be negative, to the sums of VMAs with these flags; by Linux's terms
 * (is_data_mapping() and its kin). */
static void account(struct mm *mm, u32 flags, s64 pages)
{
	mm->total_vm += pages;
	mm->max_total_vm = max(mm->max_total_vm, mm->total_vm);
	if (flags & VM_GROWSDOWN)
		mm->stack_vm += pages;
	else if ((flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		mm->exec_vm += pages;
	else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_vm += pages;
	if (flags & VM_LOCKED)
		mm->locked_vm += pages;
}

/* The VMA holds the file from now on. */
static void set_mapping(struct vma *vma, struct address_space *mapping, u64 pgoff)
{
	vma->mapping = mapping;
	vma->pgoff = pgoff;
	if (!mapping)
		return;
	mapping_get(mapping);
	if (mapping->vma_ops)
		mapping->vma_ops->open(mapping);
}

static void free_vma(struct vma *vma)
{
	if (vma->mapping && vma->mapping->vma_ops)
		vma->mapping->vma_ops->close(vma->mapping);
	if (vma->mapping)
		mapping_put(vma->mapping);
	kmem_cache_free(vma_cache, vma);
}

/* Puts a VMA into the tree and, by it, at its place in the list. */
static void insert(struct vma *vma, enum vma_why why)
{
	struct mm *mm = vma->mm;
	struct rb_node **link = &mm->vma_tree.rb_node, *parent = NULL, *before;

	ASSERT(rwsem_is_locked(&mm->mmap_lock));
	while (*link) {
		parent = *link;
		link = vma->start < rb_entry(parent, struct vma, rb)->start ? &parent->rb_left
									    : &parent->rb_right;
	}
	rb_link_node(&vma->rb, parent, link);
	rb_insert_color(&vma->rb, &mm->vma_tree);
	before = rb_prev(&vma->rb);
	list_add(&vma->node, before ? &rb_entry(before, struct vma, rb)->node : &mm->vmas);
	mm->nr_vmas++;
	account(mm, vma->flags, vma_pages(vma));
	TRACE(vma_create, .va_start = vma->start, .va_end = vma->end, .vma_id = vma->id,
	      .mm_id = mm->id, .flags = vma->flags, .why = why);
}

/* The same, and links it to its file. */
static void insert_linked(struct vma *vma, enum vma_why why)
{
	insert(vma, why);
	i_mmap_lock(vma->mapping);
	i_mmap_link(vma);
	i_mmap_unlock(vma->mapping);
}

/* Takes a VMA that is linked to nothing out of tree and list. */
static void take_out(struct vma *vma, enum vma_why why)
{
	ASSERT(rwsem_is_locked(&vma->mm->mmap_lock));
	BUG_ON(!list_empty(&vma->chain));
	rb_erase(&vma->rb, &vma->mm->vma_tree);
	list_del(&vma->node);
	vma->mm->nr_vmas--;
	account(vma->mm, vma->flags, -(s64)vma_pages(vma));
	TRACE(vma_remove, .vma_id = vma->id, .why = why);
}

void vma_remove(struct vma *vma, enum vma_why why)
{
	i_mmap_lock(vma->mapping);
	i_mmap_unlink(vma);
	i_mmap_unlock(vma->mapping);
	take_out(vma, why);
	free_vma(vma);
}

struct vma *vma_copy(struct mm *mm, const struct vma *vma, u32 flags)
{
	struct vma *copy = vma_alloc(mm, vma->start, vma->end, flags);

	if (!copy)
		return NULL;
	set_mapping(copy, vma->mapping, vma->pgoff);
	copy->anon_index = vma->anon_index;
	insert_linked(copy, VMA_WHY_FORK);
	return copy;
}

struct vma *vma_copy_to(struct vma *vma, u64 start, u64 size)
{
	LIST_HEAD(links);
	struct vma *copy;

	if (anon_vma_reserve(&links, vma))
		return NULL;
	copy = vma_alloc(vma->mm, start, start + size, vma->flags);
	if (!copy) {
		anon_vma_unreserve(&links);
		return NULL;
	}
	set_mapping(copy, vma->mapping, vma->pgoff);
	/* Without pages there is nothing that its place must agree with. */
	if (vma->anon_vma)
		copy->anon_index = vma->anon_index;
	insert_linked(copy, VMA_WHY_MREMAP);
	anon_vma_clone(copy, vma, &links);
	return copy;
}

/* ---- moving bounds ---- */

/* The lock of the file's VMAs is held. */
static void resize(struct vma *vma, u64 start, u64 end, enum vma_why why)
{
	ASSERT(rwsem_is_locked(&vma->mm->mmap_lock));
	ASSERT(start < end && !((start | end) & ~PAGE_MASK));
	i_mmap_begin_resize(vma);
	anon_vma_begin_resize(vma);
	if (vma->mapping)
		vma->pgoff = vma_pgoff(vma, start);
	account(vma->mm, vma->flags, (s64)((end - start) >> PAGE_SHIFT) - (s64)vma_pages(vma));
	vma->anon_index = vma_index(vma, start);
	vma->start = start;
	vma->end = end;
	TRACE(vma_resize, .va_start = start, .va_end = end, .vma_id = vma->id, .why = why);
	anon_vma_end_resize(vma);
	i_mmap_end_resize(vma);
}

void vma_resize(struct vma *vma, u64 start, u64 end, enum vma_why why)
{
	i_mmap_lock(vma->mapping);
	resize(vma, start, end, why);
	i_mmap_unlock(vma->mapping);
}

/* ---- cutting and joining ---- */

int vma_split(struct vma *vma, u64 at)
{
	return vma->mm->nr_vmas >= MAX_MAP_COUNT ? -ENOMEM : vma_split_to_unmap(vma, at);
}

int vma_split_to_unmap(struct vma *vma, u64 at)
{
	LIST_HEAD(links);
	struct vma *upper;

	ASSERT(at > vma->start && at < vma->end && !(at & ~PAGE_MASK));
	if (anon_vma_reserve(&links, vma))
		return -ENOMEM;
	huge_split_at(vma->mm, at);
	upper = vma_alloc(vma->mm, at, vma->end, vma->flags);
	if (!upper) {
		anon_vma_unreserve(&links);
		return -ENOMEM;
	}
	set_mapping(upper, vma->mapping, vma->mapping ? vma_pgoff(vma, at) : 0);
	upper->anon_index = vma_index(vma, at);
	/* At one stroke for who walks the file's VMAs: who cuts a file must not miss the upper part. */
	i_mmap_lock(vma->mapping);
	resize(vma, vma->start, at, VMA_WHY_SPLIT);
	insert(upper, VMA_WHY_SPLIT);
	i_mmap_link(upper);
	anon_vma_clone(upper, vma, &links);
	i_mmap_unlock(vma->mapping);
	return 0;
}

/* Whether a VMA of this file, placed right behind `vma`, would go on where that ends. */
static bool file_continues(const struct vma *vma, const struct address_space *mapping, u64 pgoff)
{
	if (vma->mapping != mapping)
		return false;
	return !mapping || (!mapping->vma_ops && vma_pgoff(vma, vma->end) == pgoff);
}

/* Anonymous pages of the upper one continue those of the lower. A file's that has none yet takes any
 * index. */
static bool index_continues(const struct vma *lower, const struct vma *upper)
{
	if (lower->mapping && (!lower->anon_vma || !upper->anon_vma))
		return true;
	return vma_index(lower, lower->end) == upper->anon_index;
}

static bool mergeable(const struct vma *lower, const struct vma *upper)
{
	return lower->end == upper->start && lower->flags == upper->flags &&
	       file_continues(lower, upper->mapping, upper->pgoff) &&
	       index_continues(lower, upper) && anon_vma_mergeable(lower, upper);
}

/* The lower one, which has no anon_vma, takes over the upper one's. False without memory. */
static bool inherit_anon_vma(struct vma *lower, struct vma *upper)
{
	LIST_HEAD(links);

	if (anon_vma_reserve(&links, upper))
		return false;
	lower->anon_index = upper->anon_index - vma_pages(lower);
	anon_vma_clone(lower, upper, &links);
	return true;
}

/* Joins two neighbours if they agree; the lower one stays. Returns whether it did. */
static bool join(struct vma *lower, struct vma *upper)
{
	u64 end;

	if (!lower || !upper || !mergeable(lower, upper))
		return false;
	if (!lower->anon_vma && upper->anon_vma && !inherit_anon_vma(lower, upper))
		return false;
	end = upper->end;
	i_mmap_lock(lower->mapping);
	i_mmap_unlink(upper);
	anon_vma_unlink(upper);
	take_out(upper, VMA_WHY_MERGE);
	resize(lower, lower->start, end, VMA_WHY_MERGE);
	i_mmap_unlock(lower->mapping);
	free_vma(upper);
	return true;
}

struct vma *vma_merge(struct vma *vma)
{
	struct vma *prev = vma_prev(vma);

	if (join(prev, vma))
		vma = prev;
	join(vma, vma_next(vma));
	return vma;
}

struct vma *vma_change_flags(struct vma *vma, u64 start, u64 end, u32 flags)
{
	if (vma->start < start) {
		if (vma_split(vma, start))
			return NULL;
		vma = vma_next(vma);
	}
	if (vma->end > end && vma_split(vma, end)) {
		vma_merge(vma);
		return NULL;
	}
	if (vma->flags == flags)
		return vma;
	account(vma->mm, vma->flags, -(s64)vma_pages(vma));
	account(vma->mm, flags, vma_pages(vma));
	vma->flags = flags;
	TRACE(vma_protect, .vma_id = vma->id, .flags = flags);
	return vma;
}

struct vma *vma_map(struct mm *mm, u64 start, u64 end, u32 flags, struct address_space *mapping,
		    u64 pgoff, enum vma_why why)
{
	struct vma *next = vma_find_first(mm, start), *prev, *vma;

	ASSERT(start < end && !((start | end) & ~PAGE_MASK));
	BUG_ON(next && next->start < end);
	if (next)
		prev = vma_prev(next);
	else
		prev = list_empty(&mm->vmas) ? NULL : list_last_entry(&mm->vmas, struct vma, node);
	/* The lower neighbour grows into the range: its anon_vma, if any, serves the new pages as
	 * well. */
	if (prev && prev->end == start && prev->flags == flags &&
	    file_continues(prev, mapping, pgoff) &&
	    (mapping || vma_index(prev, start) == start >> PAGE_SHIFT) &&
	    !anon_vma_is_inherited(prev)) {
		vma_resize(prev, prev->start, end, why);
		return vma_merge(prev);
	}
	vma = vma_alloc(mm, start, end, flags);
	if (!vma)
		return NULL;
	set_mapping(vma, mapping, pgoff);
	insert_linked(vma, why);
	/* The upper neighbour, if it agrees and has no anon_vma yet, is joined to the new one. */
	return vma_merge(vma);
}

u64 vma_start_with_gap(const struct vma *vma)
{
	u64 gap = vma->flags & VM_GROWSDOWN ? STACK_GUARD_GAP : 0;

	return vma->start > gap ? vma->start - gap : 0;
}

u64 vma_pte_flags(const struct vma *vma)
{
	bool access = vma->flags & (VM_READ | VM_WRITE | VM_EXEC);

	return PTE_USER | (access ? PTE_PRESENT : PTE_PROTNONE) |
	       (vma->flags & VM_EXEC ? 0 : PTE_NX);
}
