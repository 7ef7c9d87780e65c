/* The boot allocator: hands out RAM before struct page exists. Single CPU, no locks. Nothing it
 * gives is ever freed. */
#ifndef MM_MEMBLOCK_H
#define MM_MEMBLOCK_H

#include "arch/x86_64/boot.h"

#define MEMBLOCK_MAX 64

/* Takes the RAM ranges of boot_info and reserves the kernel image and the initrd. */
void memblock_init(void);

/* Makes [start, end) unavailable. */
void memblock_reserve(phys_addr_t start, phys_addr_t end);

/* `size` zeroed bytes in the direct map, page-aligned; panics when RAM is too small (naming the
 * size). */
void *memblock_alloc(size_t size);

/* Calls fn for every usable range that is not reserved, whole frames only, ascending. */
void memblock_for_each_free(void (*fn)(pfn_t start, pfn_t end));

/* One above the highest usable frame. */
pfn_t memblock_max_pfn(void);

#endif
