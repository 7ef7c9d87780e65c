/*
 * What a parent hears of its children. Each child is looked at for what the options ask: its end,
 * that it has stopped, that it was continued. A child can still tell one of them unless it has ended
 * and its end is not asked for; when no child can, there is nothing to wait for.
 */
#include "proc/reap.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"

#define STATUS_STOPPED   0x7f
#define STATUS_CONTINUED 0xffff

/* Whether the caller waits for this child. A child with another exit signal than SIGCHLD is one of
 * clone, and waited for by WCLONE only. tasks_lock held. */
static bool is_waited_for(const struct process *child, const struct wait_request *request)
{
	if (request->which == WAIT_PID && child->tgid != request->id)
		return false;
	if (request->which == WAIT_PGID && child->pgid != request->id)
		return false;
	if ((request->options & WNOTHREAD) && child->parent_tid != current->pid)
		return false;
	if (request->options & WALL)
		return true;
	return (child->exit_signal != SIGCHLD) == !!(request->options & WCLONE);
}

static void tell(struct process *child, struct wait_result *result)
{
	result->pid = child->tgid;
	result->uid = child->leader->cred.uid;
	result->time = process_cpu_time(child);
	cpu_time_add(&result->time, child->children_time);
	result->faults = process_faults(child);
	fault_counts_add(&result->faults, child->children_faults);
}

/* tasks_lock held; the reference of the list to the leader passes to the caller, unless WNOWAIT. */
static struct task *take_ended(struct process *child, u32 options, struct wait_result *result)
{
	struct process *self = current_process;
	struct task *leader = child->leader;
	s32 status = process_wait_status(child), signal = status & 0x7f;

	tell(child, result);
	result->wait_status = status;
	result->code = process_end_code(status);
	result->status = signal ? signal : status >> 8 & 0xff;
	if (options & WNOWAIT)
		return NULL;
	cpu_time_add(&self->children_time, result->time);
	fault_counts_add(&self->children_faults, result->faults);
	spin_lock(&leader->sighand->lock);
	task_unlink(leader);
	spin_unlock(&leader->sighand->lock);
	return leader;
}

/* Whether the child has stopped, or was continued, and that was asked for and not told yet.
 * tasks_lock held. */
static bool take_change(struct process *child, u32 options, struct wait_result *result)
{
	struct process_signals *signals = &child->signals;
	spinlock_t *lock = &child->leader->sighand->lock;
	bool found = true;

	spin_lock(lock);
	if ((options & WUNTRACED) && signals->stopped_by) {
		result->code = CLD_STOPPED;
		result->status = signals->stopped_by;
		result->wait_status = signals->stopped_by << 8 | STATUS_STOPPED;
		if (!(options & WNOWAIT))
			signals->stopped_by = 0;
	} else if ((options & WCONTINUED) && signals->continued) {
		result->code = CLD_CONTINUED;
		result->status = SIGCONT;
		result->wait_status = STATUS_CONTINUED;
		if (!(options & WNOWAIT))
			signals->continued = false;
	} else {
		found = false;
	}
	spin_unlock(lock);
	if (found)
		tell(child, result);
	return found;
}

/* Looks once: a pid, 0 when there are only children that may tell something later, or -ECHILD. */
static long try_wait(const struct wait_request *request, struct wait_result *result)
{
	struct process *self = current_process, *child;
	struct task *ended = NULL;
	long answer = -ECHILD;

	spin_lock(&tasks_lock);
	list_for_each_entry (child, &self->children, sibling) {
		if (!is_waited_for(child, request))
			continue;
		if (process_is_zombie(child)) {
			if (!(request->options & WEXITED))
				continue;
			answer = child->tgid;
			ended = take_ended(child, request->options, result);
			break;
		}
		answer = 0;
		if (take_change(child, request->options, result)) {
			answer = child->tgid;
			break;
		}
	}
	spin_unlock(&tasks_lock);
	if (ended)
		task_put(ended);
	return answer;
}

long task_wait(const struct wait_request *request, struct wait_result *result)
{
	long answer;

	if (request->options & WNOHANG)
		return try_wait(request, result);
	int interrupted = wait_event_interruptible(&current_process->child_wait,
						   (answer = try_wait(request, result)) != 0);
	return interrupted != 0 ? interrupted : answer;
}
