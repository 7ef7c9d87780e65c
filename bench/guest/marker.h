/*
 * Marks a point of a program for the instruction counter (plugin/count.c), which notes its counts there. The mark is a no-op
 * whose operand carries a tag and the value, so the program runs unchanged where nobody counts, on any kernel.
 */
#ifndef BENCH_GUEST_MARKER_H
#define BENCH_GUEST_MARKER_H

/* What a mark says. A program is what step runs; a section is a part of a program. */
#define MARK_PROGRAM_BEGIN 1
#define MARK_PROGRAM_END   2
#define MARK_SECTION_BEGIN 3
#define MARK_SECTION_END   4
#define MARK_INIT          5 /* process 1 begins */

/* nopl 0x504c0000 | value (%rax,%rax,1); the value is a constant below 65,536. */
#define MARK(value)                                                                              \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00\n\t.long %c0" ::"i"(0x504c0000 | (value)) \
			 : "memory")

#endif
