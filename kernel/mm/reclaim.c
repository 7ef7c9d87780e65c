/*
 * Reclaim: who does it, when, and how long: kswapd, or an allocation that finds nothing. What either does to
 * a batch of pages is reclaim_pass.c, which madvise uses too.
 */
#include "mm/reclaim_internal.h"

#include "cpu/clock.h"
#include "cpu/current.h"
#include "cpu/kthread.h"
#include "cpu/wait.h"
#include "mm/lru.h"
#include "mm/oom.h"
#include "mm/page_alloc.h"
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

static DEFINE_WAIT_QUEUE(kswapd_wait);
/* Whether someone asked since kswapd last looked; atomic. kswapd goes when the trace was told: its wake
 * must not come before the one that asked for it. */
enum { NOT_WANTED, WANTED, WANTED_AND_TOLD };
static u32 kswapd_wanted;
static bool kswapd_failed; /* its last look did not reach the high watermark */

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
		done += reclaim_pass(kind, priority, &scanned);
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
	u32 asleep = NOT_WANTED;

	/* It would fail again, and be woken again by the next allocation. */
	if (READ_ONCE(kswapd_failed) && swap_nr_free() == 0)
		return;
	if (!__atomic_compare_exchange_n(&kswapd_wanted, &asleep, WANTED, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	TRACE(mm_vmscan_wakeup_kswapd, .nr_free = nr_free_frames(), .order = order);
	__atomic_store_n(&kswapd_wanted, WANTED_AND_TOLD, __ATOMIC_SEQ_CST);
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
		wait_event(&kswapd_wait, READ_ONCE(kswapd_wanted) == WANTED_AND_TOLD);
		vmstat_inc(VMSTAT_PAGEOUTRUN);
		TRACE(mm_vmscan_kswapd_wake, .nr_free = nr_free_frames());
		balance();
		WRITE_ONCE(kswapd_failed, nr_free_frames() < watermarks.high);
		TRACE(mm_vmscan_kswapd_sleep, .nr_free = nr_free_frames());
		__atomic_store_n(&kswapd_wanted, NOT_WANTED, __ATOMIC_SEQ_CST);
	}
}

int reclaim_init(void)
{
	reclaim_choose_policy();
	return kthread_run(kswapd, NULL, "kswapd");
}
