/* wait4(2) and waitid(2). */
#include "arch/x86_64/uaccess.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/reap.h"
#include "proc/signal.h"
#include "syscall/rusage.h"
#include "syscall/syscall.h"

#define WAIT_COMMON (WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE)

/* Kinds of waitid; Linux's. */
enum { P_ALL, P_PID, P_PGID, P_PIDFD };

long sys_wait4(u64 user_which, u64 status, u64 options, u64 rusage)
{
	struct wait_request request = {.options = (u32)options | WEXITED};
	struct wait_result result;
	s32 which = user_which;

	if ((u32)options & ~WAIT_COMMON)
		return -EINVAL;
	if (which == INT32_MIN)
		return -ESRCH;
	request.which = which > 0 ? WAIT_PID : which == -1 ? WAIT_ALL : WAIT_PGID;
	request.id = which > 0 ? which : which == 0 ? current_process->pgid : -which;
	long pid = task_wait(&request, &result);
	if (pid <= 0)
		return pid;
	if (status && copy_to_user((s32 __user *)status, &result.wait_status, sizeof(s32)) != 0)
		return -EFAULT;
	if (rusage && put_rusage(rusage, result.time, result.faults) != 0)
		return -EFAULT;
	return pid;
}

static int make_request(u32 kind, s32 id, struct wait_request *request)
{
	switch (kind) {
	case P_ALL:
		request->which = WAIT_ALL;
		return 0;
	case P_PID:
		request->which = WAIT_PID;
		request->id = id;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		request->which = WAIT_PGID;
		request->id = id ? id : current_process->pgid;
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD: /* no descriptor is one of a process */
		return id >= 0 ? -EBADF : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* What waitid writes of a siginfo_t: the words of it that are there, and no others. */
static int put_info(u64 to, const struct wait_result *result)
{
	struct {
		s32 signo, error, code;
	} head = {result->pid ? SIGCHLD : 0, 0, result->code};
	struct {
		s32 pid;
		u32 uid;
		s32 status;
	} child = {result->pid, result->uid, result->status};

	if (copy_to_user((void __user *)to, &head, sizeof(head)) != 0)
		return -EFAULT;
	return copy_to_user((void __user *)(to + 16), &child, sizeof(child));
}

static long wait_as_told(u32 kind, s32 id, u32 options, struct wait_result *result)
{
	struct wait_request request = {.options = options};

	if (options & ~(WAIT_COMMON | WEXITED | WNOWAIT))
		return -EINVAL;
	if (!(options & (WEXITED | WUNTRACED | WCONTINUED)))
		return -EINVAL;
	int error = make_request(kind, id, &request);
	return error != 0 ? error : task_wait(&request, result);
}

long sys_waitid(u64 kind, u64 id, u64 info, u64 options, u64 rusage)
{
	struct wait_result result = {0};
	long answer = wait_as_told(kind, id, options, &result);

	if (answer > 0) {
		answer = 0;
		if (rusage && put_rusage(rusage, result.time, result.faults) != 0)
			return -EFAULT;
	} else {
		result = (struct wait_result){0};
	}
	/* Zeroes when there is nothing to tell, and also beside an error. */
	if (info && put_info(info, &result) != 0)
		return -EFAULT;
	return answer;
}
