/*
 * Two lists, of which the active one is held by incumbents: a page gives way to another only when it
 * was not used itself since the last look.
 *
 * Plain LRU, and two lists fed by it, lose every page of a loop that is a little larger than memory:
 * what is needed next went out last. Here
 *
 *   a fresh page             is active until the active list has its share of memory
 *   a page that comes back   is active if the list lacks its share; otherwise, if it was away for less
 *                            than the list is long, it is a challenge: the page would have stayed, had
 *                            it had the place of an active one
 *   a batch of challenges    ages as many active pages: those used since the last look stay, the
 *                            others make room, and the next that come back take it
 *
 * so in a loop the active part stays in memory and the rest goes around the inactive list, while a
 * set that is not used any more is replaced at the pace of the challenges. The idea that a page back
 * within its test period moves the hand over the hot pages is CLOCK-Pro's (Jiang, Chen, Zhang 2005);
 * the distance is measured as Linux does (Weiner, "mm: thrash detection-based file cache sizing",
 * 2012).
 */
#include "mm/policy.h"

/* Challenges that nobody has aged the list for yet; atomic. */
static u32 nr_challenges;
/* Worth one batch of reclaim. */
#define CHALLENGES_PER_BATCH 32

/* Two thirds. More keeps more of a loop, but leaves pages less time on the inactive list to show that
 * they are used again. */
static u32 share_of(u32 nr_pages)
{
	return (u64)nr_pages * 2 / 3;
}

static bool lacks_share(const struct list_view *lists)
{
	return lists->active < share_of(lists->active + lists->inactive + lists->nr_free);
}

static enum lru_list place_new(const struct list_view *lists)
{
	return lacks_share(lists) ? LRU_ACTIVE_ANON : LRU_INACTIVE_ANON;
}

static enum lru_list place_refault(u32 distance, const struct list_view *lists)
{
	if (lacks_share(lists))
		return distance <= lists->active + lists->inactive ? LRU_ACTIVE_ANON
								   : LRU_INACTIVE_ANON;
	if (distance <= lists->active)
		__atomic_add_fetch(&nr_challenges, 1, __ATOMIC_RELAXED);
	return LRU_INACTIVE_ANON;
}

static bool wants_aging(const struct list_view *lists)
{
	u32 challenges = __atomic_load_n(&nr_challenges, __ATOMIC_RELAXED);

	if (lists->active > share_of(lists->active + lists->inactive))
		return true;
	while (challenges >= CHALLENGES_PER_BATCH)
		if (__atomic_compare_exchange_n(&nr_challenges, &challenges,
						challenges - CHALLENGES_PER_BATCH, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	return false;
}

static enum reclaim_verdict judge_active(const struct page_view *page)
{
	return page->referenced || page->second_look ? RECLAIM_ROTATE : RECLAIM_DEACTIVATE;
}

const struct replacement_policy policy_incumbent = {
	.name = "incumbent",
	.place_new = place_new,
	.place_refault = place_refault,
	.wants_aging = wants_aging,
	.judge_inactive = second_chance,
	.judge_active = judge_active,
};
