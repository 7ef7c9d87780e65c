/* Stands in for kernel/arch/x86_64/layout.h: physical memory is an array of the test. See
 * mm_fixture.h. */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#include "lib/types.h"

#define USER_BASE 0x0000000000001000ul
#define USER_END  0x00007ffffffff000ul

extern u8 machine_ram[];

extern char kernel_start[], kernel_end[];

static inline void *phys_to_virt(phys_addr_t phys)
{
	return machine_ram + phys;
}
static inline phys_addr_t virt_to_phys(const void *virt)
{
	return (const u8 *)virt - machine_ram;
}
static inline void *pfn_to_virt(pfn_t pfn)
{
	return phys_to_virt((u64)pfn << PAGE_SHIFT);
}

#endif
