/* Replacing the program of the current task. */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include "proc/exec_args.h"

/*
 * Runs the program `path` in a new address space; `args` holds the path, the arguments and the
 * environment, and stays the caller's. On success the task's user frame is that of the new program.
 * -ENOENT, -EACCES, -ENOEXEC, -E2BIG, -ENOMEM: nothing has changed. When memory runs out after the
 * old program is gone, the task is killed, and the return value does not matter. May sleep.
 */
int task_exec(const char *path, const struct exec_args *args);

#endif
