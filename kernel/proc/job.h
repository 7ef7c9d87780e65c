/* Job control: process groups that nobody of their session could continue any more. */
#ifndef PROC_JOB_H
#define PROC_JOB_H

#include "proc/process.h"

/* A process ends, or its child got another parent because of that: a group that has become orphaned by
 * it and has stopped members gets SIGHUP and SIGCONT, or it would stay stopped for ever. `parent` is
 * the one whose end or leaving makes the difference. tasks_lock held. */
void job_left_by(struct process *process);
void job_lost_parent(struct process *child, const struct process *parent);

#endif
