/* The last resort when reclaim finds nothing: kill one task and take its memory. */
#ifndef MM_OOM_H
#define MM_OOM_H

#include "cpu/current.h"

/* Linux's: thousandths of all memory by which a score is better or worse than it is; at the lowest the
 * process is never chosen. */
#define OOM_SCORE_ADJ_MIN (-1000)
#define OOM_SCORE_ADJ_MAX 1000

/* What the OOM killer knows of a task. The task list belongs to proc, which implements the two
 * functions below. */
struct oom_task {
	s32 pid;
	struct mm *mm;     /* with a reference taken */
	bool dying;        /* killed already */
	bool with_init;    /* runs in init's memory: init, or its child between vfork and exec */
	s32 oom_score_adj; /* OOM_SCORE_ADJ_MIN to OOM_SCORE_ADJ_MAX */
	char comm[TASK_COMM_LEN];
};

/* Fills *out with the first task whose pid is above `pid` and that has an address space, taking a
 * reference on it; false at the end. The caller drops the reference with mm_put(). */
bool oom_next_task(s32 pid, struct oom_task *out);

/* Kills a task and all who share its memory, after oom_mark_victim(), under the lock that keeps it
 * in that memory. -ESRCH, nothing done: it has left it meanwhile, by exec or exit. */
int __must_check oom_kill_task(const struct oom_task *victim, u32 kill_id, u32 predicted);

/* Whether a task is on its way out, its memory perhaps not free yet. */
bool oom_task_is_leaving(void);

/* Makes a task the victim of the decision in progress; traced. Called by oom_kill_task(). */
void oom_mark_victim(const struct oom_task *victim, u32 kill_id, u32 predicted);

void oom_init(void);

/* What decides between candidates: the policy's score of an address space, in pages, with the
 * adjustment added. Racy. */
s64 oom_points(const struct mm *mm, s32 oom_score_adj);
/* What who had all frames and slots would score: of that an adjustment is thousandths, so that one of 1000 makes
 * the smallest process the first to go. */
u32 oom_total_points(void);

/* Chooses and kills, or waits for the previous victim to give its memory back. Sleeps; no locks but
 * mmap_lock for reading held. */
void out_of_memory(u32 order);

/* While a victim's memory is being taken. */
bool oom_kill_in_progress(void);

/* Waits for that to be over, unless the caller is dying: then there is more memory than reclaim could
 * find. Sleeps; as out_of_memory(). */
void oom_wait_reaped(void);

/* Waits until every victim is gone: the end of a session tells what its death brought. Sleeps. */
void oom_wait_done(void);

/* An address space is gone, and all its frames are free (called by mm_put()): tells so if it was a
 * victim's. */
void oom_victim_gone(struct mm *mm);

#endif
