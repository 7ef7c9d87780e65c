/* Sleeping on a word of user memory until somebody says so: futex(2). */
#ifndef PROC_FUTEX_H
#define PROC_FUTEX_H

#include "lib/types.h"

/* Whose memory a word is. */
enum futex_scope {
	FUTEX_PRIVATE, /* of this address space: its address names it */
	FUTEX_SHARED,  /* perhaps mapped by others too: then its place in the file names it */
};

#define FUTEX_ANY ~0u /* a bitset that meets every other */

/* The bits of a lock word that name a thread. */
#define FUTEX_TID_MASK 0x3fffffffu

/* Sleeps on the word at `at` if it holds `value`, until a wake-up whose bitset meets `bitset`. With a
 * deadline of clock_ns(), or ~0. 0, -EAGAIN: another value, -ETIMEDOUT, -EFAULT, -EINVAL,
 * -ERESTARTSYS or, with a deadline, -ERESTART_RESTARTBLOCK. */
long futex_wait(u32 __user *at, enum futex_scope scope, u32 value, u64 deadline_ns, u32 bitset);

/* Wakes up to `nr` sleepers of the word (at least one) whose bitset meets this one. Returns how many,
 * -EFAULT, -EINVAL. */
long futex_wake(u32 __user *at, enum futex_scope scope, s32 nr, u32 bitset);

/* Wakes up to nr_wake sleepers of the first word, and lets up to nr_requeue more sleep on the second
 * one from now on; with `expected`, only if the first word holds that (else -EAGAIN). Returns how many
 * in all, -EFAULT, -EINVAL. */
long futex_requeue(u32 __user *from, u32 __user *to, enum futex_scope scope, s32 nr_wake,
		   s32 nr_requeue, const u32 *expected);

/* Changes the second word as `op` says (futex(2), FUTEX_WAKE_OP), and wakes up to nr_wake sleepers of
 * the first one and, if the former value of the second compares as `op` says, up to nr_wake2 of the
 * second. Returns how many, -EFAULT, -EINVAL, -ENOSYS: no such operation. */
long futex_wake_op(u32 __user *at, u32 __user *at2, enum futex_scope scope, s32 nr_wake,
		   s32 nr_wake2, u32 op);

/* The head of a thread's list of locks that it may hold; the ABI's. */
struct robust_list_head {
	u64 next, offset, pending;
};

/* The current task is about to leave its memory, by exit or exec: locks on its robust list are marked
 * as those of a dead owner, its clear_child_tid is cleared, and who sleeps on these is woken. */
void futex_leave_mm(void);

#endif
