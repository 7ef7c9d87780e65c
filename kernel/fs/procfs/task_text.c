/* Files that tell of one process or thread: formats of Linux 6.1. */
#include "arch/x86_64/context.h"
#include "cpu/clock.h"
#include "cpu/symbols.h"
#include "fs/console.h"
#include "fs/fdtable.h"
#include "fs/fs.h"
#include "fs/procfs/memory_use.h"
#include "fs/procfs/nodes.h"
#include "fs/procfs/task.h"
#include "fs/tty.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/remote.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vma.h"
#include "proc/cred.h"
#include "proc/files.h"
#include "proc/limits.h"
#include "proc/sched.h"

#define NSEC_PER_TICK (NSEC_PER_SEC / USER_CLOCK_TICKS)
#define NICE_TO_PRIO  20

/* A task as it was at one moment. */
struct view {
	s32 pid, tgid, ppid, pgid, sid, foreground;
	u64 tty; /* device number, or 0 */
	char state;
	char comm[TASK_COMM_LEN];
	u32 flags, nr_threads, cpu;
	struct cpu_time time, children_time;
	struct fault_counts faults, children_faults;
	u64 pending, shared_pending, blocked, ignored, caught;
	s32 exit_code;
	bool sleeps; /* as far as the reader may know */
	struct cred cred;
	struct sched_params sched;
};

static const char *state_name(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'I':
		return "I (idle)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "X (dead)";
	}
}

static char state_letter(const struct task *task)
{
	switch (READ_ONCE(task->state)) {
	case TASK_RUNNING:
		return 'R';
	case TASK_INTERRUPTIBLE:
		return 'S';
	case TASK_UNINTERRUPTIBLE:
		/* A thread of the kernel waits for work: that is not load. */
		return task->cur.flags & PF_KTHREAD ? 'I' : 'D';
	case TASK_KILLABLE:
		return 'D';
	case TASK_STOPPED:
		return 'T';
	case TASK_ZOMBIE:
		return 'Z';
	default:
		return 'X';
	}
}

/* tasks_lock held. */
static void view_process(struct view *view, struct task *task)
{
	struct process *process = task->process;
	struct task *thread;

	view->tgid = process->tgid;
	view->ppid = process->parent_pid;
	view->pgid = process->pgid;
	view->sid = process->sid;
	view->foreground = -1;
	if (process->tty) {
		view->tty = encode_dev(CONSOLE_DEV);
		view->foreground = process->tty->pgid;
	}
	for_each_thread (process, thread)
		view->nr_threads++;
	view->time = process_cpu_time(process);
	view->faults = process_faults(process);
	view->children_time = process->children_time;
	view->children_faults = process->children_faults;
	if (process_is_zombie(process))
		view->exit_code = process_wait_status(process);
	view->shared_pending = process->signals.pending.set;
}

static void view_signals(struct view *view, struct task *task)
{
	struct sighand *sighand = task->sighand;

	spin_lock(&sighand->lock);
	view->pending = task->signals.pending.set;
	view->blocked = task->signals.blocked;
	for (u32 i = 0; i < NR_SIGNALS; i++) {
		if (sighand->actions[i].handler == 1)
			view->ignored |= BIT(i);
		else if (sighand->actions[i].handler != 0)
			view->caught |= BIT(i);
	}
	spin_unlock(&sighand->lock);
}

/* -ESRCH when it is gone. */
static int get_view(struct view *view, const struct proc_inode *proc)
{
	struct task *task = proc->task;

	*view = (struct view){.pid = task->cur.pid, .cpu = task->cpu};
	spin_lock(&tasks_lock);
	if (proc_task_is_gone(task)) {
		spin_unlock(&tasks_lock);
		return -ESRCH;
	}
	memcpy(view->comm, task->cur.comm, sizeof(view->comm));
	view->sched = task->sched;
	view->state = state_letter(task);
	view->sleeps = view->state != 'R' && cred_may_inspect(task);
	if (task->cur.flags & PF_KTHREAD)
		view->flags = 0x00200000;
	if (task->process) {
		view->cred = task->cred;
		view->cred.groups = NULL;
		view_process(view, task);
		if (task->sighand)
			view_signals(view, task);
	} else {
		view->tgid = view->pid;
		view->nr_threads = 1;
		view->time = sched_cpu_time(task);
	}
	spin_unlock(&tasks_lock);
	return 0;
}

/* ---- stat, statm ---- */

static u64 ticks(u64 ns)
{
	return ns / NSEC_PER_TICK;
}

/* The numbers of an address space; zeroes without one. */
struct mm_numbers {
	u64 vsize, rss, start_code, end_code, stack_top, start_data, end_data, start_brk;
	u64 arg_start, arg_end, env_start, env_end;
};

static void get_mm_numbers(struct task *task, struct mm_numbers *numbers)
{
	struct mm *mm = proc_get_mm(task);

	*numbers = (struct mm_numbers){0};
	if (!mm)
		return;
	numbers->vsize = READ_ONCE(mm->total_vm) * PAGE_SIZE;
	numbers->rss = atomic_read(&mm->nr_resident);
	numbers->stack_top = mm->stack_top;
	numbers->start_code = mm->start_code;
	numbers->end_code = mm->end_code;
	numbers->start_data = mm->start_data;
	numbers->end_data = mm->end_data;
	numbers->start_brk = mm->start_brk;
	numbers->arg_start = mm->arg_start;
	numbers->arg_end = mm->arg_end;
	numbers->env_start = mm->env_start;
	numbers->env_end = mm->env_end;
	mm_put(mm);
}

/* As Linux numbers them: real-time ones from -2 down, the others from 0. */
static s32 stat_priority(const struct sched_params *params)
{
	return sched_is_rt(params) ? -1 - params->rt_priority : NICE_TO_PRIO + params->nice;
}

int proc_show_task_stat(struct text *text, const struct proc_inode *proc)
{
	struct mm_numbers mm;
	struct view view;
	int error = get_view(&view, proc);

	if (error != 0)
		return error;
	get_mm_numbers(proc->task, &mm);
	text_printf(text, "%d (%s) %c %d %d %d %lu %d %u %lu %lu %lu %lu ", view.pid, view.comm,
		    view.state, view.ppid, view.pgid, view.sid, view.tty, view.foreground,
		    view.flags, view.faults.minor, view.children_faults.minor, view.faults.major,
		    view.children_faults.major);
	text_printf(text, "%lu %lu %ld %ld %d %d %u 0 %lu ", ticks(view.time.user_ns),
		    ticks(view.time.system_ns), ticks(view.children_time.user_ns),
		    ticks(view.children_time.system_ns), stat_priority(&view.sched),
		    view.sched.nice, view.nr_threads, ticks(proc->task->start_ns));
	text_printf(text, "%lu %lu %lu %lu %lu %lu 0 0 ", mm.vsize, mm.rss,
		    proc->task->process ? limit_soft(proc->task->process, RLIMIT_RSS) : ~0ul,
		    mm.start_code, mm.end_code, mm.stack_top);
	text_printf(text, "%lu %lu %lu %lu %u 0 0 17 %u %u %u 0 0 0 ", view.pending & INT32_MAX,
		    view.blocked & INT32_MAX, view.ignored & INT32_MAX, view.caught & INT32_MAX,
		    view.sleeps, view.cpu, view.sched.rt_priority, view.sched.policy);
	text_printf(text, "%lu %lu %lu %lu %lu %lu %lu %d\n", mm.start_data, mm.end_data,
		    mm.start_brk, mm.arg_start, mm.arg_end, mm.env_start, mm.env_end,
		    view.exit_code);
	return 0;
}

int proc_show_task_statm(struct text *text, const struct proc_inode *proc)
{
	struct mm *mm = proc_get_mm(proc->task);
	struct memory_use use;

	if (!mm) {
		text_puts(text, "0 0 0 0 0 0 0\n");
		return 0;
	}
	memory_use_of_mm(mm, &use);
	text_printf(text, "%lu %lu %lu %lu 0 %lu 0\n", mm->total_vm,
		    use.anon + use.file + use.shmem, use.file + use.shmem,
		    (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) / PAGE_SIZE,
		    mm->data_vm + mm->stack_vm);
	mm_put(mm);
	return 0;
}

/* ---- status ---- */

static void put_kib(struct text *text, const char *label, u64 pages)
{
	text_printf(text, "%s\t%8lu kB\n", label, pages * (PAGE_SIZE / KIB));
}

static void put_mm_status(struct text *text, struct mm *mm)
{
	u64 code = (PAGE_ALIGN(mm->end_code) - (mm->start_code & PAGE_MASK)) / PAGE_SIZE;
	struct memory_use use;

	memory_use_of_mm(mm, &use);
	u64 rss = use.anon + use.file + use.shmem;
	put_kib(text, "VmPeak:", mm->max_total_vm);
	put_kib(text, "VmSize:", mm->total_vm);
	put_kib(text, "VmLck:", mm->locked_vm);
	put_kib(text, "VmPin:", 0);
	put_kib(text, "VmHWM:", max((u64)mm_max_resident(mm), rss));
	put_kib(text, "VmRSS:", rss);
	put_kib(text, "RssAnon:", use.anon);
	put_kib(text, "RssFile:", use.file);
	put_kib(text, "RssShmem:", use.shmem);
	put_kib(text, "VmData:", mm->data_vm);
	put_kib(text, "VmStk:", mm->stack_vm);
	put_kib(text, "VmExe:", code);
	put_kib(text, "VmLib:", mm->exec_vm > code ? mm->exec_vm - code : 0);
	put_kib(text, "VmPTE:", atomic_read(&mm->nr_pgtables));
	put_kib(text, "VmSwap:", atomic_read(&mm->nr_swapped));
	put_kib(text, "HugetlbPages:", 0);
	text_puts(text, "CoreDumping:\t0\nTHP_enabled:\t1\n");
}

static void put_groups(struct text *text, struct task *task)
{
	struct groups *groups;

	spin_lock(&tasks_lock);
	groups = task->cred.groups;
	for (u32 i = 0; groups && i < groups->nr; i++)
		text_printf(text, "%u ", groups->gids[i]);
	spin_unlock(&tasks_lock);
	text_puts(text, " \n");
}

static void put_ids(struct text *text, const struct view *view, struct task *task)
{
	struct file_table *files = proc_get_files(task);

	const struct cred *cred = &view->cred;

	text_printf(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", cred->uid, cred->euid,
		    cred->suid, cred->fsuid, cred->gid, cred->egid, cred->sgid, cred->fsgid);
	text_printf(text, "FDSize:\t%u\nGroups:\t", files ? files_capacity(files) : 0);
	put_groups(text, task);
	text_printf(text, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", view->tgid,
		    view->pid, view->pgid, view->sid);
	if (files)
		files_release(files);
}

static void put_signals(struct text *text, const struct view *view)
{
	text_printf(text, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\nSigIgn:\t%016lx\n",
		    view->pending, view->shared_pending, view->blocked, view->ignored);
	text_printf(text, "SigCgt:\t%016lx\n", view->caught);
	text_printf(text, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n",
		    view->cred.inheritable, view->cred.permitted, view->cred.effective,
		    view->cred.bounding);
	text_printf(text, "CapAmb:\t%016lx\nNoNewPrivs:\t%u\n", view->cred.ambient,
		    view->cred.no_new_privs);
}

static void put_cpus(struct text *text, u64 cpus)
{
	text_puts(text, "Cpus_allowed:\t");
	for (u32 digit = (nr_cpus + 3) / 4; digit-- > 0;)
		text_printf(text, digit == 8 ? "%lx," : "%lx", cpus >> digit * 4 & 15);
	text_puts(text, "\nCpus_allowed_list:\t");
	text_put_list(text, cpus);
	text_puts(text, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_show_task_status(struct text *text, const struct proc_inode *proc)
{
	struct view view;
	int error = get_view(&view, proc);

	if (error != 0)
		return error;
	struct fs *fs = proc_get_fs(proc->task);
	struct mm *mm = proc_get_mm(proc->task);

	text_puts(text, "Name:\t");
	text_put_escaped(text, view.comm, "\n\\");
	text_puts(text, "\n");
	if (fs)
		text_printf(text, "Umask:\t0%u%u%u\n", fs->umask >> 6 & 7, fs->umask >> 3 & 7,
			    fs->umask & 7);
	text_printf(text, "State:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		    state_name(view.state), view.tgid, view.pid, view.ppid);
	put_ids(text, &view, proc->task);
	if (mm)
		put_mm_status(text, mm);
	text_printf(text, "Threads:\t%u\n", view.nr_threads);
	put_signals(text, &view);
	text_puts(text, "Seccomp:\t0\nSeccomp_filters:\t0\n");
	put_cpus(text, sched_affinity(proc->task));
	text_printf(text, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    READ_ONCE(proc->task->cur.faults.voluntary),
		    READ_ONCE(proc->task->cur.faults.involuntary));
	if (fs)
		fs_release(fs);
	if (mm)
		mm_put(mm);
	return 0;
}

/* ---- comm, cmdline, environ, the rest ---- */

int proc_show_task_comm(struct text *text, const struct proc_inode *proc)
{
	char comm[TASK_COMM_LEN];

	spin_lock(&tasks_lock);
	memcpy(comm, proc->task->cur.comm, sizeof(comm));
	spin_unlock(&tasks_lock);
	text_printf(text, "%s\n", comm);
	return 0;
}

int proc_write_comm(const struct proc_inode *proc, char *data)
{
	if (!proc->task->process || proc->task->process != current_process)
		return -EINVAL;
	task_rename(proc->task, data);
	return 0;
}

/* Memory of the process between two addresses that it may have changed. */
static int show_memory(struct text *text, struct mm *mm, u64 start, u64 end)
{
	char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	while (start < end) {
		size_t part = min(end - start, PAGE_SIZE);
		long done = mm_read_remote(mm, start, page, part);

		if (done <= 0)
			break;
		text_put(text, page, done);
		start += done;
	}
	kfree(page);
	return 0;
}

int proc_show_task_cmdline(struct text *text, const struct proc_inode *proc)
{
	struct mm *mm = proc_get_mm(proc->task);

	if (!mm)
		return 0;
	int error = show_memory(text, mm, mm->arg_start, mm->arg_end);
	mm_put(mm);
	return error;
}

int proc_show_task_environ(struct text *text, const struct proc_inode *proc)
{
	struct mm *mm = proc_get_mm(proc->task);

	if (!mm)
		return 0;
	int error = show_memory(text, mm, mm->env_start, mm->env_end);
	mm_put(mm);
	return error;
}

/* The function of the kernel in which it sleeps, for who may look into it. */
int proc_show_task_wchan(struct text *text, const struct proc_inode *proc)
{
	const char *name = NULL;
	u64 address = 0, offset, size;

	spin_lock(&tasks_lock);
	if (!proc_task_is_gone(proc->task) && cred_may_inspect(proc->task))
		address = sched_wchan(proc->task);
	spin_unlock(&tasks_lock);
	if (address != 0)
		name = symbol_find(address - 1, &offset, &size);
	text_puts(text, name ? name : "0");
	return 0;
}

int proc_show_task_oom_score(struct text *text, const struct proc_inode *proc)
{
	struct process *process = proc->task->process;

	text_printf(text, "%u\n", process ? process_oom_score(process) : 0);
	return 0;
}

int proc_show_task_oom_score_adj(struct text *text, const struct proc_inode *proc)
{
	const struct process *process = proc->task->process;

	text_printf(text, "%d\n", process ? READ_ONCE(process->oom_score_adj) : 0);
	return 0;
}

int proc_show_task_oom_adj(struct text *text, const struct proc_inode *proc)
{
	const struct process *process = proc->task->process;

	text_printf(text, "%d\n", process ? process_oom_adj(process) : 0);
	return 0;
}

/* A number with a sign. */
static int parse_s32(const char *data, s32 *number)
{
	bool negative = *data == '-';
	u64 value;
	int error = proc_parse_u64(data + negative, &value);

	if (error != 0 || value > INT32_MAX)
		return -EINVAL;
	*number = negative ? -(s32)value : (s32)value;
	return 0;
}

int proc_write_oom_score_adj(const struct proc_inode *proc, char *data)
{
	s32 number;
	int error = parse_s32(data, &number);

	if (error == 0 && !proc->task->process)
		error = -EINVAL;
	return error != 0 ? error : process_set_oom_score_adj(proc->task->process, number);
}

int proc_write_oom_adj(const struct proc_inode *proc, char *data)
{
	s32 number;
	int error = parse_s32(data, &number);

	if (error == 0 && !proc->task->process)
		error = -EINVAL;
	return error != 0 ? error : process_set_oom_adj(proc->task->process, number);
}

/* ---- limits ---- */

static const struct {
	const char *name, *unit;
} limit_names[NR_RLIMITS] = {
	[RLIMIT_CPU] = {"Max cpu time", "seconds"},
	[RLIMIT_FSIZE] = {"Max file size", "bytes"},
	[RLIMIT_DATA] = {"Max data size", "bytes"},
	[RLIMIT_STACK] = {"Max stack size", "bytes"},
	[RLIMIT_CORE] = {"Max core file size", "bytes"},
	[RLIMIT_RSS] = {"Max resident set", "bytes"},
	[RLIMIT_NPROC] = {"Max processes", "processes"},
	[RLIMIT_NOFILE] = {"Max open files", "files"},
	[RLIMIT_MEMLOCK] = {"Max locked memory", "bytes"},
	[RLIMIT_AS] = {"Max address space", "bytes"},
	[RLIMIT_LOCKS] = {"Max file locks", "locks"},
	[RLIMIT_SIGPENDING] = {"Max pending signals", "signals"},
	[RLIMIT_MSGQUEUE] = {"Max msgqueue size", "bytes"},
	[RLIMIT_NICE] = {"Max nice priority", NULL},
	[RLIMIT_RTPRIO] = {"Max realtime priority", NULL},
	[RLIMIT_RTTIME] = {"Max realtime timeout", "us"},
};

static void put_limit(struct text *text, u64 limit, size_t start, size_t end)
{
	if (limit == RLIM_INFINITY)
		text_puts(text, "unlimited");
	else
		text_printf(text, "%lu", limit);
	text_pad(text, start, end);
}

int proc_show_task_limits(struct text *text, const struct proc_inode *proc)
{
	const struct process *process = proc->task->process;

	if (!process)
		return -ESRCH;
	text_puts(text, "Limit                     Soft Limit           Hard Limit           "
			"Units     \n");
	for (u32 i = 0; i < NR_RLIMITS; i++) {
		size_t start = text->used;

		text_puts(text, limit_names[i].name);
		text_pad(text, start, 26);
		put_limit(text, limit_soft(process, i), start, 47);
		put_limit(text, limit_hard(process, i), start, 68);
		if (limit_names[i].unit) {
			text_puts(text, limit_names[i].unit);
			text_pad(text, start, 78);
		}
		text_puts(text, "\n");
	}
	return 0;
}
