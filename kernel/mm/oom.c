/*
 * The OOM killer: choose, kill, take the memory, and let everybody wait for that rather than kill
 * another.
 *
 * A victim may be unable to die: it may wait for a lock that an allocating task holds. So a thread,
 * the reaper, unmaps its private memory while it still exists. mm->state gets MM_REAPED first, so
 * that no fault of the victim sees zeroes where its data was; it is going to die before it could
 * notice anything else.
 *
 * One kill at a time: oom.victim is set from the kill until the reaper is done with it. Who needs memory
 * sleeps meanwhile (oom_wait_reaped()): of a hundred tasks that look for what cannot be found, each would keep the
 * victim and the reaper from the processor. Nobody waits for the victim's end, which may need a lock
 * that the one who waits holds; that end tells oom_done.
 *
 * Locks: oom.lock (RANK_OOM) guards the fields of `oom`; never held while sleeping or while another
 * lock is taken.
 */
#include "mm/oom.h"

#include "cpu/clock.h"
#include "cpu/kthread.h"
#include "cpu/wait.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "mm/oom_score.h"
#include "mm/page_alloc.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "mm/zap.h"

/* Between two looks whether those who are dying have given memory back. */
#define LEAVING_PAUSE_NS (10 * NSEC_PER_MSEC)
/* The reaper tries so often, and so long, to get the victim's mmap_lock; Linux allows a second too. */
#define REAP_PAUSE_NS    NSEC_PER_MSEC
#define REAP_PATIENCE_NS NSEC_PER_SEC

static const struct oom_policy *policy = &oom_policy_resident;

static struct {
	spinlock_t lock;
	struct mm *victim; /* with a reference, from the kill until the reaper is done; or NULL */
	u32 nr_dying;      /* victims whose address space is not gone yet */
	u32 kill_id;
	bool choosing;
} oom = {.lock = SPINLOCK_INIT(RANK_OOM)};

static DEFINE_WAIT_QUEUE(oom_wait);
static DEFINE_WAIT_QUEUE(reaper_wait);

static bool kill_in_progress(void)
{
	return READ_ONCE(oom.victim) || READ_ONCE(oom.choosing);
}

/* Counts the entries of one table that map a page which nobody else maps. */
static int count_private(struct pte_range *range)
{
	for (u32 i = 0; i < range->nr; i++) {
		pte_t pte = pte_read(&range->entry[i]);

		if (pte_maps(pte) && !pte_operations(pte)->is_file &&
		    page_mapcount(pfn_page(pte_pfn(pte))) == 1)
			++*(u32 *)range->arg;
	}
	return 0;
}

static int count_private_huge(struct pte_range *range)
{
	if (page_mapcount(pfn_page(pte_pfn(pte_read(range->entry)))) == 1)
		*(u32 *)range->arg += range->nr;
	return 0;
}

/* Frames that the death of this address space should free: those nobody else maps, and its page
 * tables. */
static u32 predict(struct mm *mm)
{
	u32 nr = 0;

	if (!down_read_trylock(&mm->mmap_lock))
		return atomic_read(&mm->nr_resident) + atomic_read(&mm->nr_pgtables);
	pgtable_walk_huge(mm, 0, USER_END, count_private, count_private_huge, &nr);
	up_read(&mm->mmap_lock);
	return nr + atomic_read(&mm->nr_pgtables);
}

static enum oom_eligible eligible(const struct oom_task *task)
{
	if (task->with_init)
		return OOM_INIT;
	if (task->oom_score_adj == OOM_SCORE_ADJ_MIN)
		return OOM_DISABLED;
	return task->dying ? OOM_DYING : OOM_ELIGIBLE;
}

static struct oom_usage usage_of(const struct mm *mm)
{
	return (struct oom_usage){.resident = atomic_read(&mm->nr_resident),
				  .swapped = atomic_read(&mm->nr_swapped),
				  .page_tables = atomic_read(&mm->nr_pgtables)};
}

u32 oom_total_points(void)
{
	struct oom_usage all = {.resident = nr_managed_frames, .swapped = swap_nr_slots()};

	return policy->score(&all);
}

static s64 adjusted(u64 score, s32 oom_score_adj)
{
	return (s64)score + oom_score_adj * (s64)(oom_total_points() / OOM_SCORE_ADJ_MAX);
}

s64 oom_points(const struct mm *mm, s32 oom_score_adj)
{
	struct oom_usage usage = usage_of(mm);

	return adjusted(policy->score(&usage), oom_score_adj);
}

/* Scores a candidate, and tells so. */
static s64 score(u32 kill_id, const struct oom_task *task, enum oom_eligible may)
{
	struct oom_usage usage = usage_of(task->mm);
	u64 score = policy->score(&usage);
	s64 points = adjusted(score, task->oom_score_adj);

	if (task->oom_score_adj)
		TRACE(oom_score_adj, .points = points, .kill_id = kill_id, .pid = task->pid,
		      .oom_score_adj = task->oom_score_adj, .total_pages = oom_total_points());
	TRACE_TEXT(oom_score, comm, task->comm, .score = score, .kill_id = kill_id,
		   .pid = task->pid, .resident = usage.resident, .swapped = usage.swapped,
		   .page_tables = usage.page_tables, .eligible = may);
	return points;
}

/* Scores every task and keeps the best one, with the reference on its address space. False when
 * nobody may be chosen. */
static bool choose(u32 kill_id, struct oom_task *best)
{
	struct oom_task task;
	s64 best_points = 0;
	s32 pid = 0;
	bool found = false;

	while (oom_next_task(pid, &task)) {
		enum oom_eligible may = eligible(&task);
		s64 points = score(kill_id, &task, may);

		pid = task.pid;
		if (may == OOM_ELIGIBLE && (!found || points > best_points)) {
			if (found)
				mm_put(best->mm);
			found = true;
			best_points = points;
			*best = task;
		} else {
			mm_put(task.mm);
		}
	}
	return found;
}

void oom_mark_victim(const struct oom_task *victim, u32 kill_id, u32 predicted)
{
	victim->mm->oom_kill_id = kill_id;
	victim->mm->oom_victim_pid = victim->pid;
	spin_lock(&oom.lock);
	oom.victim = victim->mm;
	oom.nr_dying++;
	vmstat_inc(VMSTAT_OOM_KILL);
	TRACE(mark_victim, .kill_id = kill_id, .pid = victim->pid, .mm_id = victim->mm->id,
	      .predicted_pages = predicted);
	spin_unlock(&oom.lock);
}

/* Kills the chosen task; its reference on the address space passes to the reaper. */
static void kill(u32 kill_id, struct oom_task *victim)
{
	u32 predicted = predict(victim->mm);

	if (oom_kill_task(victim, kill_id, predicted)) {
		/* It has given that memory up by itself: as good as a kill, once ours is not the
		 * last reference. */
		mm_put(victim->mm);
		return;
	}
	wake_up(&reaper_wait);
	printk("oom: killed %d (%s), about %u frames", victim->pid, victim->comm, predicted);
}

/* Nobody may be killed. Either somebody who is dying already will give memory back, or this is the
 * end. */
static void wait_for_the_dying(void)
{
	if (!oom_task_is_leaving())
		panic("out of memory, and no task that may be killed");
	sleep_until(clock_ns() + LEAVING_PAUSE_NS, TASK_UNINTERRUPTIBLE);
}

void oom_wait_reaped(void)
{
	/* The victim itself must not wait for its own death. */
	if (unlikely(kill_in_progress()))
		wait_event(&oom_wait, !kill_in_progress() || current_is_dying());
}

bool oom_kill_in_progress(void)
{
	return kill_in_progress();
}

void out_of_memory(u32 order)
{
	struct oom_task victim;
	bool mine, found;

	spin_lock(&oom.lock);
	mine = !kill_in_progress();
	if (mine) {
		oom.choosing = true;
		oom.kill_id++;
	}
	spin_unlock(&oom.lock);
	if (!mine) {
		oom_wait_reaped();
		return;
	}
	TRACE(oom_invoked, .kill_id = oom.kill_id, .pid = current->pid, .order = order,
	      .nr_free = nr_free_frames(), .nr_free_slots = swap_nr_free());
	found = choose(oom.kill_id, &victim);
	if (found)
		kill(oom.kill_id, &victim);
	WRITE_ONCE(oom.choosing, false);
	wake_up(&oom_wait);
	if (!found)
		wait_for_the_dying();
}

void oom_victim_gone(struct mm *mm)
{
	if (!mm->oom_kill_id)
		return;
	spin_lock(&oom.lock);
	oom.nr_dying--;
	TRACE(oom_done, .kill_id = mm->oom_kill_id, .pid = mm->oom_victim_pid,
	      .freed_pages = atomic_read(&mm->oom_freed));
	spin_unlock(&oom.lock);
	wake_up(&oom_wait);
}

void oom_wait_done(void)
{
	wait_event(&oom_wait, !kill_in_progress() && !READ_ONCE(oom.nr_dying));
}

/* Unmaps everything the victim has; mmap_lock held for reading. */
static void reap(struct mm *mm)
{
	struct vma *vma;

	__atomic_or_fetch(&mm->state, MM_REAPED, __ATOMIC_SEQ_CST);
	/* What is shared is not freed by that. */
	for_each_vma (mm, vma)
		if (!(vma->flags & VM_SHARED))
			zap_range(vma, vma->start, vma->end, PTE_WHY_OOM);
}

/* A holder for writing is the victim itself in a memory call; being killed, it gets memory from the
 * reserve or an error, and lets go. False when that does not come: somebody else may be killed then. */
static bool lock_to_reap(struct mm *mm)
{
	u64 deadline = clock_ns() + REAP_PATIENCE_NS;

	while (!down_read_trylock(&mm->mmap_lock)) {
		if (clock_ns() > deadline)
			return false;
		sleep_until(clock_ns() + REAP_PAUSE_NS, TASK_UNINTERRUPTIBLE);
	}
	return true;
}

static void reaper(void *arg)
{
	(void)arg;
	current->flags |= PF_MEMALLOC;
	kthread_set_fifo_low();
	for (;;) {
		struct mm *mm;

		wait_event(&reaper_wait, READ_ONCE(oom.victim));
		mm = READ_ONCE(oom.victim);
		if (lock_to_reap(mm)) {
			reap(mm);
			up_read(&mm->mmap_lock);
		}
		spin_lock(&oom.lock);
		oom.victim = NULL;
		spin_unlock(&oom.lock);
		wake_up(&oom_wait);
		mm_put(mm);
	}
}

void oom_init(void)
{
	char name[16];

	if (cmdline_text("oom_policy", name, sizeof(name)) && strcmp(name, policy->name))
		panic("oom_policy=%s: no such policy", name);
	if (kthread_run(reaper, NULL, "oom_reaper"))
		panic("no memory for the OOM reaper");
}
