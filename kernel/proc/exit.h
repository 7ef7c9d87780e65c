/* The end of a task. */
#ifndef PROC_EXIT_H
#define PROC_EXIT_H

#include "proc/task.h"

/* Ends the current task with a wait status (exit code << 8, or the signal). No locks held. The end
 * of init's last thread ends the session. */
void task_exit(s32 wait_status) __noreturn;

/* Ends the current task and lets all threads of its process end, with that wait status unless
 * another one was decided before. No locks held. */
void task_exit_group(s32 wait_status) __noreturn;

/* Puts the current task into another address space under another name (exec, traced as that), or
 * NULL, NULL: into none. The caller's reference passes over. Who waits in vfork is let go. Returns the former address space with the task's reference, or NULL. */
struct mm *__must_check task_change_mm(struct mm *mm, const char *comm);

#endif
