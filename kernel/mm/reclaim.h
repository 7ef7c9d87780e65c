/* Page reclaim: kswapd, direct reclaim, and what both do to a batch of pages. */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include "mm/page.h"

/* Chooses the policy (command line: policy=) and starts kswapd. Returns 0 or -ENOMEM. */
int reclaim_init(void);

/* An allocation of that order found free memory below the low watermark. Cheap when kswapd works
 * already. Does not sleep. */
void wakeup_kswapd(u32 order);

/* Reclaims on behalf of the current task; may sleep until writes end. Returns frames freed, 0 when
 * there is no progress left to make. No page lock or spinlock held; mmap_lock may be. */
u32 direct_reclaim(u32 order);

/* Whether another direct_reclaim() would find nothing either: no page on the lists can go, and none is on its
 * way. As Linux's should_reclaim_retry(). */
bool reclaim_is_hopeless(void);

/* Pages that one pass works on, at most. */
#define RECLAIM_BATCH 32

/* madvise: sends isolated pages to swap, whatever the policy would say, or back to the inactive list
 * where that fails. Their writes are under way on return. May sleep; mmap_lock held. */
void reclaim_page_out(struct page **pages, u32 nr_pages);
/* madvise: moves isolated pages to the inactive list. */
void reclaim_deactivate(struct page **pages, u32 nr_pages);

/* The write of an isolated page ended (in the block thread): evicts it, or puts it back. */
void reclaim_page_written(struct page *page, u32 pass_id, enum reclaim_kind kind, int error);

/* A call has used a page, or a mapping that used it goes: it is referenced, and the second time activated if the policy
 * says so. The caller has a reference, or the lock of an entry that maps it. Takes the LRU lock. */
void reclaim_mark_accessed(struct page *page);

/* Where the policy puts a fresh page or one that is read back. */
void reclaim_list_new(struct page *page);
void reclaim_list_refault(struct page *page, u32 distance);

#endif
