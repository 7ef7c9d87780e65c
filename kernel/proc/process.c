/*
 * Thread groups: see process.h for what is guarded by what.
 */
#include "proc/process.h"
#include "cpu/panic.h"
#include "mm/slab.h"
#include "proc/sched.h"
#include "proc/signal.h"

struct process *process_create(void)
{
	struct process *process = kmalloc(sizeof(*process), GFP_ZERO);

	if (!process)
		return NULL;
	atomic_set(&process->refs, 1);
	list_init(&process->threads);
	list_init(&process->children);
	list_init(&process->sibling);
	wait_queue_init(&process->child_wait);
	signal_init_process(&process->signals);
	timers_init_process(process);
	return process;
}

void process_get(struct process *process)
{
	atomic_inc(&process->refs);
}

void process_put(struct process *process)
{
	if (atomic_dec_return(&process->refs) != 0)
		return;
	signal_flush(&process->signals.pending);
	kfree(process);
}

struct process *process_find(s32 tgid)
{
	const struct task *task = task_find(tgid);

	return task && task->process && task->process->tgid == tgid ? task->process : NULL;
}

bool process_is_zombie(const struct process *process)
{
	return process->leader->state == TASK_ZOMBIE &&
	       process->threads.next == &process->leader->thread_node &&
	       process->threads.prev == &process->leader->thread_node;
}

void process_kill(struct process *process, s32 wait_status)
{
	struct task *task;

	ASSERT(spin_is_held(&process->leader->sighand->lock));
	if (process->group_exit)
		return;
	process->group_status = wait_status;
	WRITE_ONCE(process->group_exit, true);
	for_each_thread (process, task) {
		__atomic_store_n(&task->cur.killed, 1, __ATOMIC_RELEASE);
		sched_wake_killed(task);
	}
}

struct cpu_time process_cpu_time(struct process *process)
{
	struct cpu_time sum = process->ended_time;
	struct task *task;

	ASSERT(spin_is_held(&tasks_lock));
	for_each_thread (process, task)
		cpu_time_add(&sum, sched_cpu_time(task));
	return sum;
}

struct fault_counts process_faults(struct process *process)
{
	struct fault_counts sum = process->ended_faults;
	struct task *task;

	ASSERT(spin_is_held(&tasks_lock));
	for_each_thread (process, task)
		fault_counts_add(&sum, task->cur.faults);
	return sum;
}
