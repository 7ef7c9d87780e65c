/*
 * The content of a core file: an ELF header, a program header for the notes and one for each VMA, the
 * notes, and from the next page on the memory, in the order of addresses. Which part of a VMA is there
 * is decided as by Linux with its default filter (core(5)): what is private and was written to, what
 * is shared and has no file with a name, the vDSO, and of other files the page with an ELF header.
 */
#include "arch/x86_64/uaccess.h"
#include "mm/mm.h"
#include "mm/remote.h"
#include "mm/slab.h"
#include "mm/vma.h"
#include "proc/coredump.h"
#include "proc/elf.h"
#include "proc/files.h"

bool core_emit(struct core_file *core, const void *from, size_t n)
{
	if (n > core->limit - core->written || READ_ONCE(current->killed) ||
	    core->pos + n > limit_soft(current_process, RLIMIT_FSIZE))
		return false;
	if (core_file_write(core->file, from, n, &core->pos) != (long)n)
		return false;
	core->written += n;
	return true;
}

/* ---- which memory ---- */

static bool begins_with_elf(struct address_space *mapping)
{
	u8 magic[4];

	return mapping_read_kernel(mapping, 0, magic, sizeof(magic)) == sizeof(magic) &&
	       memcmp(magic, "\x7f\x45LF", sizeof(magic)) == 0;
}

/* Bytes of a VMA that are dumped. mmap_lock held. */
static u64 dump_size(const struct vma *vma, bool is_named)
{
	u64 whole = vma->end - vma->start;

	if (vma->start == vma->mm->vdso)
		return whole;
	if (vma->flags & (VM_DONTDUMP | VM_PFNMAP))
		return 0;
	if (vma->flags & VM_SHARED)
		return is_named ? 0 : whole;
	if (vma->anon_vma)
		return whole;
	if (vma->mapping && vma->pgoff == 0 && (vma->flags & VM_READ) &&
	    begins_with_elf(vma->mapping))
		return PAGE_SIZE;
	return 0;
}

/* mmap_lock held. */
static void note_vma(struct core_vmas *vmas, const struct vma *vma, char *buffer)
{
	bool is_named = false;
	const char *name =
		vma->mapping ? files_mapping_path(vma->mapping, buffer, &is_named) : NULL;

	vmas->vmas[vmas->nr++] = (struct core_vma){
		.start = vma->start,
		.end = vma->end,
		.flags = vma->flags,
		.has_file = name != NULL,
		.pgoff = vma->pgoff,
		.size = dump_size(vma, is_named),
	};
	if (name)
		core_put(&vmas->names, name, strlen(name) + 1);
}

/* False without memory, or when another process that shares the address space makes VMAs
 * meanwhile. */
static bool note_vmas(struct core_vmas *vmas)
{
	struct mm *mm = current->mm;
	u32 room = READ_ONCE(mm->nr_vmas);
	char *buffer = kmalloc(MAPPING_PATH_MAX, GFP_KERNEL);
	struct vma *vma;

	*vmas = (struct core_vmas){.vmas = kmalloc(room * sizeof(*vmas->vmas), GFP_KERNEL)};
	bool ok = buffer && vmas->vmas;
	down_read(&mm->mmap_lock);
	ok = ok && mm->nr_vmas <= room;
	for_each_vma (mm, vma)
		if (ok)
			note_vma(vmas, vma, buffer);
	up_read(&mm->mmap_lock);
	kfree(buffer);
	return ok && !vmas->names.failed;
}

static void free_vmas(struct core_vmas *vmas)
{
	kfree(vmas->vmas);
	kfree(vmas->names.data);
}

/* ---- headers ---- */

static u32 phdr_flags(u32 vm_flags)
{
	return (vm_flags & VM_READ ? ELF_PF_R : 0) | (vm_flags & VM_WRITE ? ELF_PF_W : 0) |
	       (vm_flags & VM_EXEC ? ELF_PF_X : 0);
}

static bool emit_headers(struct core_file *core, const struct core_vmas *vmas,
			 const struct core_buffer *notes)
{
	struct elf_header header = {
		.ident = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */, 1},
		.type = ET_CORE,
		.machine = EM_X86_64,
		.version = 1,
		.phoff = sizeof(header),
		.ehsize = sizeof(header),
		.phentsize = sizeof(struct elf_phdr),
		.phnum = vmas->nr + 1,
	};
	u64 offset = sizeof(header) + header.phnum * sizeof(struct elf_phdr);
	struct elf_phdr phdr = {.type = PT_NOTE, .offset = offset, .filesz = notes->used};

	static_assert(MAX_MAP_COUNT + 2 < 0xffff, "e_phnum");
	if (!core_emit(core, &header, sizeof(header)) || !core_emit(core, &phdr, sizeof(phdr)))
		return false;
	offset = PAGE_ALIGN(offset + notes->used);
	for (u32 i = 0; i < vmas->nr; i++) {
		const struct core_vma *vma = &vmas->vmas[i];

		phdr = (struct elf_phdr){.type = PT_LOAD,
					 .flags = phdr_flags(vma->flags),
					 .offset = offset,
					 .vaddr = vma->start,
					 .filesz = vma->size,
					 .memsz = vma->end - vma->start,
					 .align = PAGE_SIZE};
		if (!core_emit(core, &phdr, sizeof(phdr)))
			return false;
		offset += vma->size;
	}
	return true;
}

/* ---- memory ---- */

/* What was never touched stays a hole. */
static bool emit_page(struct core_file *core, u64 va)
{
	struct page *page = mm_get_dump_page(current->mm, va);
	bool ok = true;

	if (!page) {
		core->pos += PAGE_SIZE;
		return !READ_ONCE(current->killed);
	}
	ok = core_emit(core, page_virt(page), PAGE_SIZE);
	page_put(page);
	return ok;
}

/* The frame of the vDSO is no ordinary page: it is read as a program would. */
static bool emit_vdso(struct core_file *core, u64 va)
{
	void *copy = kmalloc(PAGE_SIZE, GFP_KERNEL);
	bool ok = copy && copy_from_user(copy, (const void __user *)va, PAGE_SIZE) == 0 &&
		  core_emit(core, copy, PAGE_SIZE);

	kfree(copy);
	return ok;
}

static bool emit_vma(struct core_file *core, const struct core_vma *vma)
{
	bool ok = true;

	for (u64 va = vma->start; ok && va < vma->start + vma->size; va += PAGE_SIZE) {
		ok = vma->flags & VM_PFNMAP ? emit_vdso(core, va) : emit_page(core, va);
		cond_resched();
	}
	return ok;
}

/* The file reaches as far as its headers say, even if it ends with a hole. */
static bool emit_end(struct core_file *core)
{
	u8 zero = 0;

	core->pos--;
	return core_emit(core, &zero, sizeof(zero));
}

static bool emit_memory(struct core_file *core, const struct core_vmas *vmas)
{
	bool ends_with_hole = false;

	core->pos = PAGE_ALIGN(core->pos);
	for (u32 i = 0; i < vmas->nr; i++) {
		u64 written = core->written;

		if (vmas->vmas[i].size == 0)
			continue;
		if (!emit_vma(core, &vmas->vmas[i]))
			return false;
		ends_with_hole = core->written == written;
	}
	return ends_with_hole ? emit_end(core) : true;
}

bool core_write_elf(struct core_file *core, const struct siginfo *info)
{
	struct core_buffer notes = {.data = NULL};
	struct core_vmas vmas;
	bool ok = note_vmas(&vmas);

	if (ok)
		core_put_notes(&notes, info, &vmas);
	ok = ok && !notes.failed;
	/* From here on there is a core file, be it cut short, as on Linux. */
	if (ok && emit_headers(core, &vmas, &notes) && core_emit(core, notes.data, notes.used))
		(void)emit_memory(core, &vmas);
	kfree(notes.data);
	free_vmas(&vmas);
	return ok;
}
