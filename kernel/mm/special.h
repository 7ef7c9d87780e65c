/*
 * The kernel's own page that programs map: the vDSO. Its VMA has VM_PFNMAP; a fault maps the page, and
 * nobody counts it: like the page of zeroes it has no reverse map, is on no list and is never freed or
 * swapped. No program may write to it.
 */
#ifndef MM_SPECIAL_H
#define MM_SPECIAL_H

#include "mm/page.h"

struct mm;

/* Set before the first program. */
extern struct page *special_page;

/* Makes the page. After the clock's rate is known. */
void special_init(void);

/* A tick of any CPU: the seconds that the vDSO tells go on. Interrupts off. */
void special_tick(void);

/* Those seconds: since boot, at the last tick. */
u64 special_seconds(void);

/* For exec: maps the vDSO at an address, and keeps that in mm->vdso. mmap_lock not held. 0 or -errno. */
int special_map(struct mm *mm, u64 start);

#endif
