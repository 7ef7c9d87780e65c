/*
 * A section of micro: what stands between section_begin() and section_end() is counted, and a line tells what it was (micro.c).
 */
#ifndef BENCH_GUEST_SECTION_H
#define BENCH_GUEST_SECTION_H

void section_begin(void);

/* It carried the operation out `count` times. */
void section_end(const char *name, unsigned long count);

/* There is no such section, because `what` does not work; errno says why. */
void section_missing(const char *name, const char *what);

/* The functions of the kernel's library beside their system calls (vdso.c). */
void vdso_sections(void);

#endif
