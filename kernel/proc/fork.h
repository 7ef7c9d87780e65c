/* Making processes and threads. */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include "proc/task.h"

/* Flags of clone(2) and clone3(2); Linux's. */
#define CLONE_EXIT_SIGNAL    0x000000fful
#define CLONE_VM             0x00000100ul
#define CLONE_FS             0x00000200ul
#define CLONE_FILES          0x00000400ul
#define CLONE_SIGHAND        0x00000800ul
#define CLONE_PIDFD          0x00001000ul
#define CLONE_PTRACE         0x00002000ul
#define CLONE_VFORK          0x00004000ul
#define CLONE_PARENT         0x00008000ul
#define CLONE_THREAD         0x00010000ul
#define CLONE_NEWNS          0x00020000ul
#define CLONE_SYSVSEM        0x00040000ul
#define CLONE_SETTLS         0x00080000ul
#define CLONE_PARENT_SETTID  0x00100000ul
#define CLONE_CHILD_CLEARTID 0x00200000ul
#define CLONE_DETACHED       0x00400000ul
#define CLONE_UNTRACED       0x00800000ul
#define CLONE_CHILD_SETTID   0x01000000ul
#define CLONE_NEWCGROUP      0x02000000ul
#define CLONE_NEWUTS         0x04000000ul
#define CLONE_NEWIPC         0x08000000ul
#define CLONE_NEWUSER        0x10000000ul
#define CLONE_NEWPID         0x20000000ul
#define CLONE_NEWNET         0x40000000ul
#define CLONE_IO             0x80000000ul
#define CLONE_CLEAR_SIGHAND  0x100000000ul
#define CLONE_INTO_CGROUP    0x200000000ul

struct clone_args {
	u64 flags;       /* CLONE_*, the exit signal left out */
	u64 stack;       /* the child's stack pointer; 0: the parent's */
	u64 tls;         /* CLONE_SETTLS: base of %fs */
	s32 exit_signal; /* to the parent at the end; 0: none. Not looked at for threads */
	s32 __user
		*parent_tid;   /* CLONE_PARENT_SETTID: gets the child's pid before the child runs */
	s32 __user *child_tid; /* CLONE_CHILD_SETTID: the child writes its pid there, in its own
				   memory. CLONE_CHILD_CLEARTID: it writes 0 when it leaves that */
};

/* Linux's rules for flags that do not go together: 0 or -EINVAL. */
int clone_check_flags(u64 flags);

/*
 * A task made by the current one, which returns 0 from the system call that its creator is in. With
 * CLONE_VFORK the creator sleeps until the child has left the memory that it had at first, by exec or
 * exit. `flags` are checked. Returns the child's pid, -EPERM: not a base for %fs, -ENOMEM, -EAGAIN, -ERESTARTNOINTR: a signal comes first. May sleep.
 */
long task_clone(const struct clone_args *args);

#endif
