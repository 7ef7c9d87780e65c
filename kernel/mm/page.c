/*
 * Pages: flags with their events, the page lock, references.
 *
 * Order of flag events. A flag is set first and its event emitted afterwards, but cleared the other
 * way round: event first. Whoever may change a flag holds what guards it (see the table in page.h),
 * and for PG_LOCKED and PG_WRITEBACK the flag itself is the guard. So the one who clears is alone
 * until the bit is gone, and the next one to set it stamps later.
 *
 * Waiting. Wait queues are hashed by the page's address: a queue in each struct page would cost 24
 * bytes a frame for the few pages that anybody ever waits for. Sharers of a bucket are woken for
 * nothing and look again.
 */
#include "mm/page.h"

#include "cpu/wait.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"

struct page *mem_map;
pfn_t max_pfn;
u32 nr_managed_frames;

/* Waiters are at most the tasks that wait for I/O at one time: tens. A power of two. */
#define NR_PAGE_QUEUES 64

static struct wait_queue page_queues[NR_PAGE_QUEUES];

void page_init(void)
{
	for (u32 i = 0; i < NR_PAGE_QUEUES; i++)
		wait_queue_init(&page_queues[i]);
}

static struct wait_queue *page_queue(const struct page *page)
{
	/* Fibonacci hashing: neighbours, which readahead locks together, get different buckets. */
	return &page_queues[(page_pfn(page) * 0x9e3779b9u >> 16) % NR_PAGE_QUEUES];
}

u32 page_set(struct page *page, u32 flags)
{
	u32 changed = flags & ~__atomic_fetch_or(&page->flags, flags, __ATOMIC_SEQ_CST);

	if (changed & ~PG_UNTRACED)
		TRACE(page_flags, .pfn = page_pfn(page), .set = changed & ~PG_UNTRACED,
		      .cleared = 0);
	return changed;
}

u32 page_clear(struct page *page, u32 flags)
{
	u32 changed = READ_ONCE(page->flags) & flags, old;

	if (changed & ~PG_UNTRACED)
		TRACE(page_flags, .pfn = page_pfn(page), .set = 0,
		      .cleared = changed & ~PG_UNTRACED);
	old = __atomic_fetch_and(&page->flags, ~flags, __ATOMIC_SEQ_CST);
	/* Fails when two change a flag at once: one of them does not hold its guard. */
	ASSERT((old & flags) == changed);
	return changed;
}

bool page_trylock(struct page *page)
{
	if (!page_set(page, PG_LOCKED))
		return false;
	lockdep_taken(page, RANK_PAGE);
	return true;
}

void page_lock(struct page *page)
{
	lockdep_ask(page, RANK_PAGE, LOCK_WAITS);
	if (likely(page_trylock(page)))
		return;
	/* The atomic operation in page_trylock() is the barrier between queueing and testing. */
	wait_event(page_queue(page), page_trylock(page));
}

void page_unlock(struct page *page)
{
	lockdep_release_handed(page);
	BUG_ON(!page_clear(page, PG_LOCKED));
	page_wake(page);
}

static bool flag_is_clear(struct page *page, u32 flag)
{
	/* Pairs with page_wake(): the sleeper must be seen on the queue before the flag is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !page_test(page, flag);
}

void page_wait_clear(struct page *page, u32 flag)
{
	if (page_test(page, flag))
		wait_event(page_queue(page), flag_is_clear(page, flag));
}

void page_wake(struct page *page)
{
	struct wait_queue *queue = page_queue(page);

	/* Nearly always nobody waits. page_clear() was a full barrier: a sleeper that this read
	 * misses has yet to test the flag, and will find it clear. */
	if (READ_ONCE(queue->sleepers.next) != &queue->sleepers)
		wake_up(queue);
}

void page_put_last(struct page *page, s32 left)
{
	if (unlikely(left < 0))
		panic("page_put: pfn %u has no reference left to drop", page_pfn(page));
	page_operations(page)->destroy(page);
	free_pages(page, page->order);
}
