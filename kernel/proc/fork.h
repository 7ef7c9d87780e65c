/* Making processes. */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "proc/task.h"

/* Linux's values. */
#define CLONE_EXIT_SIGNAL    0x000000fful
#define CLONE_VM             0x00000100ul
#define CLONE_VFORK          0x00004000ul
#define CLONE_PARENT_SETTID  0x00100000ul
#define CLONE_CHILD_CLEARTID 0x00200000ul
#define CLONE_CHILD_SETTID   0x01000000ul

struct clone_args {
	u64 flags;             /* CLONE_*, the exit signal left out */
	u64 stack;             /* the child's stack pointer; 0: the parent's */
	s32 __user *child_tid; /* CLONE_CHILD_SETTID: the child writes its pid there, in its own
				  memory */
};

/* A child of the current task, which returns 0 from the system call that its parent is in. CLONE_VM
 * lends it the parent's address space, and is possible with CLONE_VFORK only; with CLONE_VFORK the
 * parent sleeps until the child has left the memory that it had at first, by exec or exit. Returns
 * the child's pid, -ENOMEM or -EAGAIN. */
long task_clone(const struct clone_args *args);

#endif
