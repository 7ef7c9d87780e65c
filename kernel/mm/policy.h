/*
 * Replacement policy: what reclaim asks before it moves or evicts a page. Mechanism (reclaim.c) and
 * policy are two files with this struct between them; a policy sees numbers only, so the same file
 * compiles into a simulator on the host. One is chosen on the kernel command line: policy=NAME.
 */
#ifndef MM_POLICY_H
#define MM_POLICY_H

#include "lib/types.h"
#include "trace/trace_abi.h"

/* What a policy may know of a page that it judges. */
struct page_view {
	u32 mappings;   /* entries that map it */
	u32 referenced; /* those whose accessed bit was set since the last look */
	bool second_look; /* PG_REFERENCED: found accessed once before, or used by a call since the last look */
	bool locked; /* mlock: it must stay, and policies are not asked */
};

/* What it may know of the lists. */
struct list_view {
	u32 inactive, active; /* pages */
	u32 nr_free;          /* frames that nobody has, about */
};

struct replacement_policy {
	const char *name;
	/* The list for a fresh page. */
	enum lru_list (*place_new)(const struct list_view *lists);
	/* The list for a page read back from swap `distance` evictions after its own. */
	enum lru_list (*place_refault)(u32 distance, const struct list_view *lists);
	/* Asked at the beginning of each pass: whether it shall look at a batch of active pages too. */
	bool (*wants_aging)(const struct list_view *lists);
	/* RECLAIM_ACTIVATE, RECLAIM_KEEP_REFERENCED, or RECLAIM_FREED: evict it if you can. Asked as well when a
	 * call has just used an inactive page, which is `referenced` then: only RECLAIM_ACTIVATE counts. Any context. */
	enum reclaim_verdict (*judge_inactive)(const struct page_view *page);
	/* RECLAIM_ROTATE or RECLAIM_DEACTIVATE. */
	enum reclaim_verdict (*judge_active)(const struct page_view *page);
};

/* A judge_inactive(): a page found accessed gets a second look, and is activated when it was accessed
 * again by then. One that several tasks used at once needs no second look (Linux,
 * folio_check_references()). */
static inline enum reclaim_verdict second_chance(const struct page_view *page)
{
	if (!page->referenced)
		return RECLAIM_FREED;
	if (page->second_look || page->referenced > 1)
		return RECLAIM_ACTIVATE;
	return RECLAIM_KEEP_REFERENCED;
}

extern const struct replacement_policy policy_incumbent;
extern const struct replacement_policy policy_two_list;

#endif
