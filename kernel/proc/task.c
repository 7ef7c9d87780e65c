/*
 * Tasks: creation, the list of all, pids, the idle tasks.
 *
 * A pid is never given twice in a session, so that a pid names one task in the trace: the counter
 * just goes up. After PID_MAX_LIMIT creations there are no more tasks.
 *
 * tasks_lock (RANK_TASKS) guards the list, the family links, and cur.mm and cur.comm against
 * readers from other tasks.
 */
#include "proc/task.h"
#include "cpu/clock.h"
#include "cpu/kthread.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/kmap.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "proc/fork.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "trace/trace.h"

DEFINE_SPINLOCK(tasks_lock, RANK_TASKS);
LIST_HEAD(task_list);

static s32 last_pid = INIT_PID; /* tasks_lock; INIT_PID itself is given on request only */
static u32 nr_threads;          /* tasks_lock; in task_list */

u32 max_threads;

static struct task idle_tasks[MAX_CPUS];

/* Linux: stacks of all tasks take an eighth of memory at most. */
#define FRAMES_PER_THREAD (8 * KSTACK_SIZE / PAGE_SIZE)
#define MIN_THREADS       20

static void init_fields(struct task *task, const char *comm, u32 flags)
{
	task->cur.flags = flags;
	strscpy_pad(task->cur.comm, comm, sizeof(task->cur.comm));
	task->state = TASK_RUNNING;
	task->cpus_allowed = ~0ul;
	task->new_slice_ns = TIME_SLICE_NS;
	task->start_ns = clock_ns();
	atomic_set(&task->refs, 2);
	list_init(&task->queue_node);
	list_init(&task->node);
	list_init(&task->thread_node);
	wait_queue_init(&task->vfork_wait);
	signal_init_task(&task->signals);
}

void task_init(void)
{
	struct task *idle = &idle_tasks[cpu_id()];

	if (cpu_id() == 0)
		max_threads = max(nr_managed_frames / FRAMES_PER_THREAD, (u32)MIN_THREADS);
	init_fields(idle, "idle", PF_KTHREAD | PF_IDLE);
	idle->cur.kernel_sp_top = current->kernel_sp_top;
	arch_task_init_fpu(&idle->arch);
	sched_init_cpu(idle);
}

struct task *task_create(const char *comm, u32 flags, void (*entry)(void *), void *arg)
{
	struct task *task = kmalloc(sizeof(*task), GFP_ZERO);

	if (!task)
		return NULL;
	init_fields(task, comm, flags);
	task->cur.kernel_sp_top = kstack_alloc();
	if (!task->cur.kernel_sp_top) {
		kfree(task);
		return NULL;
	}
	arch_task_init(&task->arch, task->cur.kernel_sp_top, entry, arg);
	arch_task_init_fpu(&task->arch);
	return task;
}

static void free_task(struct task *task)
{
	signal_flush(&task->signals.pending);
	cred_release(&task->cred);
	if (task->sighand)
		sighand_put(task->sighand);
	if (task->process)
		process_put(task->process);
	kfree(task);
}

void task_discard(struct task *task)
{
	kstack_free(task->cur.kernel_sp_top);
	free_task(task);
}

/* A thread joins its process; -ERESTARTNOINTR when a signal waits for its creator. tasks_lock held. */
static int join_process(struct task *task, const struct task_birth *birth)
{
	struct process *process = task->process;
	int error = 0;

	if (!process)
		return 0;
	spin_lock(&task->sighand->lock);
	/* Who sends a signal to a process or a group looks for its threads under these locks: one
	 * that was sent before is for the creator, and not missed by what comes after. */
	if (birth->creator && current_has_signal()) {
		error = -ERESTARTNOINTR;
	} else {
		list_add_tail(&task->thread_node, &process->threads);
		atomic_inc(&process->nr_live);
	}
	spin_unlock(&task->sighand->lock);
	return error;
}

/* tasks_lock held. */
static void begin_process(struct process *process, struct task *leader,
			  const struct task_birth *birth)
{
	struct process *creator = birth->creator ? birth->creator->process : NULL;

	process->leader = leader;
	process->signals.unkillable = birth->is_init;
	if (creator)
		memcpy(process->limits, creator->limits, sizeof(process->limits));
	else
		limits_init(process->limits);
	timers_watch_cpu(process); /* RLIMIT_CPU may be inherited; nobody else sees it yet */
	process->tgid = leader->cur.pid;
	process->oom_score_adj = creator ? creator->oom_score_adj : 0;
	process->oom_score_adj_min = creator ? creator->oom_score_adj_min : 0;
	process->pgid = creator ? creator->pgid : process->tgid;
	process->sid = creator ? creator->sid : process->tgid;
	process->tty = creator ? creator->tty : NULL;
	process->parent = birth->clone_flags & CLONE_PARENT ? creator->parent : creator;
	process->parent_pid = process->parent ? process->parent->tgid : 0;
	process->parent_tid = birth->clone_flags & CLONE_PARENT ? creator->parent_tid
			      : creator                         ? birth->creator->cur.pid
								: 0;
	if (process->parent)
		list_add_tail(&process->sibling, &process->parent->children);
}

/* tasks_lock held. */
static void tell_birth(const struct task *task, const struct task_birth *birth)
{
	const struct process *process = task->process;

	TRACE(task_newtask, .clone_flags = birth->clone_flags, .pid = task->cur.pid,
	      .tgid = process ? process->tgid : task->cur.pid,
	      .oom_score_adj = process ? process->oom_score_adj : 0);
	TRACE_TEXT(sched_process_fork, comm, task->cur.comm,
		   .parent_pid = birth->creator ? birth->creator->cur.pid : 0,
		   .child_pid = task->cur.pid, .mm_id = task->cur.mm ? task->cur.mm->id : 0);
}

s32 task_link(struct task *task, const struct task_birth *birth)
{
	int error = 0;

	spin_lock(&tasks_lock);
	if (!birth->is_init && last_pid == PID_MAX_LIMIT - 1)
		error = -EAGAIN;
	if (error == 0)
		error = join_process(task, birth);
	if (error != 0) {
		spin_unlock(&tasks_lock);
		return error;
	}
	s32 pid = birth->is_init ? INIT_PID : ++last_pid;

	task->cur.pid = pid;
	if (birth->creator)
		sched_inherit(task, birth->creator);
	if (task->process && !task->process->leader)
		begin_process(task->process, task, birth);
	if (task->process)
		arch_task_set_process(&task->arch, task->process->tgid);
	if (birth->is_init)
		list_add(&task->node, &task_list);
	else
		list_add_tail(&task->node, &task_list);
	nr_threads++;
	tell_birth(task, birth);
	spin_unlock(&tasks_lock);
	return pid;
}

void task_start(struct task *task)
{
	sched_start(task);
}

void task_unlink(struct task *task)
{
	struct process *process = task->process;

	ASSERT(spin_is_held(&tasks_lock));
	list_del(&task->node);
	nr_threads--;
	if (!process)
		return;
	list_del(&task->thread_node);
	signal_flush(&task->signals.pending);
	if (process->leader == task)
		list_del(&process->sibling);
}

void task_rename(struct task *task, const char *name)
{
	spin_lock(&tasks_lock);
	strscpy_pad(task->cur.comm, name, sizeof(task->cur.comm));
	TRACE_TEXT(task_rename, newcomm, task->cur.comm, .pid = task->cur.pid);
	spin_unlock(&tasks_lock);
}

void task_get(struct task *task)
{
	atomic_inc(&task->refs);
}

void task_put(struct task *task)
{
	if (atomic_dec_return(&task->refs) == 0)
		free_task(task);
}

void task_left_cpu(struct task *task)
{
	kstack_free(task->cur.kernel_sp_top);
	task_put(task);
}

struct task *debug_task_find(s32 pid)
{
	struct task *task;

	list_for_each_entry (task, &task_list, node)
		if (task->cur.pid == pid)
			return task;
	return NULL;
}

struct task *task_find(s32 pid)
{
	ASSERT(spin_is_held(&tasks_lock));
	return debug_task_find(pid);
}

bool task_has_ended(const struct task *task)
{
	return task->state == TASK_ZOMBIE || task->state == TASK_DEAD;
}

s32 task_last_pid(u32 *nr_tasks)
{
	spin_lock(&tasks_lock);
	*nr_tasks = nr_threads;
	s32 pid = last_pid;
	spin_unlock(&tasks_lock);
	return pid;
}

bool task_may_be_made(void)
{
	return READ_ONCE(nr_threads) < READ_ONCE(max_threads);
}

u32 task_nr_blocked(void)
{
	struct task *task;
	u32 nr = 0;

	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node)
		nr += READ_ONCE(task->state) == TASK_UNINTERRUPTIBLE &&
		      !(task->cur.flags & PF_KTHREAD);
	spin_unlock(&tasks_lock);
	return nr;
}

struct file_table *task_set_files(struct task *task, struct file_table *files)
{
	spin_lock(&tasks_lock);
	struct file_table *old = task->files;
	task->files = files;
	spin_unlock(&tasks_lock);
	return old;
}

struct fs *task_set_fs(struct task *task, struct fs *fs)
{
	spin_lock(&tasks_lock);
	struct fs *old = task->fs;
	task->fs = fs;
	spin_unlock(&tasks_lock);
	return old;
}

/* ---- kernel threads ---- */

struct kthread_start {
	void (*fn)(void *arg);
	void *arg;
};

static void kthread_entry(void *arg)
{
	struct kthread_start start = *(struct kthread_start *)arg;

	sched_begin_task();
	kfree(arg);
	start.fn(start.arg);
	panic("kernel thread %s returned", current->comm);
}

int kthread_run(void (*fn)(void *arg), void *arg, const char *name)
{
	struct kthread_start *start = kmalloc(sizeof(*start), GFP_KERNEL);

	if (!start)
		return -ENOMEM;
	*start = (struct kthread_start){.fn = fn, .arg = arg};

	struct task *task = task_create(name, PF_KTHREAD, kthread_entry, start);
	if (!task) {
		kfree(start);
		return -ENOMEM;
	}
	if (task_link(task, &(struct task_birth){0}) < 0) {
		task_discard(task);
		kfree(start);
		return -ENOMEM;
	}
	task_start(task);
	return 0;
}

void kthread_set_fifo_low(void)
{
	spin_lock(&tasks_lock);
	sched_set_fifo_low(current_proc);
	spin_unlock(&tasks_lock);
}

/* ---- baseline ---- */

enum task_state task_visible_state(const struct task *task)
{
	return sched_running_task(task->cpu) == task ? TASK_RUNNING : task->state;
}

u64 task_baseline(void)
{
	struct task *task;
	u64 records = 0;

	list_for_each_entry (task, &task_list, node) {
		TRACE_TEXT(state_task, comm, task->cur.comm, .pid = task->cur.pid,
			   .parent_pid = task->process ? task->process->parent_pid : 0,
			   .mm_id = task->cur.mm ? task->cur.mm->id : 0,
			   .state = task_visible_state(task));
		records++;
		if (task->process && task->process->tgid != task->cur.pid) {
			TRACE(state_thread, .pid = task->cur.pid, .tgid = task->process->tgid);
			records++;
		}
	}
	for_each_cpu (cpu) {
		if (!(cpu_online_mask & BIT(cpu)))
			continue;
		TRACE(state_cpu, .cpu = cpu, .pid = sched_running_task(cpu)->cur.pid);
		records++;
	}
	return records;
}
