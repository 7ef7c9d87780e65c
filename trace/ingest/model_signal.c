/*
 * Signals: none is taken that was not sent, and nobody ends by one that was not sent.
 *
 * How many wait for a task or its group is only known as a limit: ignored ones go, one that waits already is not queued
 * again, and calls take some without telling. Nothing is known of who lived before the first baseline.
 */
#include "trace/ingest/model.h"

#define MAX_SIGNAL    64
#define SIGKILL       9
#define STATUS_SIGNAL 0x7f
#define STATUS_CORE   0x80
#define STATUS_CODE   0xff00

static struct signals *signals_of(const struct model *m, int32_t pid)
{
	return map_find(&m->signals, (uint32_t)pid, 0);
}

static bool is_signal(struct model *m, int32_t sig, int32_t pid)
{
	if (sig >= 1 && sig <= MAX_SIGNAL)
		return true;
	violation(m, fmt("task %d", pid), fmt("a signal up to %d", MAX_SIGNAL), fmt("%d", sig));
	return false;
}

void signals_born(struct model *m, int32_t pid, int32_t tgid)
{
	struct signals *group;

	if (!signals_of(m, pid))
		map_insert(&m->signals, (uint32_t)pid, 0);
	group = signals_of(m, tgid);
	if (group)
		group->nr_threads++;
}

static void remove_pid(struct model *m, int32_t pid)
{
	struct signals *signals = signals_of(m, pid);

	if (signals)
		map_remove(&m->signals, signals);
}

void signals_gone(struct model *m, int32_t pid, int32_t tgid)
{
	struct signals *group = signals_of(m, tgid);

	if (group && group->nr_threads && --group->nr_threads == 0)
		remove_pid(m, tgid);
	if (pid != tgid)
		remove_pid(m, pid);
}

void signals_move(struct model *m, int32_t from_pid, int32_t to_pid)
{
	const struct signals *from = signals_of(m, from_pid);
	struct signals *to = signals_of(m, to_pid);

	if (!from || !to) {
		remove_pid(m, to_pid);
	} else {
		for (uint32_t sig = 1; sig <= MAX_SIGNAL; sig++)
			to->nr_waiting[sig] += from->nr_waiting[sig];
	}
	remove_pid(m, from_pid);
}

void on_signal_generate(struct model *m, const struct trace_ev_signal_generate *e)
{
	const struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	struct signals *signals = signals_of(m, e->pid), *group;

	if (!is_signal(m, e->sig, e->pid))
		return;
	if (signals)
		signals->nr_waiting[e->sig]++;
	group = task ? signals_of(m, task->tgid) : signals;
	if (group)
		group->sent |= UINT64_C(1) << (e->sig - 1);
}

void on_signal_deliver(struct model *m, const struct trace_ev_signal_deliver *e)
{
	const struct task *task = map_find(&m->tasks, (uint32_t)e->pid, 0);
	struct signals *own = signals_of(m, e->pid), *group;

	check_runs_here(m, e->pid);
	if (!task || !is_signal(m, e->sig, e->pid))
		return;
	group = signals_of(m, task->tgid);
	if (!own || !group)
		return;
	if (own->nr_waiting[e->sig])
		own->nr_waiting[e->sig]--;
	else if (group->nr_waiting[e->sig])
		group->nr_waiting[e->sig]--;
	else
		violation(m, fmt("task %d", e->pid), fmt("signal %d sent to it", e->sig),
			  fmt("taken, not sent"));
}

/* Threads are ended by SIGKILL without any being sent when another one execs. */
static bool may_be_cleared(const struct model *m, const struct task *task)
{
	const struct task *other;

	map_for_each (&m->tasks, other)
		if (other != task && other->tgid == task->tgid)
			return true;
	return false;
}

void signals_check_exit(struct model *m, const struct task *task, int32_t status)
{
	const struct signals *group = signals_of(m, task->tgid);
	int32_t sig = status & STATUS_SIGNAL;

	if (status & ~(sig ? STATUS_SIGNAL | STATUS_CORE : STATUS_CODE) || sig > MAX_SIGNAL)
		violation(m, fmt("task %d", (int32_t)task->entry.a), fmt("a wait status"),
			  fmt("0x%x", (uint32_t)status));
	else if (sig && group && !(group->sent >> (sig - 1) & 1) &&
		 !(sig == SIGKILL && may_be_cleared(m, task)))
		violation(m, fmt("task %d", (int32_t)task->entry.a), fmt("ended by what was sent"),
			  fmt("signal %d", sig));
}
