/* Reading static ELF64 programs: what exec must map, checked. */
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

/* Reads the headers of a program, which goes to pie_base if it may lie anywhere. 0; -ENOEXEC: not a program that this kernel can run; -ENOMEM, or
 * what reading gave. May sleep. */
int elf_read(struct address_space *program, u64 pie_base, struct elf_image *image);

#endif
