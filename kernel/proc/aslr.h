/* Where exec puts a program: places drawn anew each time, from the seed of the boot (aslr.c). */
#ifndef PROC_ASLR_H
#define PROC_ASLR_H

#include "lib/types.h"

/* personality(2): the task's programs are placed as if without ASLR. */
#define ADDR_NO_RANDOMIZE 0x0040000u

struct exec_layout {
	u64 stack_top; /* end of the stack */
	u64 mmap_base; /* mappings go below it */
	u64 pie_base;  /* of a program that may lie anywhere */
	u64 vdso;      /* its one page */
	u64 brk_gap;   /* bytes between the program's end and its heap */
};

/* Linux's sysctl kernel.randomize_va_space: 0 nothing moves, 1 all but the heap, above that everything. */
extern u32 randomize_va_space;

/* Takes norandmaps from the command line. */
void aslr_init(void);

/* The places for one exec of a task with this personality. */
struct exec_layout aslr_layout(u32 personality);

#endif
