/* Waiting for children: wait4(2) and waitid(2). */
#ifndef PROC_REAP_H
#define PROC_REAP_H

#include "proc/task.h"

/* Options; Linux's. */
#define WNOHANG    1u
#define WUNTRACED  2u /* WSTOPPED */
#define WEXITED    4u
#define WCONTINUED 8u
#define WNOWAIT    0x01000000u
#define WNOTHREAD  0x20000000u
#define WALL       0x40000000u
#define WCLONE     0x80000000u

/* Which children. */
enum wait_which { WAIT_ALL, WAIT_PID, WAIT_PGID };

struct wait_request {
	enum wait_which which;
	s32 id; /* the pid, or the process group */
	u32 options;
};

struct wait_result {
	s32 pid;
	u32 uid;
	s32 wait_status; /* as wait4 tells it */
	s32 code;        /* as waitid does: CLD_*, and the exit code or the signal */
	s32 status;
	struct cpu_time time;       /* of the child and of those it has waited for */
	struct fault_counts faults; /* of the same */
};

/* Waits until a child of that kind has ended, stopped or gone on, as the options ask, and takes note
 * (unless WNOWAIT): who has ended is removed. Returns its pid, 0 when WNOHANG is set and none has,
 * -ECHILD: there is no such child, or -ERESTARTSYS. May sleep. */
long task_wait(const struct wait_request *request, struct wait_result *result);

#endif
