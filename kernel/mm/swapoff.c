/*
 * swapoff: everything that is in swap comes back into memory.
 *
 * First no slot is handed out any more; pages that have one may still be evicted to it. Then all address
 * spaces are gone through, and what their entries name is mapped, as by a fault; then all files. A fork may copy an
 * entry behind us, and reclaim may evict a page of the swap cache again, so it is done over and over
 * until no slot is in use. A signal ends it, and so does a lack of memory, which kills nobody: this
 * task has another way out (PF_NOOOM).
 */
#include "arch/x86_64/layout.h"
#include "cpu/clock.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/huge_memory.h"
#include "mm/limits.h"
#include "mm/pgtable.h"
#include "mm/shmem.h"
#include "mm/swap.h"
#include "mm/vma.h"

#define PAUSE_NS NSEC_PER_MSEC

/* The address space made after `mm`, or with NULL the first, with a reference, or NULL. Gives back the caller's on `mm`. */
static struct mm *next_mm(struct mm *mm)
{
	struct list_head *node;
	struct mm *next = NULL;

	spin_lock(&mm_list_lock);
	for (node = mm ? mm->node.next : mm_list.next; node != &mm_list && !next; node = node->next)
		/* The last user of one may have left. */
		if (atomic_inc_not_zero(&list_entry(node, struct mm, node)->users))
			next = list_entry(node, struct mm, node);
	spin_unlock(&mm_list_lock);
	if (mm)
		mm_put(mm);
	return next;
}

/* The addresses of the next entries that name a slot. */
struct found {
	u32 nr;
	u64 va[32];
};

static int find_swapped(struct pte_range *range)
{
	struct found *found = range->arg;

	for (u32 i = 0; i < range->nr; i++) {
		if (!pte_is_swap(pte_read(&range->entry[i])))
			continue;
		if (found->nr == ARRAY_SIZE(found->va))
			return 1;
		found->va[found->nr++] = range->va + i * PAGE_SIZE;
	}
	return 0;
}

/* Brings back the pages of some entries from *at on, and moves *at behind them. */
static int unuse_some(struct mm *mm, u64 *at)
{
	struct found found = {.nr = 0};
	int error = 0, more;

	down_read(&mm->mmap_lock);
	more = pgtable_walk_huge(mm, *at, USER_END, find_swapped, huge_skip, &found);
	for (u32 i = 0; i < found.nr && !error; i++)
		error = current_has_signal()
				? -EINTR
				: fault_swap_in(vma_find(mm, found.va[i]), found.va[i]);
	*at = more ? found.va[found.nr - 1] + PAGE_SIZE : USER_END;
	up_read(&mm->mmap_lock);
	cond_resched();
	return error;
}

static int unuse_mm(struct mm *mm)
{
	u64 at = 0;
	int error = 0;

	/* What is being torn down gives its slots back by itself. */
	while (at < USER_END && !error && atomic_read(&mm->nr_swapped))
		error = unuse_some(mm, &at);
	return error;
}

static int unuse_all_mms(void)
{
	struct mm *mm = NULL;
	int error = 0;

	while (!error && (mm = next_mm(mm)))
		error = unuse_mm(mm);
	if (error)
		mm_put(mm);
	return error;
}

/* Pages that have a slot which no entry names: they give it back, or go if nobody maps them. */
static void empty_cache(void)
{
	for (u32 slot = 1; slot <= swap_nr_slots(); slot++) {
		struct page *page = debug_swap_cached(slot) ? swap_cache_get(slot) : NULL;

		if (!page)
			continue;
		page_wait_clear(page, PG_WRITEBACK);
		page_lock(page);
		if (page_test(page, PG_SWAPCACHE))
			swap_cache_release(page);
		page_unlock(page);
		page_put(page);
		cond_resched();
	}
}

static int unuse_everything(void)
{
	while (!swap_off_if_unused()) {
		int error = unuse_all_mms();

		if (!error)
			error = mappings_unuse_swap();

		if (error)
			return error;
		empty_cache();
		/* Writes end, and tasks that exit let go, in their time: nothing else holds a slot. */
		if (swap_nr_used() && sleep_until(clock_ns() + PAUSE_NS, TASK_INTERRUPTIBLE))
			return -EINTR;
	}
	return 0;
}

int swap_off(struct backing *disk)
{
	int error;

	if (!disk || disk != swap_disk() || !swap_nr_slots())
		return -EINVAL;
	/* What was promised must still be there when the slots are gone (Linux asks the same). */
	error = mm_charge(current->mm, swap_nr_slots());
	if (error)
		return error;
	mm_uncharge(swap_nr_slots());
	swap_close();
	current->flags |= PF_NOOOM;
	error = unuse_everything();
	current->flags &= ~PF_NOOOM;
	if (error)
		swap_reopen();
	return error;
}
