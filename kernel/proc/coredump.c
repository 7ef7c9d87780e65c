/* Core files: who waits for whom, and where they go. See coredump.h. */
#include "proc/coredump.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/slab.h"
#include "proc/files.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/uts.h"

static DEFINE_SPINLOCK(pattern_lock, RANK_CORE_PATTERN);
static char core_pattern[CORE_PATTERN_SIZE] = "core";
u32 core_uses_pid;

/* ---- threads ---- */

bool coredump_begin(s32 sig)
{
	struct task *self = current_proc, *task;
	struct process *process = self->process;

	if (process->group_exit || !self->cred.dumpable ||
	    limit_soft(process, RLIMIT_CORE) < PAGE_SIZE)
		return false;
	process->group_status = sig;
	WRITE_ONCE(process->group_exit, true);
	WRITE_ONCE(process->dumper, self);
	process->nr_awaited = 0;
	for_each_thread (process, task) {
		if (task == self || (READ_ONCE(task->cur.flags) & PF_EXITING))
			continue;
		process->nr_awaited++;
		__atomic_store_n(&task->cur.killed, 1, __ATOMIC_RELEASE);
		sched_wake_killed(task);
	}
	return true;
}

void coredump_join(void)
{
	struct task *self = current_proc;
	struct process *process = self->process;

	spin_lock(&self->sighand->lock);
	bool has_part = process->dumper && process->dumper != self;
	if (has_part)
		WRITE_ONCE(process->nr_awaited, process->nr_awaited - 1);
	else
		self->cur.flags |= PF_EXITING;
	spin_unlock(&self->sighand->lock);
	if (!has_part)
		return;
	wake_up(&process->child_wait);
	wait_event(&process->child_wait, !READ_ONCE(process->dumper));
	self->cur.flags |= PF_EXITING;
}

void coredump_abort(struct process *process)
{
	struct task *dumper = process->dumper;

	if (!dumper)
		return;
	__atomic_store_n(&dumper->cur.killed, 1, __ATOMIC_RELEASE);
	sched_wake_killed(dumper);
}

static bool has_part(const struct task *task)
{
	return task != current_proc && !(READ_ONCE(task->cur.flags) & PF_EXITING);
}

struct task *core_next_thread(s32 pid)
{
	struct task *task, *found = NULL;

	spin_lock(&tasks_lock);
	for_each_thread (current_process, task)
		if (has_part(task) && task->cur.pid > pid &&
		    (!found || task->cur.pid < found->cur.pid))
			found = task;
	spin_unlock(&tasks_lock);
	return found;
}

/* Until the other threads wait, and their registers are where they were saved. False: killed
 * meanwhile. */
static bool gather_threads(struct process *process)
{
	struct task *task;

	if (wait_event_killable(&process->child_wait, READ_ONCE(process->nr_awaited) == 0) != 0)
		return false;
	for (s32 pid = 0; (task = core_next_thread(pid)) != NULL; pid = task->cur.pid)
		while (!sched_has_left_cpu(task)) {
			cond_resched();
			cpu_relax();
		}
	return true;
}

static void release_threads(struct process *process, bool dumped)
{
	struct task *self = current_proc;

	spin_lock(&self->sighand->lock);
	if (dumped && !READ_ONCE(self->cur.killed))
		process->group_status |= WAIT_STATUS_CORE;
	WRITE_ONCE(process->dumper, NULL);
	spin_unlock(&self->sighand->lock);
	wake_up(&process->child_wait);
}

/* ---- the name ---- */

void coredump_get_pattern(char pattern[CORE_PATTERN_SIZE])
{
	spin_lock(&pattern_lock);
	memcpy(pattern, core_pattern, CORE_PATTERN_SIZE);
	spin_unlock(&pattern_lock);
}

int coredump_set_pattern(const char *pattern)
{
	if (pattern[0] == '|')
		return -EINVAL;
	spin_lock(&pattern_lock);
	strscpy_pad(core_pattern, pattern, CORE_PATTERN_SIZE);
	spin_unlock(&pattern_lock);
	return 0;
}

struct name {
	char *text; /* CORE_NAME_SIZE */
	u32 used;
	bool has_pid;
};

#define CORE_NAME_SIZE 256

static void put_text(struct name *name, const char *text)
{
	if (name->used < CORE_NAME_SIZE)
		name->used +=
			snprintf(name->text + name->used, CORE_NAME_SIZE - name->used, "%s", text);
}

static void put_number(struct name *name, u64 number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", number);
	put_text(name, text);
}

/* A name that anybody may set is no path: a `/` in it becomes `!`. */
static void put_escaped(struct name *name, char *text)
{
	for (u32 i = 0; text[i]; i++)
		if (text[i] == '/')
			text[i] = '!';
	put_text(name, text);
}

static void put_comm(struct name *name)
{
	char text[TASK_COMM_LEN];

	strscpy_pad(text, current->comm, sizeof(text));
	put_escaped(name, text);
}

static void put_hostname(struct name *name)
{
	char text[UTS_NAME_LEN + 1];

	uts_get(UTS_NODENAME, text);
	put_escaped(name, text);
}

/* What `%` and a letter stand for; others vanish. */
static void put_specifier(struct name *name, char letter, s32 sig)
{
	switch (letter) {
	case '%':
		put_text(name, "%");
		break;
	case 'p':
	case 'P':
		put_number(name, current_process->tgid);
		name->has_pid = true;
		break;
	case 'i':
	case 'I':
		put_number(name, current->pid);
		break;
	case 'u':
		put_number(name, cred_uid());
		break;
	case 'g':
		put_number(name, cred_gid());
		break;
	case 's':
		put_number(name, sig);
		break;
	case 'h':
		put_hostname(name);
		break;
	case 'e':
		put_comm(name);
		break;
	case 'c':
		put_number(name, limit_soft(current_process, RLIMIT_CORE));
		break;
	}
}

static void make_name(struct name *name, s32 sig)
{
	char pattern[CORE_PATTERN_SIZE];

	coredump_get_pattern(pattern);
	for (const char *at = pattern; *at; at++) {
		if (*at != '%') {
			put_text(name, (char[]){*at, 0});
		} else {
			if (!*++at)
				break;
			put_specifier(name, *at, sig);
		}
	}
	if (!name->has_pid && READ_ONCE(core_uses_pid)) {
		put_text(name, ".");
		put_number(name, current_process->tgid);
	}
}

/* ---- the dump ---- */

/* Whether a file was made; it may be cut short. */
static bool write_file(const struct siginfo *info)
{
	struct name name = {.text = kmalloc(CORE_NAME_SIZE, GFP_ZERO)};
	struct core_file core = {.limit = limit_soft(current_process, RLIMIT_CORE)};

	if (!name.text)
		return false;
	make_name(&name, info->signo);
	int error = core_file_open(name.text, &core.file);
	kfree(name.text);
	if (error != 0)
		return false;
	bool dumped = core_write_elf(&core, info);
	core_file_close(core.file);
	return dumped;
}

void coredump_write(const struct siginfo *info)
{
	struct process *process = current_process;
	bool dumped = gather_threads(process) && write_file(info);

	release_threads(process, dumped);
}
