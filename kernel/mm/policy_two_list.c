/*
 * Two lists with second chance, as Linux 5.9 and later treats anonymous memory: pages start
 * inactive, must be found accessed twice to become active, and a page that comes back sooner than
 * the active list is long was evicted too early and goes straight to it (Weiner, "mm: thrash
 * detection-based file cache sizing", 2012).
 */
#include "mm/policy.h"

static enum lru_list place_new(const struct list_view *lists)
{
	(void)lists;
	return LRU_INACTIVE_ANON;
}

static enum lru_list place_refault(u32 distance, const struct list_view *lists)
{
	return distance <= lists->active ? LRU_ACTIVE_ANON : LRU_INACTIVE_ANON;
}

/* Half and half below 1 GiB of memory; larger machines, where a smaller share suffices, are not
 * this kernel's. */
static bool inactive_is_low(const struct list_view *lists)
{
	return lists->inactive < lists->active;
}

/* Accessed active pages are deactivated too: only the inactive list decides, else a scan of a fully
 * used memory finds no candidate at all. The bit was harvested, so what stays in use is activated
 * again. */
static enum reclaim_verdict judge_active(const struct page_view *page)
{
	(void)page;
	return RECLAIM_DEACTIVATE;
}

const struct replacement_policy policy_two_list = {
	.name = "two_list",
	.place_new = place_new,
	.place_refault = place_refault,
	.wants_aging = inactive_is_low,
	.judge_inactive = second_chance,
	.judge_active = judge_active,
};
