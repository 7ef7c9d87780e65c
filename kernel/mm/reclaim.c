/*
 * Reclaim: what happens to one batch of pages, and who does it when: kswapd, an allocation that
 * finds nothing, or a program by madvise.
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
#include "mm/reclaim.h"

#include "arch/x86_64/tlb.h"
#include "cpu/clock.h"
#include "cpu/current.h"
#include "cpu/kthread.h"
#include "cpu/wait.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "mm/buddy.h"
#include "mm/huge_memory.h"
#include "mm/lru.h"
#include "mm/oom.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/policy.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmstat.h"

/* First priority of a reclaimer: it looks at size >> priority pages, twice as many after each round
 * without success. */
#define FIRST_PRIORITY 12
/* Pages under way to swap, beyond what it needs, at which kswapd waits rather than unmap more. */
#define MAX_AHEAD 128
/* kswapd gives up when it has begun to free this many and not one came free. */
#define MAX_IN_VAIN 2048
/* Of a direct reclaimer that found nothing, before it says so. */
#define FRUITLESS_PAUSE_NS (10 * NSEC_PER_MSEC)
/* A direct reclaimer stops when it has freed this many, or begun to. */
#define DIRECT_TARGET 32
/* Its rounds that find nothing while no slot is free. */
#define MAX_FUTILE_ROUNDS 2

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
/* Frames that reclaim, whoever did it, has made free since boot; wraps. What counts as progress:
 * writes that were begun may fail. */
static atomic_t nr_reclaimed;

static DEFINE_WAIT_QUEUE(kswapd_wait);
static u32 kswapd_wanted;  /* 1: someone asked since kswapd last looked; atomic */
static bool kswapd_failed; /* its last look did not reach the high watermark */

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
		page_clear(page, PG_REFERENCED);
		lru_putback(page, LRU_ACTIVE_ANON, LRU_WHY_REFERENCED);
		break;
	case RECLAIM_KEEP_REFERENCED:
		page_set(page, PG_REFERENCED);
		lru_putback(page, LRU_INACTIVE_ANON, LRU_WHY_SECOND_CHANCE);
		break;
	case RECLAIM_DEACTIVATE:
		pass->nr_deactivated++;
		vmstat_inc(VMSTAT_PGDEACTIVATE);
		lru_putback(page, LRU_INACTIVE_ANON, LRU_WHY_DEACTIVATE);
		break;
	case RECLAIM_ROTATE:
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
	page_clear(page, PG_WRITEBACK);
	page_wake(page);
	if (error) {
		page_set(page, PG_DIRTY);
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

/* One pass. Returns the pages freed or sent to swap; *scanned grows by those looked at. */
static u32 run_pass(enum reclaim_kind kind, u32 priority, u32 *scanned)
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
	for (u32 i = 0; i < nr_pages; i++)
		keep(&pass, pages[i], RECLAIM_DEACTIVATE);
	end_pass(&pass);
}

/* Who dies needs no memory of reclaim's; and a victim's frees more than reclaim would. */
static bool is_pointless(void)
{
	return current_is_dying() || oom_kill_in_progress();
}

/* Passes over size >> priority pages, at least one batch, until `target` are freed or under way.
 * Returns how many. A pass that does not fill its batch has seen all there is: the next one would
 * find the same pages again. */
static u32 run_round(enum reclaim_kind kind, u32 priority, u32 target)
{
	u32 goal = max((lru_size(LRU_INACTIVE_ANON) + lru_size(LRU_ACTIVE_ANON)) >> priority,
		       (u32)RECLAIM_BATCH);
	u32 scanned = 0, before, done = 0;

	do {
		before = scanned;
		done += run_pass(kind, priority, &scanned);
		swap_wait_writable();
		cond_resched();
	} while (done < target && scanned < goal && scanned - before >= RECLAIM_BATCH &&
		 !is_pointless());
	return done;
}

/* Frames come when writes end, whoever began them, and when another CPU's pass is over, which is
 * soon. Waits a little; false when there is neither. */
static bool wait_for_others(void)
{
	if (swap_writes_pending())
		swap_wait_write_end();
	else if (lru_size(LRU_ISOLATED))
		cond_resched();
	else
		return false;
	return true;
}

bool reclaim_is_hopeless(void)
{
	return swap_nr_free() == 0 && !swap_writes_pending() && !lru_size(LRU_ISOLATED) &&
	       !lru_has_evictable_without_slot();
}

/* Rounds of rising priority. Without a free slot each looks at all that can go: a second one for what the
 * first has found referenced, and more would see the same. */
static void reclaim_for_task(void)
{
	u32 priority = FIRST_PRIORITY + 1, done = 0, futile = 0;

	while (priority-- > 0 && done < DIRECT_TARGET && futile < MAX_FUTILE_ROUNDS &&
	       !is_pointless() && !reclaim_is_hopeless()) {
		u32 more = run_round(RECLAIM_DIRECT, priority, DIRECT_TARGET - done);

		done += more;
		if (!more && swap_nr_free() == 0)
			futile++;
	}
}

u32 direct_reclaim(u32 order)
{
	u32 before = atomic_read(&nr_reclaimed), freed;

	current->flags |= PF_MEMALLOC;
	vmstat_inc(VMSTAT_ALLOCSTALL);
	TRACE(mm_vmscan_direct_reclaim_begin, .pid = current->pid, .order = order);
	freed = slab_shrink();
	reclaim_for_task();
	while ((u32)atomic_read(&nr_reclaimed) == before && !watermark_ok(watermarks.min, order) &&
	       !is_pointless() && wait_for_others())
		;
	freed += atomic_read(&nr_reclaimed) - before;
	/* What could go may be locked for the moment, being read. Not to be taken for the end. */
	if (!freed && !watermark_ok(watermarks.min, order) && !is_pointless() &&
	    !reclaim_is_hopeless())
		sleep_until(clock_ns() + FRUITLESS_PAUSE_NS, TASK_UNINTERRUPTIBLE);
	TRACE(mm_vmscan_direct_reclaim_end, .pid = current->pid, .nr_reclaimed = freed);
	current->flags &= ~PF_MEMALLOC;
	return freed;
}

void wakeup_kswapd(u32 order)
{
	/* It would fail again, and be woken again by the next allocation. */
	if (READ_ONCE(kswapd_failed) && swap_nr_free() == 0)
		return;
	if (__atomic_exchange_n(&kswapd_wanted, 1, __ATOMIC_SEQ_CST))
		return;
	TRACE(mm_vmscan_wakeup_kswapd, .nr_free = nr_free_frames(), .order = order);
	wake_up(&kswapd_wait);
}

/* Reclaims until free memory, with what is being written, reaches the high watermark or nothing
 * helps: there is nothing to evict, or no write succeeds. */
static void balance(void)
{
	u32 priority = FIRST_PRIORITY, reclaimed = atomic_read(&nr_reclaimed), in_vain = 0;

	slab_shrink();
	while (nr_free_frames() < watermarks.high && in_vain < MAX_IN_VAIN) {
		u32 coming = nr_free_frames() + swap_writes_pending();
		u32 done;

		if (reclaimed != (u32)atomic_read(&nr_reclaimed)) {
			reclaimed = atomic_read(&nr_reclaimed);
			in_vain = 0;
		}
		if (coming >= watermarks.high + MAX_AHEAD) {
			swap_wait_write_end();
			continue;
		}
		done = run_round(RECLAIM_KSWAPD, priority, RECLAIM_BATCH);
		in_vain += done;
		if (done)
			priority = FIRST_PRIORITY;
		else if (swap_writes_pending())
			swap_wait_write_end();
		else if (priority-- == 0)
			return;
	}
}

static void kswapd(void *arg)
{
	(void)arg;
	current->flags |= PF_MEMALLOC;
	for (;;) {
		wait_event(&kswapd_wait, READ_ONCE(kswapd_wanted));
		vmstat_inc(VMSTAT_PAGEOUTRUN);
		TRACE(mm_vmscan_kswapd_wake, .nr_free = nr_free_frames());
		balance();
		WRITE_ONCE(kswapd_failed, nr_free_frames() < watermarks.high);
		TRACE(mm_vmscan_kswapd_sleep, .nr_free = nr_free_frames());
		__atomic_store_n(&kswapd_wanted, 0, __ATOMIC_SEQ_CST);
	}
}

int reclaim_init(void)
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
	return kthread_run(kswapd, NULL, "kswapd");
}
