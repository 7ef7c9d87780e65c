/*
 * struct page: the descriptor of one frame, in one array indexed by pfn.
 *
 *   field      meaning                                      read under       written under
 *   ---------  -------------------------------------------  ---------------  -----------------
 *   flags      PG_* of trace/enums.def                      nothing: atomic  see below
 *   order      log2 of the block's frames; first one only   owner, buddy     allocator
 *   kind       enum page_kind                               anybody          allocator
 *   list       enum lru_list while PG_LRU or PG_ISOLATED    LRU lock         LRU lock
 *   from_list  PG_ISOLATED: the list it was taken from      isolator         isolator
 *   refcount   0: free; one for each mapping, identity in   nothing: atomic  atomic
 *              swap and temporary holder; a list holds none
 *   mapcount   page-table entries that map it, minus 1      nothing: atomic  entry's PTE lock
 *   lru        links free lists, LRU lists, a slab cache's  list's lock      list's lock
 *   anon_vma   anonymous: where its mappings are found      page lock, or    first mapping, kept
 *   index      anonymous: vma_index(), the virtual page     mapcount > 0     until it is free
 *              number unless mremap moved it
 *   mapping    shmem: whose content it is, or NULL          page lock or     page lock (not for the
 *   index      shmem: where in that file, offset >> 12      mapping's lock   first) and mapping's
 *   slot       PG_SWAPCACHE: its swap slot                  page lock        page and swap lock
 *   ptl        page table: guards its entries               -                allocator
 *   private    page table: its level; anonymous: 1 while    anybody          owner; racy, a hint
 *              read ahead and not asked for yet; shmem:
 *              PAGE_FALLOCATED (address_space.h)
 *   lru_pos    its place in the list, as the trace tells it  LRU lock        LRU lock
 *
 * Flags: PG_LRU, PG_ISOLATED, PG_REFERENCED and PG_ACTIVE change under the LRU lock; PG_DIRTY, PG_SWAPCACHE,
 * PG_LAZYFREE and PG_WRITEBACK under the page lock, except that the end of a write clears PG_WRITEBACK without it.
 *
 * A page of 512 frames (page_is_huge(), huge_memory.h) is one page: everything above is said by its
 * first frame. The other 511, its tails, have ORDER_TAIL, no reference and nothing else, until the
 * page is split. `order` then changes under huge_lock and the LRU lock.
 *
 * Invariants that mm_check() proves: mapcount + 1 == entries that map it; refcount >= mapcount + 1,
 * plus 1 with PG_SWAPCACHE; just one of PG_BUDDY, PG_PCP and refcount > 0; a page that is mapped
 * and anonymous is on a list or isolated.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include "arch/x86_64/layout.h"
#include "cpu/atomic.h"
#include "cpu/panic.h"
#include "cpu/spinlock.h"
#include "lib/list.h"
#include "trace/trace.h"

struct address_space;
struct anon_vma;
struct kmem_cache;

struct page {
	u32 flags;
	u8 order;
	u8 kind;
	u8 list;
	u8 from_list;
	atomic_t refcount;
	atomic_t mapcount;
	struct list_head lru;
	union {
		struct anon_vma *anon_vma;
		struct address_space *mapping;
		struct kmem_cache *cache; /* slab: its cache */
	};
	union {
		u64 index;
		u64 free_objects; /* slab: bit i: its object i is free; slab's lock */
	};
	union {
		u32 slot;
		spinlock_t ptl;
	};
	u32 private; /* page table: level. Anonymous: 1 while read ahead and not asked for yet. Shmem: PAGE_FALLOCATED */
	s64 lru_pos;
};

static_assert(sizeof(struct page) == 64, "one cache line a frame");

/* The array, and one above its highest pfn. Frames that are no RAM have PG_RESERVED. Fixed at boot.
 */
extern struct page *mem_map;
extern pfn_t max_pfn;
/* Frames that the buddy allocator was given. */
extern u32 nr_managed_frames;

/* `kind` of a frame that is free, and `order` of a frame that is not the first of its allocated
 * block: a free that finds either is a bug of the caller. */
#define PAGE_FREE  0xff
#define ORDER_TAIL 0xff

/* The order of pages that an entry of level 2 maps. */
#define HUGE_PAGE_ORDER 9
#define HUGE_PAGE_NR    (1u << HUGE_PAGE_ORDER)

/* The wait queues. Called by page_alloc_init(). */
void page_init(void);

static inline pfn_t page_pfn(const struct page *page)
{
	return page - mem_map;
}
static inline struct page *pfn_page(pfn_t pfn)
{
	return &mem_map[pfn];
}
static inline void *page_virt(const struct page *page)
{
	return pfn_to_virt(page_pfn(page));
}
static inline struct page *virt_page(const void *virt)
{
	return pfn_page(virt_to_phys(virt) >> PAGE_SHIFT);
}

/* Frames of an anonymous page. Stable under the page lock, huge_lock or the LRU lock. */
static inline u32 page_nr_frames(const struct page *page)
{
	return 1u << READ_ONCE(page->order);
}
/* An anonymous page of 2 MiB; likewise. */
static inline bool page_is_huge(const struct page *page)
{
	return page->kind == PAGE_ANON && READ_ONCE(page->order) == HUGE_PAGE_ORDER;
}

/* The page that a frame is part of: itself, or the first frame of a huge page. Racy without what keeps
 * the page from being split. */
static inline struct page *page_head(struct page *page)
{
	bool tail = page->kind == PAGE_ANON && READ_ONCE(page->order) == ORDER_TAIL;

	return tail ? pfn_page(page_pfn(page) & ~(HUGE_PAGE_NR - 1)) : page;
}

/* Flags that follow from other events and are therefore not traced by page_set()/page_clear(). */
#define PG_UNTRACED (PG_LRU | PG_ISOLATED | PG_BUDDY | PG_PCP | PG_SLAB | PG_RESERVED)

static inline bool page_test(const struct page *page, u32 flag)
{
	return READ_ONCE(page->flags) & flag;
}

/* Set or clear flags; return those that changed, and trace the change. The caller holds what guards
 * the flags. Any context. */
u32 page_set(struct page *page, u32 flags);
u32 page_clear(struct page *page, u32 flags);

/* The same for flags of PG_UNTRACED only: every frame that is allocated or freed comes by here. */
static inline void page_set_untraced(struct page *page, u32 flags)
{
	__atomic_fetch_or(&page->flags, flags, __ATOMIC_SEQ_CST);
}
static inline void page_clear_untraced(struct page *page, u32 flags)
{
	__atomic_fetch_and(&page->flags, ~flags, __ATOMIC_SEQ_CST);
}

/* The page lock: the page's identity (anon_vma, slot) and content. Sleeps; innermost sleeping lock,
 * outside all spinlocks. */
bool page_trylock(struct page *page);
void page_lock(struct page *page);
/* By the task that locked it, or by the end of the I/O that it gave the lock to. */
void page_unlock(struct page *page);
/* Waits until the flag (PG_LOCKED, PG_WRITEBACK) is clear; the caller holds a reference. */
void page_wait_clear(struct page *page, u32 flag);
/* Wakes those who wait for a flag of this page after clearing it. Any context. */
void page_wake(struct page *page);

static inline u32 page_mapcount(const struct page *page)
{
	return atomic_read(&page->mapcount) + 1;
}
static inline void page_get(struct page *page)
{
	ASSERT(atomic_read(&page->refcount) > 0);
	atomic_inc(&page->refcount);
}
/* Takes a reference unless the page is free; the caller then must check that it is still the page
 * it meant. */
static inline bool page_get_unless_free(struct page *page)
{
	return atomic_inc_not_zero(&page->refcount);
}
/* The rest of page_put(), with no reference left or fewer. */
void page_put_last(struct page *page, s32 left);
/* Drops a reference; the last one takes the page off its LRU list and frees it. No LRU or buddy
 * lock held. */
static inline void page_put(struct page *page)
{
	s32 left = atomic_dec_return(&page->refcount);

	if (left <= 0)
		page_put_last(page, left);
}

#endif
