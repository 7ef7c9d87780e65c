/*
 * exec: the new address space is built beside the old one, and takes its place when nothing can be
 * refused any more. Only the stack is filled afterwards, by ordinary copies to user memory.
 *
 * The initial stack, from the top down, as the AMD64 ABI (3.4.1) and Linux have it:
 *
 *   8 bytes of zero
 *   path, arguments, environment    texts
 *   "x86_64", 16 random bytes
 *   auxiliary vector, NULL, environment pointers, NULL, argument pointers
 *   argc                            here %rsp points, 16-aligned
 */
#include "proc/exec.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "mm/mmap.h"
#include "mm/zero_page.h"
#include "mm/special.h"
#include "proc/aslr.h"
#include "proc/cred.h"
#include "proc/elf.h"
#include "proc/exec_script.h"
#include "proc/exit.h"
#include "proc/files.h"
#include "proc/futex.h"
#include "proc/random.h"
#include "proc/rseq.h"
#include "proc/signal.h"
#include "trace/trace.h"

/* Linux's auxiliary vector types. */
enum {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

#define FIRST_STACK_SIZE (128 * KIB)
#define RANDOM_SIZE      16

/* Maps a segment: the pages that the file gives a part of, then those that are only zero. */
static int map_segment(struct mm *mm, const struct elf_segment *segment,
		       struct address_space *program)
{
	u64 start = segment->start & PAGE_MASK, end = PAGE_ALIGN(segment->end);
	u64 in_file = segment->file_end - segment->start;
	u64 zero_start = in_file ? PAGE_ALIGN(segment->file_end) : start;

	if (zero_start > start) {
		int error = mm_map_segment(mm, start, zero_start, segment->vm_flags, program,
					   segment->offset >> PAGE_SHIFT);
		if (error != 0)
			return error;
	}
	if (end == zero_start)
		return 0;
	return mm_map_segment(mm, zero_start, end, segment->vm_flags, NULL, 0);
}

/* Where code and data lie, as /proc and setrlimit(RLIMIT_DATA) tell. */
static void note_bounds(struct mm *mm, const struct elf_image *image)
{
	mm->start_code = mm->start_data = ~0ul;
	for (u32 i = 0; i < image->nr_segments; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (segment->vm_flags & VM_EXEC) {
			mm->start_code = min(mm->start_code, segment->start);
			mm->end_code = max(mm->end_code, segment->file_end);
		} else if (segment->vm_flags & VM_WRITE) {
			mm->start_data = min(mm->start_data, segment->start);
			mm->end_data = max(mm->end_data, segment->file_end);
		}
	}
	mm->start_code = min(mm->start_code, mm->end_code);
	mm->start_data = min(mm->start_data, mm->end_data);
}

/* An address space with the program, which it takes over, and an empty stack in it. */
static int build_mm(const struct elf_image *image, struct file *program,
		    const struct exec_layout *layout, u32 stack_size, struct mm **result)
{
	struct mm *mm = mm_create();
	int error = 0;

	if (!mm)
		return -ENOMEM;
	mm->stack_top = layout->stack_top;
	mm->mmap_base = layout->mmap_base;
	for (u32 i = 0; i < image->nr_segments && error == 0; i++)
		error = map_segment(mm, &image->segments[i], program_mapping(program));
	if (error == 0)
		error = mm_map_stack(mm, stack_size);
	if (error == 0)
		error = special_map(mm, layout->vdso);
	if (error != 0) {
		mm_put(mm);
		return error;
	}
	/* Nobody else sees it yet: no mmap_lock. */
	mm->start_brk = PAGE_ALIGN(image->segments[image->nr_segments - 1].end) + layout->brk_gap;
	mm->brk = mm->start_brk;
	note_bounds(mm, image);
	mm->program = program;
	*result = mm;
	return 0;
}

/* Set-user-id and set-group-id bits of the program, and the capabilities that follow. */
static void take_credentials(struct file *program)
{
	u32 mode, owner, group;

	program_owner(program, &mode, &owner, &group);
	cred_exec(mode, owner, group);
}

/* Nobody else shares the descriptors and signal handlers of a new program. -ENOMEM, -EAGAIN. */
static int unshare(struct task *self)
{
	int error = process_become_single();

	if (error == 0 && files_is_shared(self->files)) {
		struct file_table *files = files_fork(self->files);

		if (!files)
			return -ENOMEM;
		files_release(task_set_files(self, files));
	}
	return error != 0 ? error : signal_unshare();
}

static void take_new_mm(struct mm *mm, const char *path)
{
	const char *name = path;

	for (const char *p = path; *p; p++)
		if (*p == '/')
			name = p + 1;
	futex_leave_mm();
	struct mm *old = task_change_mm(mm, name);

	if (old)
		mm_put(old);
}

/* Writes words upwards in user memory; the first failure sticks. */
struct word_writer {
	u64 at;
	int error;
	u32 nr_aux; /* words of the auxiliary vector */
};

static void put_word(struct word_writer *writer, u64 word)
{
	if (writer->error == 0)
		writer->error = copy_to_user((void __user *)writer->at, &word, sizeof(word));
	writer->at += sizeof(word);
}

static void put_aux(struct word_writer *writer, u64 type, u64 value)
{
	current->mm->auxv[writer->nr_aux++] = type;
	current->mm->auxv[writer->nr_aux++] = value;
	put_word(writer, type);
	put_word(writer, value);
}

/* Writes `count` pointers to the texts from `offset` on, and NULL; returns the offset behind them.
 */
static u32 put_pointers(struct word_writer *writer, const struct exec_args *args, u64 texts,
			u32 offset, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		put_word(writer, texts + offset);
		offset = exec_args_next(args, offset);
	}
	put_word(writer, 0);
	return offset;
}

static u32 cpuid_features(void)
{
	u32 eax = 1, ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return edx;
}

struct aux_addresses {
	u64 texts, platform, random;
};

static const char platform[] = "x86_64";

#define NR_AUX 21

static_assert(2 * NR_AUX <= MM_AUXV_WORDS, "mm.h");

static void put_aux_vector(struct word_writer *writer, const struct elf_image *image,
			   const struct aux_addresses *addresses)
{
	put_aux(writer, AT_SYSINFO_EHDR, current->mm->vdso);
	put_aux(writer, AT_MINSIGSTKSZ, signal_frame_max_size());
	put_aux(writer, AT_HWCAP, cpuid_features());
	put_aux(writer, AT_PAGESZ, PAGE_SIZE);
	put_aux(writer, AT_CLKTCK, USER_CLOCK_TICKS);
	put_aux(writer, AT_PHDR, image->phdr);
	put_aux(writer, AT_PHENT, ELF_PHDR_SIZE);
	put_aux(writer, AT_PHNUM, image->nr_phdrs);
	put_aux(writer, AT_BASE, 0);
	put_aux(writer, AT_FLAGS, 0);
	put_aux(writer, AT_ENTRY, image->entry);
	put_aux(writer, AT_UID, cred_uid());
	put_aux(writer, AT_EUID, cred_euid());
	put_aux(writer, AT_GID, cred_gid());
	put_aux(writer, AT_EGID, cred_egid());
	put_aux(writer, AT_SECURE, cred_uid() != cred_euid() || cred_gid() != cred_egid());
	put_aux(writer, AT_RANDOM, addresses->random);
	put_aux(writer, AT_HWCAP2, 0); /* programs may not use RDFSBASE and the like */
	put_aux(writer, AT_EXECFN, addresses->texts);
	put_aux(writer, AT_PLATFORM, addresses->platform);
	put_aux(writer, AT_NULL, 0);
}

/* Words of argc, both arrays of pointers with their ends, and the auxiliary vector. */
static u64 nr_stack_words(const struct exec_args *args)
{
	return 1 + args->argc + 1 + args->envc + 1 + 2 * NR_AUX;
}

static u64 stack_bytes(const struct exec_args *args)
{
	return sizeof(u64) + args->size + sizeof(platform) + RANDOM_SIZE +
	       nr_stack_words(args) * sizeof(u64) + 32;
}

/* Fills the stack of the current task; returns its stack pointer in *sp. 0 or -EFAULT. */
static int fill_stack(const struct exec_args *args, const struct elf_image *image, u64 *sp)
{
	struct aux_addresses addresses;
	u8 random[RANDOM_SIZE];

	addresses.texts = current->mm->stack_top - sizeof(u64) - args->size;
	addresses.platform = addresses.texts - sizeof(platform);
	addresses.random = ALIGN_DOWN(addresses.platform - RANDOM_SIZE, 16ul);
	*sp = ALIGN_DOWN(addresses.random - nr_stack_words(args) * sizeof(u64), 16ul);

	random_bytes(random, sizeof(random));
	if (exec_args_copy_out(args, addresses.texts) != 0 ||
	    copy_to_user((void __user *)addresses.platform, platform, sizeof(platform)) != 0 ||
	    copy_to_user((void __user *)addresses.random, random, sizeof(random)) != 0)
		return -EFAULT;

	struct word_writer writer = {.at = *sp};
	put_word(&writer, args->argc);
	u32 offset = exec_args_next(args, 0); /* behind the path */
	current->mm->arg_start = addresses.texts + offset;
	offset = put_pointers(&writer, args, addresses.texts, offset, args->argc);
	current->mm->arg_end = current->mm->env_start = addresses.texts + offset;
	current->mm->env_end = addresses.texts + args->size;
	put_pointers(&writer, args, addresses.texts, offset, args->envc);
	put_aux_vector(&writer, image, &addresses);
	return writer.error;
}

/* What a writable segment has behind its bytes in the file begins as zeroes, also in the page they share. 0
 * or -EFAULT. */
static int clear_tails(const struct elf_image *image)
{
	int error = 0;

	for (u32 i = 0; i < image->nr_segments && error == 0; i++) {
		const struct elf_segment *segment = &image->segments[i];
		u64 size = PAGE_ALIGN(segment->file_end) - segment->file_end;

		if ((segment->vm_flags & VM_WRITE) && segment->end > segment->file_end)
			error = copy_to_user((void __user *)segment->file_end, page_virt(zero_page),
					     size);
	}
	return error;
}

static void reset_registers(u64 entry, u64 sp)
{
	struct task *self = current_proc;

	frame_init_user(user_frame(self->cur.kernel_sp_top), entry, sp);
	arch_task_init_fpu(&self->arch);
	self->arch.fs_base = 0;
	self->arch.gs_base = 0;
	arch_task_load(&self->arch);
}

/* Once its other threads have ended the old program cannot go on, and the new one cannot begin. Linux sends this, too. */
static void die_between_programs(void)
{
	if (!READ_ONCE(current->killed))
		signal_force_fatal(SIGSEGV);
}

int task_exec(const struct exec_file *file, struct exec_args *args)
{
	struct elf_image *image = kmalloc(sizeof(*image), GFP_KERNEL);
	struct file *program = NULL;
	struct mm *mm;
	u64 sp;

	if (!image)
		return -ENOMEM;
	struct exec_layout layout = aslr_layout(current_proc->personality);
	int error = exec_open(file, args, &program);
	u64 stack_size = max(PAGE_ALIGN(stack_bytes(args)), FIRST_STACK_SIZE);
	if (error == 0)
		error = elf_read(program_mapping(program), layout.pie_base, image);
	if (error == 0)
		error = build_mm(image, program, &layout, stack_size, &mm);
	if (error != 0) {
		if (program)
			program_put(program);
		goto out;
	}
	error = unshare(current_proc);
	if (error != 0) {
		mm_put(mm);
		die_between_programs();
		goto out;
	}
	take_new_mm(mm, file->name);
	take_credentials(program);
	spin_lock(&tasks_lock);
	current_process->exit_signal = SIGCHLD;
	current_process->has_execed = true;
	spin_unlock(&tasks_lock);
	rseq_exec();
	files_exec(current_proc->files);
	signal_exec();
	timers_exec();
	error = clear_tails(image);
	if (error == 0)
		error = fill_stack(args, image, &sp);
	if (error == 0)
		reset_registers(image->entry, sp);
	else
		die_between_programs();
out:
	kfree(image);
	return error;
}
