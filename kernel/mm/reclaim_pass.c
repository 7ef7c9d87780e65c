/*
 * What reclaim does to one batch of pages.
 *
 * A pass takes up to RECLAIM_BATCH pages from the tail of the inactive list (and as many from the
 * active list when the policy wants those looked at) and goes through four steps:
 *
 *   judge   harvest accessed bits through rmap; the policy says keep, activate or evict
 *   unmap   a page to evict gets a slot, and all its mappings go at once
 *   flush   one TLB flush for everything harvested and unmapped
 *   settle  a clean page is freed, a dirty one sent to swap; its end frees it. One that madvise(FREE)
 *           gave up, and nobody wrote to since, has lost its mappings without a slot and is freed
 *
 * The flush makes an unmapped page unwritable, and lets the next access set an accessed bit that
 * was cleared: without it a CPU that still has the translation would not set the bit, the page
 * would look cold for ever, and LRU would be FIFO.
 *
 * Locks: pages are locked by trylock only, so a pass may hold a batch of page locks without an
 * order among them; it holds no other lock between two pages. Two passes may run on two CPUs:
 * isolation keeps their pages apart.
 */
#include "mm/reclaim_internal.h"

#include "arch/x86_64/tlb.h"
#include "cpu/current.h"
#include "lib/cmdline.h"
#include "mm/buddy.h"
#include "mm/huge_memory.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/policy.h"
#include "mm/rmap.h"
#include "mm/swap.h"
#include "mm/vmstat.h"

struct pass {
	u32 id;
	enum reclaim_kind kind;
	struct page *pages[RECLAIM_BATCH]; /* isolated, not settled yet */
	u32 nr_pages;
	struct rmap_harvest harvest; /* its cpu_mask: whom the flush concerns */
	u64 unmapped_cpus;
	u32 nr_frames; /* of all pages looked at */
	u32 nr_scanned, nr_freed, nr_activated, nr_deactivated, nr_active_scanned;
	struct swap_writer writer;
};

static const struct replacement_policy *policies[] = {&policy_incumbent, &policy_two_list};
static const struct replacement_policy *policy = &policy_incumbent;
static u32 last_pass_id; /* atomic */

atomic_t nr_reclaimed;

static struct list_view list_view(void)
{
	return (struct list_view){.inactive = lru_size(LRU_INACTIVE_ANON),
				  .active = lru_size(LRU_ACTIVE_ANON),
				  .nr_free = buddy_nr_free()};
}

void reclaim_list_new(struct page *page)
{
	struct list_view lists = list_view();

	lru_add(page, policy->place_new(&lists), LRU_WHY_NEW);
}

void reclaim_list_refault(struct page *page, u32 distance)
{
	struct list_view lists = list_view();

	lru_add(page, policy->place_refault(distance, &lists), LRU_WHY_SWAPIN);
}

/* Once: referenced. Twice: active, unless the policy does not care. As Linux's folio_mark_accessed(). */
void reclaim_mark_accessed(struct page *page)
{
	const struct page_view view = {.referenced = 1,
				       .second_look = page_test(page, PG_REFERENCED)};

	if (!view.second_look)
		lru_set_referenced(page);
	else if (page_is_inactive(page) && policy->judge_inactive(&view) == RECLAIM_ACTIVATE)
		lru_activate(page);
}

static void decide(struct pass *pass, struct page *page, enum reclaim_verdict verdict)
{
	TRACE(reclaim_decision, .pfn = page_pfn(page), .pass_id = pass->id, .list = page->from_list,
	      .verdict = verdict);
}

/* To the unevictable list, because a locked VMA maps it. That VMA may have been unlocked since, and
 * whoever did it not have found the page on that list: so looks again. One of a file is locked: it could
 * leave the file, which its mappings are found by, and the file be gone. */
static void cull(struct page *page)
{
	page_get(page);
	vmstat_inc(VMSTAT_UNEVICTABLE_PGCULLED);
	lru_putback(page, LRU_UNEVICTABLE, LRU_WHY_CULL);
	if (!rmap_is_locked(page))
		munlock_page(page);
	page_put(page);
}

/* A page of the active list that could not even be looked at. */
static bool was_only_aged(const struct pass *pass, const struct page *page,
			  enum reclaim_verdict verdict)
{
	return verdict == RECLAIM_KEEP_LOCKED && pass->kind != RECLAIM_MADVISE &&
	       page->from_list == LRU_ACTIVE_ANON;
}

/* Ends a page's part in the pass: back to a list. */
static void keep(struct pass *pass, struct page *page, enum reclaim_verdict verdict)
{
	decide(pass, page, verdict);
	switch (verdict) {
	case RECLAIM_ACTIVATE:
		pass->nr_activated++;
		vmstat_inc(VMSTAT_PGACTIVATE);
		lru_clear_referenced(page);
		lru_putback(page, LRU_ACTIVE_ANON, LRU_WHY_REFERENCED);
		break;
	case RECLAIM_KEEP_REFERENCED:
		lru_set_referenced(page);
		lru_putback(page, LRU_INACTIVE_ANON, LRU_WHY_SECOND_CHANCE);
		break;
	case RECLAIM_DEACTIVATE:
		pass->nr_deactivated++;
		vmstat_inc(VMSTAT_PGDEACTIVATE);
		lru_putback(page, LRU_INACTIVE_ANON, LRU_WHY_DEACTIVATE);
		break;
	case RECLAIM_ROTATE:
		lru_clear_referenced(page);
		lru_putback(page, LRU_ACTIVE_ANON, LRU_WHY_REFERENCED);
		break;
	case RECLAIM_UNEVICTABLE:
		cull(page);
		break;
	default:
		lru_putback(page,
			    was_only_aged(pass, page, verdict) ? LRU_ACTIVE_ANON
							       : LRU_INACTIVE_ANON,
			    LRU_WHY_PUTBACK);
	}
}

/* The same for a locked page. */
static void keep_locked(struct pass *pass, struct page *page, enum reclaim_verdict verdict)
{
	page_get(page);
	keep(pass, page, verdict);
	page_unlock(page);
	page_put(page);
}

static struct page_view harvest(struct pass *pass, struct page *page)
{
	rmap_harvest(page, &pass->harvest);
	TRACE(lru_referenced, .pfn = page_pfn(page), .mappings = pass->harvest.mappings,
	      .referenced = pass->harvest.referenced, .pass_id = pass->id, .list = page->from_list);
	return (struct page_view){.mappings = pass->harvest.mappings,
				  .referenced = pass->harvest.referenced,
				  .second_look = page_test(page, PG_REFERENCED),
				  .locked = pass->harvest.locked};
}

/* A page of 512 frames is swapped out frame by frame: its first is this pass's, the others are what
 * the next passes look at. False: the last mapping went meanwhile, and it will be freed. */
static bool split_to_evict(struct page *page)
{
	if (!page_is_huge(page))
		return true;
	if (!split_huge_page(page, LRU_TAIL))
		return false;
	vmstat_inc(VMSTAT_THP_SWPOUT_FALLBACK);
	return true;
}

static void flush(u64 cpu_mask, enum tlb_why why)
{
	if (!cpu_mask)
		return;
	TRACE(tlb_flush, .cpus = cpu_mask, .mm_id = 0, .reason = why);
	tlb_shootdown_all(cpu_mask);
}

/* Takes the mappings of a locked page away, if that makes it go. Some may be gone, and one has to stay: then their
 * CPUs must have forgotten them before anybody else can take the last one away, flush only its own, and free the page. */
static enum reclaim_verdict unmap(struct pass *pass, struct page *page)
{
	u64 cpus = 0;
	enum reclaim_verdict verdict = page_operations(page)->swap_out(page, &cpus);

	if (verdict == RECLAIM_FREED || verdict == RECLAIM_LAZYFREED)
		pass->unmapped_cpus |= cpus;
	else
		flush(cpus, TLB_RECLAIM);
	return verdict;
}

/* Judges one isolated page. Returns whether it stays in the batch, locked and unmapped, to be
 * settled. */
static bool judge_inactive(struct pass *pass, struct page *page)
{
	struct page_view view;
	enum reclaim_verdict verdict;

	if (!page_trylock(page)) {
		keep(pass, page, RECLAIM_KEEP_LOCKED);
		return false;
	}
	if (page_test(page, PG_WRITEBACK)) {
		verdict = RECLAIM_KEEP_WRITEBACK;
	} else {
		if (pass->kind == RECLAIM_MADVISE) {
			verdict = RECLAIM_FREED;
		} else {
			view = harvest(pass, page);
			verdict = view.locked ? RECLAIM_UNEVICTABLE : policy->judge_inactive(&view);
		}
		if (verdict == RECLAIM_FREED && !split_to_evict(page))
			verdict = RECLAIM_KEEP_BUSY;
		if (verdict == RECLAIM_FREED)
			verdict = unmap(pass, page);
	}
	if (verdict == RECLAIM_FREED || verdict == RECLAIM_LAZYFREED)
		return true;
	keep_locked(pass, page, verdict);
	return false;
}

static const enum vmstat_item steal_counters[] = {
	[RECLAIM_KSWAPD] = VMSTAT_PGSTEAL_KSWAPD,
	[RECLAIM_DIRECT] = VMSTAT_PGSTEAL_DIRECT,
	[RECLAIM_MADVISE] = VMSTAT_PGSTEAL_MADVISE,
};

/* Frees a clean, unmapped, locked page: its content is in swap, or nobody's. `pass` is the one that
 * decides it now, or NULL when that was long ago, before the write. Returns false when someone
 * holds the page. */
static bool evict(struct pass *pass, struct page *page, u32 pass_id, enum reclaim_kind kind)
{
	enum reclaim_verdict verdict = pass ? RECLAIM_FREED : RECLAIM_WRITE;
	enum swap_removal removal = swap_cache_evict(page, pass_id, kind, verdict);

	if (removal == SWAP_BUSY)
		return false;
	if (removal == SWAP_EVICTED)
		vmstat_inc(steal_counters[kind]);
	if (pass)
		decide(pass, page, removal == SWAP_EVICTED ? RECLAIM_FREED : RECLAIM_DROPPED);
	page_unlock(page);
	lru_release(page);
	atomic_inc(&nr_reclaimed);
	return true;
}

/* Frees a page whose content nobody can want any more. */
static void drop(struct pass *pass, struct page *page, enum reclaim_verdict verdict)
{
	decide(pass, page, verdict);
	page_unlock(page);
	lru_release(page);
	atomic_inc(&nr_reclaimed);
	pass->nr_freed++;
}

/* Frees or writes an unmapped page. */
static void settle(struct pass *pass, struct page *page)
{
	enum reclaim_verdict kept = RECLAIM_KEEP_BUSY;

	if (page_test(page, PG_LAZYFREE)) {
		vmstat_inc(VMSTAT_PGLAZYFREED);
		drop(pass, page, RECLAIM_LAZYFREED);
		return;
	}
	if (page_operations(page)->leave) {
		enum reclaim_verdict left = page_operations(page)->leave(page);

		if (left == RECLAIM_DROPPED) {
			drop(pass, page, left);
			return;
		}
		if (left != RECLAIM_FREED) {
			page_unlock(page);
			keep(pass, page, left);
			return;
		}
	}
	if (swap_only_cached(page) && swap_cache_release(page)) {
		drop(pass, page, RECLAIM_DROPPED);
		return;
	}
	if (page_test(page, PG_DIRTY)) {
		if (!swap_write(&pass->writer, page)) {
			decide(pass, page, RECLAIM_WRITE);
			return;
		}
		kept = RECLAIM_KEEP_NO_IO;
	} else if (evict(pass, page, pass->id, pass->kind)) {
		pass->nr_freed++;
		return;
	}
	page_unlock(page);
	keep(pass, page, kept);
}

void reclaim_page_written(struct page *page, u32 pass_id, enum reclaim_kind kind, int error)
{
	/* Before the page looks clean to whoever waits for it: its slot holds nothing of use. */
	if (error)
		page_set(page, PG_DIRTY);
	page_clear(page, PG_WRITEBACK);
	page_wake(page);
	if (error) {
		lru_putback(page, LRU_ACTIVE_ANON, LRU_WHY_WRITE_FAILED);
		return;
	}
	if (page_trylock(page)) {
		if (evict(NULL, page, pass_id, kind))
			return;
		page_unlock(page);
	}
	lru_putback(page, LRU_INACTIVE_ANON, LRU_WHY_PUTBACK);
}

/* With no slot free only those pages can be evicted that have one. To look at the others, over and
 * over, would find nothing but the end of everybody's patience. */
static u32 isolate(struct pass *pass, enum lru_list list)
{
	pass->nr_pages = lru_isolate(list, pass->pages, RECLAIM_BATCH, swap_nr_free() == 0);
	for (u32 i = 0; i < pass->nr_pages; i++)
		pass->nr_frames += page_nr_frames(pass->pages[i]);
	return pass->nr_pages;
}

/* Judges an isolated page of the active list. One of a file is locked meanwhile: it could leave the
 * file, which its mappings are found by. */
static void judge_active(struct pass *pass, struct page *page)
{
	bool is_file = page_operations(page)->is_file;
	enum reclaim_verdict verdict;
	struct page_view view;

	if (is_file && !page_trylock(page)) {
		keep(pass, page, RECLAIM_KEEP_LOCKED);
		return;
	}
	view = harvest(pass, page);
	verdict = view.locked ? RECLAIM_UNEVICTABLE : policy->judge_active(&view);
	if (is_file)
		keep_locked(pass, page, verdict);
	else
		keep(pass, page, verdict);
}

static void shrink_active(struct pass *pass)
{
	pass->nr_active_scanned = isolate(pass, LRU_ACTIVE_ANON);
	for (u32 i = 0; i < pass->nr_pages; i++)
		judge_active(pass, pass->pages[i]);
}

/* Judges the pass's pages, and frees or writes those to evict. */
static void evict_batch(struct pass *pass)
{
	u32 to_settle = 0;

	pass->nr_scanned = pass->nr_pages;
	for (u32 i = 0; i < pass->nr_pages; i++)
		if (judge_inactive(pass, pass->pages[i]))
			pass->pages[to_settle++] = pass->pages[i];
	/* One flush serves both purposes; the reason told is the stronger one. */
	flush(pass->harvest.cpu_mask | pass->unmapped_cpus,
	      pass->unmapped_cpus ? TLB_RECLAIM : TLB_AGING);
	for (u32 i = 0; i < to_settle; i++)
		settle(pass, pass->pages[i]);
	swap_write_flush(&pass->writer);
}

static void shrink_inactive(struct pass *pass)
{
	isolate(pass, LRU_INACTIVE_ANON);
	vmstat_add(pass->kind == RECLAIM_KSWAPD ? VMSTAT_PGSCAN_KSWAPD : VMSTAT_PGSCAN_DIRECT,
		   pass->nr_pages);
	evict_batch(pass);
}

static void begin_pass(struct pass *pass, enum reclaim_kind kind, u32 priority)
{
	pass->kind = pass->writer.kind = kind;
	pass->id = pass->writer.pass_id = __atomic_add_fetch(&last_pass_id, 1, __ATOMIC_RELAXED);
	TRACE(reclaim_pass_begin, .pass_id = pass->id, .kind = kind, .pid = current->pid,
	      .priority = priority, .nr_free = nr_free_frames());
}

static void end_pass(const struct pass *pass)
{
	TRACE(reclaim_pass_end, .pass_id = pass->id, .nr_scanned = pass->nr_scanned,
	      .nr_freed = pass->nr_freed, .nr_written = pass->writer.nr_pages,
	      .nr_activated = pass->nr_activated, .nr_deactivated = pass->nr_deactivated,
	      .nr_active_scanned = pass->nr_active_scanned, .nr_free = nr_free_frames());
}

u32 reclaim_pass(enum reclaim_kind kind, u32 priority, u32 *scanned)
{
	struct list_view lists = list_view();
	struct pass pass = {};

	begin_pass(&pass, kind, priority);
	if (policy->wants_aging(&lists))
		shrink_active(&pass);
	shrink_inactive(&pass);
	end_pass(&pass);
	*scanned += pass.nr_frames;
	return pass.nr_freed + pass.writer.nr_pages;
}

void reclaim_page_out(struct page **pages, u32 nr_pages)
{
	struct pass pass = {.nr_pages = nr_pages};

	memcpy(pass.pages, pages, nr_pages * sizeof(pages[0]));
	begin_pass(&pass, RECLAIM_MADVISE, 0);
	evict_batch(&pass);
	end_pass(&pass);
	swap_wait_writable();
}

void reclaim_deactivate(struct page **pages, u32 nr_pages)
{
	struct pass pass = {.nr_active_scanned = nr_pages};

	begin_pass(&pass, RECLAIM_MADVISE, 0);
	for (u32 i = 0; i < nr_pages; i++) {
		lru_clear_referenced(pages[i]);
		keep(&pass, pages[i], RECLAIM_DEACTIVATE);
	}
	end_pass(&pass);
}

void reclaim_choose_policy(void)
{
	char name[16];
	bool found = !cmdline_text("policy", name, sizeof(name));

	for (u32 i = 0; i < ARRAY_SIZE(policies); i++)
		if (!found && !strcmp(policies[i]->name, name)) {
			policy = policies[i];
			found = true;
		}
	if (!found)
		panic("policy=%s: no such replacement policy", name);
}
