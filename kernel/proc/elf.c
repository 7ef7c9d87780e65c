/*
 * ELF64 (System V ABI, chapters 4 and 5; AMD64 supplement): ET_EXEC, and ET_DYN without an
 * interpreter (static PIE), which relocates itself and goes where the caller says. Nothing in a file is
 * trusted: every number is checked before it is used.
 *
 * Two segments in one page are refused: a page has one place in the file and one set of rights.
 */
#include "proc/elf.h"
#include "arch/x86_64/layout.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"

#define MAX_PHDRS 64

static const u8 expected_ident[] = {0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */, 1};

/* Copies n bytes at `offset` out of a file; -ENOEXEC when it is too short. */
static int read_bytes(struct address_space *program, u64 offset, void *to, size_t n)
{
	long done = mapping_read_kernel(program, offset, to, n);
	if (done < 0)
		return done;
	return (size_t)done == n ? 0 : -ENOEXEC;
}

static bool header_ok(const struct elf_header *header)
{
	return memcmp(header->ident, expected_ident, sizeof(expected_ident)) == 0 &&
	       (header->type == ET_EXEC || header->type == ET_DYN) &&
	       header->machine == EM_X86_64 && header->phentsize == sizeof(struct elf_phdr) &&
	       header->phnum > 0 && header->phnum <= MAX_PHDRS;
}

static u32 vm_flags_of(u32 phdr_flags)
{
	return ((phdr_flags & ELF_PF_R) ? VM_READ : 0) | ((phdr_flags & ELF_PF_W) ? VM_WRITE : 0) |
	       ((phdr_flags & ELF_PF_X) ? VM_EXEC : 0);
}

/* The bounds of a PT_LOAD segment in memory and in the file. */
static bool segment_ok(const struct elf_phdr *phdr, u64 base, u64 file_size)
{
	if (phdr->memsz > USER_END || phdr->vaddr > USER_END - phdr->memsz ||
	    phdr->vaddr + phdr->memsz > USER_END - base || phdr->vaddr + base < USER_BASE)
		return false;
	if (phdr->filesz > phdr->memsz || phdr->filesz > file_size ||
	    phdr->offset > file_size - phdr->filesz)
		return false;
	return (phdr->vaddr & ~PAGE_MASK) == (phdr->offset & ~PAGE_MASK);
}

static int add_segment(struct elf_image *image, const struct elf_phdr *phdr, u64 base,
		       u64 file_size)
{
	if (phdr->memsz == 0)
		return 0;
	if (image->nr_segments == ELF_MAX_SEGMENTS || !segment_ok(phdr, base, file_size))
		return -ENOEXEC;

	u64 start = base + phdr->vaddr;
	if (image->nr_segments > 0 &&
	    PAGE_ALIGN(image->segments[image->nr_segments - 1].end) > (start & PAGE_MASK))
		return -ENOEXEC;
	image->segments[image->nr_segments++] = (struct elf_segment){
		.start = start,
		.file_end = start + phdr->filesz,
		.end = start + phdr->memsz,
		.offset = phdr->offset,
		.vm_flags = vm_flags_of(phdr->flags),
	};
	return 0;
}

/* Where in memory the bytes [offset, offset + n) of the file lie, or 0. */
static u64 address_of_offset(const struct elf_image *image, u64 offset, u64 n)
{
	for (u32 i = 0; i < image->nr_segments; i++) {
		const struct elf_segment *segment = &image->segments[i];
		u64 in_file = segment->file_end - segment->start;

		if (offset >= segment->offset && offset - segment->offset <= in_file &&
		    in_file - (offset - segment->offset) >= n)
			return segment->start + (offset - segment->offset);
	}
	return 0;
}

static bool is_executable(const struct elf_image *image, u64 address)
{
	for (u32 i = 0; i < image->nr_segments; i++) {
		const struct elf_segment *segment = &image->segments[i];

		if (address >= segment->start && address < segment->end)
			return segment->vm_flags & VM_EXEC;
	}
	return false;
}

static int read_phdrs(const struct elf_header *header, const struct elf_phdr *phdrs, u64 base,
		      u64 file_size, struct elf_image *image)
{
	*image = (struct elf_image){.nr_phdrs = header->phnum};
	for (u32 i = 0; i < header->phnum; i++) {
		if (phdrs[i].type == PT_INTERP)
			return -ENOEXEC;
		if (phdrs[i].type != PT_LOAD)
			continue;
		int error = add_segment(image, &phdrs[i], base, file_size);
		if (error != 0)
			return error;
	}
	image->entry = header->entry + base;
	image->phdr = address_of_offset(image, header->phoff, header->phnum * sizeof(*phdrs));
	return is_executable(image, image->entry) ? 0 : -ENOEXEC;
}

int elf_read(struct address_space *program, u64 pie_base, struct elf_image *image)
{
	struct elf_header header;
	int error = read_bytes(program, 0, &header, sizeof(header));

	if (error != 0)
		return error;
	if (!header_ok(&header))
		return -ENOEXEC;

	size_t size = header.phnum * sizeof(struct elf_phdr);
	struct elf_phdr *phdrs = kmalloc(size, GFP_KERNEL);
	if (!phdrs)
		return -ENOMEM;
	error = read_bytes(program, header.phoff, phdrs, size);
	if (error == 0)
		error = read_phdrs(&header, phdrs, header.type == ET_DYN ? pie_base : 0,
				   program->size, image);
	kfree(phdrs);
	return error;
}
