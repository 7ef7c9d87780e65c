/*
 * Restartable sequences, rseq(2): a thread tells the kernel where an area of its memory is, and the
 * kernel keeps in it the number of the CPU that the thread runs on; and while the area names a
 * critical section, a thread that is interrupted in it goes on at the section's abort address.
 *
 * Whatever may have changed the CPU or interrupts a section sets cur.rseq_work of the thread: losing
 * the CPU (sched.c), birth, registration. A handler of a signal is entered by rseq_signal() instead.
 */
#ifndef PROC_RSEQ_H
#define PROC_RSEQ_H

#include "lib/types.h"

struct task;
struct trap_frame;

/* The area; the ABI's, as of Linux 6.1. */
struct rseq {
	u32 cpu_id_start, cpu_id;
	u64 rseq_cs; /* of user memory: the section that the thread is in, or 0 */
	u32 flags;   /* must be 0 */
	u32 unused[3];
};

/* A critical section: [start_ip, start_ip + post_commit_offset). The four bytes before abort_ip are
 * the signature that the thread registered. */
struct rseq_cs {
	u32 version, flags; /* must be 0 */
	u64 start_ip, post_commit_offset, abort_ip;
};

static_assert(sizeof(struct rseq) == 32 && sizeof(struct rseq_cs) == 32, "ABI");

/* For the current thread: 0, -EINVAL, -EPERM: another signature, -EBUSY: it is registered already, -EFAULT. */
long rseq_register(struct rseq __user *area, u32 size, u32 signature);
long rseq_unregister(struct rseq __user *area, u32 size, u32 signature);

/* A child of the current task has its area, but not in the same memory. */
void rseq_fork(struct task *child, u64 clone_flags);
/* exec: the area is gone. */
void rseq_exec(void);

/* What cur.rseq_work asks for: the last that is done before user mode, as it looks at where the program
 * goes on. May sleep, and send SIGSEGV. */
void rseq_return_to_user(struct trap_frame *frame);

/* The same when a handler is about to be entered by changing the frame. */
void rseq_signal(struct trap_frame *frame, s32 sig);

#endif
