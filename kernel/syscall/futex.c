/* futex(2), the calls about what happens to futexes when a thread ends, and rseq(2): memory that a
 * thread shares with the kernel. */
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "lib/errno.h"
#include "proc/futex.h"
#include "proc/process.h"
#include "proc/rseq.h"
#include "syscall/syscall.h"
#include "syscall/timespec.h"

/* Operations; Linux's. Those with priority inheritance do not exist. */
enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAKE_OP = 5,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
};

#define FUTEX_PRIVATE_FLAG   128u
#define FUTEX_CLOCK_REALTIME 256u

static long wait(u32 __user *at, enum futex_scope scope, u32 op, u32 value, u64 timeout, u32 bitset)
{
	u32 command = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	u64 deadline_ns = ~0ul;

	if ((op & FUTEX_CLOCK_REALTIME) && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	if (timeout) {
		int error = get_timespec(timeout, &deadline_ns);

		if (error != 0)
			return error;
		/* Relative for FUTEX_WAIT, absolute otherwise. */
		if (command == FUTEX_WAIT &&
		    __builtin_add_overflow(deadline_ns, clock_ns(), &deadline_ns))
			deadline_ns = ~0ul;
	}
	return futex_wait(at, scope, value, deadline_ns, bitset);
}

long sys_futex(u64 user_at, u64 user_op, u64 user_value, u64 timeout, u64 user_at2, u64 user_value3)
{
	u32 __user *at = (u32 __user *)user_at, *at2 = (u32 __user *)user_at2;
	u32 op = user_op, value = user_value, value3 = user_value3;
	u32 command = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	enum futex_scope scope = op & FUTEX_PRIVATE_FLAG ? FUTEX_PRIVATE : FUTEX_SHARED;

	switch (command) {
	case FUTEX_WAIT:
		return wait(at, scope, op, value, timeout, FUTEX_ANY);
	case FUTEX_WAIT_BITSET:
		return wait(at, scope, op, value, timeout, value3);
	default:
		break;
	}
	if (op & FUTEX_CLOCK_REALTIME)
		return -ENOSYS;
	/* Where the others have their second number, these have a timeout. */
	switch (command) {
	case FUTEX_WAKE:
		return futex_wake(at, scope, value, FUTEX_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake(at, scope, value, value3);
	case FUTEX_REQUEUE:
		return futex_requeue(at, at2, scope, value, timeout, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(at, at2, scope, value, timeout, &value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(at, at2, scope, value, timeout, value3);
	default:
		return sys_not_implemented();
	}
}

long sys_set_tid_address(u64 address)
{
	current_proc->clear_child_tid = (s32 __user *)address;
	return current->pid;
}

long sys_set_robust_list(u64 head, u64 size)
{
	if (size != sizeof(struct robust_list_head))
		return -EINVAL;
	current_proc->robust_list = (struct robust_list_head __user *)head;
	return 0;
}

long sys_get_robust_list(u64 tid, u64 head_at, u64 size_at)
{
	u64 head = 0, size = sizeof(struct robust_list_head);
	int error = 0;

	spin_lock(&tasks_lock);
	const struct task *task = (s32)tid == 0 ? current_proc : task_find(tid);
	if (!task)
		error = -ESRCH;
	else if (!cred_may_inspect(task))
		error = -EPERM;
	else
		head = (u64)task->robust_list;
	spin_unlock(&tasks_lock);
	if (error == 0)
		error = copy_to_user((u64 __user *)size_at, &size, sizeof(size));
	if (error == 0)
		error = copy_to_user((u64 __user *)head_at, &head, sizeof(head));
	return error;
}

#define RSEQ_FLAG_UNREGISTER 1u

long sys_rseq(u64 user_area, u64 size, u64 flags, u64 signature)
{
	struct rseq __user *area = (struct rseq __user *)user_area;

	if ((u32)flags == RSEQ_FLAG_UNREGISTER)
		return rseq_unregister(area, size, signature);
	return (u32)flags == 0 ? rseq_register(area, size, signature) : -EINVAL;
}
