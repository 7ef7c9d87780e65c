/* Replacing the program of the current task. */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "proc/exec_args.h"

/* Which file to run. */
struct exec_file {
	s32 dirfd; /* execveat(2): where the path begins, and its flags */
	const char *path;
	u32 flags;
	const char
		*name; /* what the program gets to know as its name; the first text of the args */
	bool name_is_lost; /* that name leads nowhere after exec: a script cannot be read by it */
};

/*
 * Runs a program in a new address space; `args` holds its name, the arguments and the environment,
 * and stays the caller's. On success the task's user frame is that of the new program. -ENOENT,
 * -EACCES, -ENOEXEC, -ELOOP, -ETXTBSY, -E2BIG, -ENOMEM, -EAGAIN: nothing has changed but other
 * threads, which may have ended. When memory runs out after the old program is gone, the task is
 * killed, and the return value does not matter. May sleep.
 */
int task_exec(const struct exec_file *file, struct exec_args *args);

#endif
