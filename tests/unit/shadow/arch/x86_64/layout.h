/* Stands in for kernel/arch/x86_64/layout.h: physical memory is an array of the test. See
 * mm_fixture.h. */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#include "lib/types.h"

extern char *fixture_ram; /* frame 0; aligned to the largest buddy block */

#define USER_BASE	0x0000000000001000ul
#define USER_END	0x00007ffffffff000ul
#define DIRECT_MAP_BASE ((u64)fixture_ram)

static inline void *phys_to_virt(phys_addr_t phys)
{
	return fixture_ram + phys;
}
static inline phys_addr_t virt_to_phys(const void *virt)
{
	return (const char *)virt - fixture_ram;
}
static inline void *pfn_to_virt(pfn_t pfn)
{
	return phys_to_virt((u64)pfn << PAGE_SHIFT);
}

/* The image lies from 1 to 2 MiB. */
extern char kernel_start[], kernel_end[];
static inline phys_addr_t kernel_to_phys(const void *symbol)
{
	return symbol == kernel_start ? 1 * MIB : 2 * MIB;
}

#endif
