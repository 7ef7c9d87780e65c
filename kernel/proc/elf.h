/* ELF64: reading static programs (what exec must map, checked), and the structures of the format. */
#ifndef PROC_ELF_H
#define PROC_ELF_H

#include "mm/address_space.h"

#define ELF_MAX_SEGMENTS 16

/* A part of the program in memory. All values are checked: page arithmetic on them cannot overflow,
 * it lies in user space. */
struct elf_segment {
	u64 start;    /* first address */
	u64 file_end; /* address behind the last byte that the file gives */
	u64 end;      /* address behind the last byte; the rest is zero */
	u64 offset;   /* byte of the file at `start`; congruent to it modulo the page size */
	u32 vm_flags; /* VM_* */
};

struct elf_image {
	u64 entry;
	u64 phdr; /* address of the program headers in memory, or 0 */
	u32 nr_phdrs;
	u32 nr_segments; /* ascending, no two in one page */
	struct elf_segment segments[ELF_MAX_SEGMENTS];
};

#define ELF_PHDR_SIZE 56

/* Of the format, for who reads and writes it. */
struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

static_assert(sizeof(struct elf_header) == 64, "ABI");
static_assert(sizeof(struct elf_phdr) == ELF_PHDR_SIZE, "ABI");

#define ET_EXEC   2
#define ET_DYN    3
#define ET_CORE   4
#define EM_X86_64 62
#define PT_LOAD   1
#define PT_INTERP 3
#define PT_NOTE   4
#define ELF_PF_X  1
#define ELF_PF_W  2
#define ELF_PF_R  4

/* Reads the headers of a program, which goes to pie_base if it may lie anywhere. 0; -ENOEXEC: not a program that this kernel can run; -ENOMEM, or
 * what reading gave. May sleep. */
int elf_read(struct address_space *program, u64 pie_base, struct elf_image *image);

#endif
