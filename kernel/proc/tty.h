/* What proc needs of terminals, declared below the layer that implements it: fs/tty_job.c. */
#ifndef PROC_TTY_H
#define PROC_TTY_H

#include "proc/process.h"

/* The last thread of a process is about to end. If the process leads a session that has a terminal,
 * that one hangs up: its foreground group is told, and the session has no terminal any more. */
void tty_session_exit(struct process *process);

#endif
