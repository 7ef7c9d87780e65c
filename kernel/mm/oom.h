/* The last resort when reclaim finds nothing: kill one task and take its memory. */
#ifndef MM_OOM_H
#define MM_OOM_H

#include "cpu/current.h"

/* What the OOM killer knows of a task. The task list belongs to proc, which implements the two
 * functions below. */
struct oom_task {
	s32 pid;
	struct mm *mm; /* with a reference taken, or NULL (kernel thread, zombie) */
	bool dying;    /* killed already */
	char comm[TASK_COMM_LEN];
};

/* Fills *out with the first task whose pid is above `pid` and that has an address space, taking a
 * reference on it; false at the end. The caller drops the reference with mm_put(). */
bool oom_next_task(s32 pid, struct oom_task *out);

/* Sends SIGKILL to a task and marks it as the victim of this decision; -ESRCH when it is gone. */
int oom_kill_task(s32 pid, u32 kill_id);

void oom_init(void);

/* Chooses and kills, or waits for the previous victim to give its memory back. Sleeps; no locks but
 * mmap_lock for reading held. */
void out_of_memory(u32 order);

/* Waits until no decision is in progress: the end of a session tells what it brought. Sleeps. */
void oom_wait_done(void);

/* A victim's address space is gone (called by mm when it is torn down). */
void oom_victim_gone(struct mm *mm);

#endif
