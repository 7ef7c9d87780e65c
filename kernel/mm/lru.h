/*
 * The LRU lists. Mechanism only: which page goes where and when is the policy's affair (policy.h).
 *
 * A page that reclaim works on is on the list LRU_ISOLATED, with a reference; every other listed
 * page is there without one. All lists and counters are guarded by one lock (RANK_LRU). Every
 * change is one lru_insert or lru_remove event under it.
 */
#ifndef MM_LRU_H
#define MM_LRU_H

#include "mm/page.h"

struct address_space;

#define NR_LRU_LISTS (LRU_ISOLATED + 1)

void lru_init(void);

/* Puts a page that is on no list at the head of one. The caller holds a reference. Takes the LRU
 * lock. */
void lru_add(struct page *page, enum lru_list list, enum lru_why why);

/* Moves up to `max` pages from the tail of `list` to LRU_ISOLATED, takes a reference on each and
 * stores them in `batch`, tail first; `cached`: passes over those that would need a slot. One of 512
 * frames ends the batch. Returns how many. Takes the LRU lock. */
u32 lru_isolate(enum lru_list list, struct page **batch, u32 max, bool cached);

/* Moves one page from the list it is on to LRU_ISOLATED, with a reference. False when it is on none,
 * isolated already, or unevictable: whoever unlocks it is about to move it. The caller knows that it is not
 * free: it holds a reference, or the lock of an entry that maps the page. Takes the LRU lock. */
bool lru_isolate_page(struct page *page);

/* Whether a listed page could be evicted although no slot is free. Looks at all of them if not. */
bool lru_has_evictable_without_slot(void);

/* Whether the page is on an active list. Racy. */
static inline bool page_is_active(const struct page *page)
{
	return page_test(page, PG_LRU) && READ_ONCE(page->list) == LRU_ACTIVE_ANON;
}

/* The same of an inactive list. */
static inline bool page_is_inactive(const struct page *page)
{
	return page_test(page, PG_LRU) && READ_ONCE(page->list) == LRU_INACTIVE_ANON;
}

/* Set and clear PG_REFERENCED, which the LRU lock guards: whoever reads or writes a page of a file sets it, too. The
 * caller has a reference, or the lock of an entry that maps the page. Take the LRU lock. */
void lru_set_referenced(struct page *page);
void lru_clear_referenced(struct page *page);

/* Moves a page that is inactive from that list to the active one, and clears PG_REFERENCED; others stay where they are.
 * As above. */
void lru_activate(struct page *page);

/* Moves an isolated page to the head of `list` and drops the isolation's reference (the page may be
 * gone afterwards). */
void lru_putback(struct page *page, enum lru_list list, enum lru_why why);

/* Takes an isolated page off and drops the isolation's reference: the end of an eviction. */
void lru_release(struct page *page);
/* Takes an isolated page off; the isolation's reference is the caller's. */
void lru_leave(struct page *page, enum lru_why why);

/* mlock (mlock.c): a page that a locked VMA maps goes to the unevictable list, unless it is isolated
 * or there; one that a locked VMA does not map any more leaves it for the inactive one. Return whether
 * it was moved. The lock of the page's entry is held, or the page. Take the LRU lock. */
bool lru_cull(struct page *page);
bool lru_rescue(struct page *page);
/* The same, counted; and the first listing of a page in a locked VMA. */
void mlock_page(struct page *page);
void munlock_page(struct page *page);
/* The same for the pages of a mapping that is not unevictable any more. Takes its lock. */
void munlock_mapping(struct address_space *mapping);
void lru_add_locked(struct page *page);

/* A huge page becomes pages of one frame: its order changes, the second frame and those that follow,
 * which are prepared, go to an end of the list that it is on, or was isolated from: as the next to be
 * looked at by reclaim (the tail) or the last. Emits page_split. huge_lock is held; takes the LRU lock. */
enum lru_end { LRU_HEAD, LRU_TAIL };
void lru_split(struct page *page, enum lru_end end);

/* The last reference is gone: takes the page off its list if it is on one. Called by page_put()
 * only. */
void lru_del_freed(struct page *page);

/* Frames of the pages on a list. Racy. */
u32 lru_size(enum lru_list list);

/* Calls visit(page) for each page from head to tail. All CPUs quiesced. */
void lru_for_each(enum lru_list list, void (*visit)(struct page *page, void *arg), void *arg);

/* Emits a state_lru record per listed page. All CPUs quiesced. Returns the records emitted. */
u64 lru_baseline(void);

#endif
