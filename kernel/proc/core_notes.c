/* The notes of a core file: what Linux's elf_core_dump() writes, in its order and layout. */
#include "arch/x86_64/uaccess.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "proc/coredump.h"
#include "proc/sched.h"
#include "proc/signal.h"

#define NT_PRSTATUS   1
#define NT_PRFPREG    2
#define NT_PRPSINFO   3
#define NT_AUXV       6
#define NT_X86_XSTATE 0x202
#define NT_FILE       0x46494c45
#define NT_SIGINFO    0x53494749

#define FPREGS_SIZE 512

struct timeval {
	s64 seconds, microseconds;
};

/* struct elf_prstatus. */
struct prstatus {
	s32 signo, code, error;
	s16 current_signal, pad;
	u64 pending, held;
	s32 pid, ppid, pgrp, sid;
	struct timeval user_time, system_time, children_user_time, children_system_time;
	u64 registers[NR_USER_REGISTERS];
	s32 fp_valid, pad2;
};

/* struct elf_prpsinfo. */
struct prpsinfo {
	s8 state, state_letter, is_zombie, nice;
	s32 pad;
	u64 flags;
	u32 uid, gid;
	s32 pid, ppid, pgrp, sid;
	char name[16], arguments[80];
};

static_assert(sizeof(struct prstatus) == 336, "ABI");
static_assert(sizeof(struct prpsinfo) == 136, "ABI");

void core_put(struct core_buffer *buffer, const void *from, size_t n)
{
	if (buffer->used + n > buffer->room && !buffer->failed) {
		size_t room = max(2 * buffer->room, ALIGN_UP(buffer->used + n, PAGE_SIZE));
		u8 *data = kmalloc(room, GFP_KERNEL);

		buffer->failed = !data;
		if (data) {
			memcpy(data, buffer->data, buffer->used);
			kfree(buffer->data);
			buffer->data = data;
			buffer->room = room;
		}
	}
	if (buffer->failed)
		return;
	memcpy(buffer->data + buffer->used, from, n);
	buffer->used += n;
}

static void pad(struct core_buffer *notes)
{
	static const u8 zeroes[4];

	core_put(notes, zeroes, -notes->used % sizeof(zeroes));
}

/* What goes before the content, of which there are `size` bytes. */
static void begin_note(struct core_buffer *notes, const char *name, u32 type, size_t size)
{
	struct {
		u32 name_size, size, type;
	} header = {strlen(name) + 1, size, type};

	core_put(notes, &header, sizeof(header));
	core_put(notes, name, header.name_size);
	pad(notes);
}

static void put_note(struct core_buffer *notes, const char *name, u32 type, const void *from,
		     size_t size)
{
	begin_note(notes, name, type, size);
	core_put(notes, from, size);
	pad(notes);
}

/* ---- threads ---- */

static struct timeval timeval(u64 ns)
{
	return (struct timeval){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000};
}

/* The times of the first thread of a process are those of all. */
static void put_status(struct core_buffer *notes, struct task *task, s32 sig,
		       const struct siginfo *info)
{
	struct process *process = task->process;

	spin_lock(&tasks_lock);
	struct cpu_time time =
		task == process->leader ? process_cpu_time(process) : sched_cpu_time(task);
	struct cpu_time children = process->children_time;
	spin_unlock(&tasks_lock);
	struct prstatus status = {
		.signo = info ? info->signo : 0,
		.code = info ? info->code : 0,
		.error = info ? info->error : 0,
		.current_signal = sig,
		.pending = task->signals.pending.set,
		.held = task->signals.blocked,
		.pid = task->cur.pid,
		.ppid = process->parent_pid,
		.pgrp = process->pgid,
		.sid = process->sid,
		.user_time = timeval(time.user_ns),
		.system_time = timeval(time.system_ns),
		.children_user_time = timeval(children.user_ns),
		.children_system_time = timeval(children.system_ns),
		.fp_valid = 1,
	};
	arch_task_registers(&task->arch, user_frame(task->cur.kernel_sp_top), status.registers);
	put_note(notes, "CORE", NT_PRSTATUS, &status, sizeof(status));
}

static void put_fpu(struct core_buffer *notes, struct task *task, struct fpu_state *whole)
{
	u64 size = fpu_whole_state(arch_task_fpu(&task->arch), arch_task_fpu(&current_proc->arch),
				   whole);

	put_note(notes, "CORE", NT_PRFPREG, whole, FPREGS_SIZE);
	if (fpu_has_xsave())
		put_note(notes, "LINUX", NT_X86_XSTATE, whole, size);
}

/* ---- the process ---- */

/* The arguments, with blanks between them, as far as they fit. */
static void copy_arguments(char *to, size_t size)
{
	const struct mm *mm = current->mm;
	size_t n = min(mm->arg_end - mm->arg_start, size - 1);

	if (copy_from_user(to, (const void __user *)mm->arg_start, n) != 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (!to[i])
			to[i] = ' ';
	to[n] = 0;
}

static void put_process(struct core_buffer *notes)
{
	const struct process *process = current_process;
	struct prpsinfo info = {
		.state_letter = 'R',
		.uid = cred_uid(),
		.gid = cred_gid(),
		.pid = process->tgid,
		.ppid = process->parent_pid,
		.pgrp = process->pgid,
		.sid = process->sid,
	};

	memcpy(info.name, current->comm, min(sizeof(info.name), sizeof(current->comm)));
	copy_arguments(info.arguments, sizeof(info.arguments));
	put_note(notes, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

static void put_siginfo(struct core_buffer *notes, const struct siginfo *info)
{
	u8 whole[SIGINFO_SIZE] = {0};

	memcpy(whole, info, sizeof(*info));
	put_note(notes, "CORE", NT_SIGINFO, whole, sizeof(whole));
}

/* Up to AT_NULL and with it. */
static void put_auxv(struct core_buffer *notes)
{
	const u64 *auxv = current->mm->auxv;
	u32 words = 0;

	while (words < MM_AUXV_WORDS - 2 && auxv[words])
		words += 2;
	put_note(notes, "CORE", NT_AUXV, auxv, (words + 2) * sizeof(u64));
}

/* Number of entries, size of a page, an entry for each VMA that has a file: start, end, page of the
 * file; then their names. */
static void put_files(struct core_buffer *notes, const struct core_vmas *vmas)
{
	u64 head[2] = {0, PAGE_SIZE};

	for (u32 i = 0; i < vmas->nr; i++)
		head[0] += vmas->vmas[i].has_file;
	if (head[0] == 0)
		return;
	begin_note(notes, "CORE", NT_FILE,
		   sizeof(head) + head[0] * 3 * sizeof(u64) + vmas->names.used);
	core_put(notes, head, sizeof(head));
	for (u32 i = 0; i < vmas->nr; i++) {
		const struct core_vma *vma = &vmas->vmas[i];
		u64 entry[3] = {vma->start, vma->end, vma->pgoff};

		if (vma->has_file)
			core_put(notes, entry, sizeof(entry));
	}
	core_put(notes, vmas->names.data, vmas->names.used);
	pad(notes);
}

void core_put_notes(struct core_buffer *notes, const struct siginfo *info,
		    const struct core_vmas *vmas)
{
	struct task *self = current_proc, *task;
	struct fpu_state *whole = kmalloc(2 * sizeof(*whole), GFP_KERNEL);
	struct fpu_state *aligned = (struct fpu_state *)ALIGN_UP((u64)whole, FPU_FRAME_ALIGN);

	if (!whole) {
		notes->failed = true;
		return;
	}
	arch_task_save(&self->arch);
	put_status(notes, self, info->signo, info);
	put_process(notes);
	put_siginfo(notes, info);
	put_auxv(notes);
	put_files(notes, vmas);
	put_fpu(notes, self, aligned);
	for (s32 pid = 0; (task = core_next_thread(pid)) != NULL; pid = task->cur.pid) {
		put_status(notes, task, info->signo, info);
		put_fpu(notes, task, aligned);
	}
	kfree(whole);
}
