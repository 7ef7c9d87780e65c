/* The kernel's own mappings: final page tables, stacks with guard pages, device registers. */
#ifndef MM_KMAP_H
#define MM_KMAP_H

#include "mm/page_alloc.h"

/* Builds the final kernel tables from boot memory (direct map 2 MiB writable never executable, the
 * image by 4 KiB: text read-only executable, rodata read-only, data writable; the image's alias in
 * the direct map likewise never writable where the image is not; device ranges uncached) and loads
 * them. Single CPU. */
void kmap_init(void);

/* Gives whole pages of RAM in the direct map, around [from, from + size), these rights, on all CPUs
 * when it returns. 0, or -ENOMEM without a page table: some pages may have them. Sleeps. */
enum kmap_rights { KMAP_READ_ONLY, KMAP_READ_WRITE };
int kmap_protect(const void *from, u64 size, enum kmap_rights rights);

/* Top table of the kernel, whose upper half every address space shares: all upper entries exist
 * from kmap_init() on. */
extern phys_addr_t kernel_pgd;

/* A kernel stack of KSTACK_SIZE with as much unmapped below it as a guard; returns its end (highest
 * address), or 0 without memory or address space. May sleep. */
u64 kstack_alloc(void);
/* Nobody runs on it any more. Flushes TLBs: interrupts on, no spinlock held. */
void kstack_free(u64 stack_top);

#endif
