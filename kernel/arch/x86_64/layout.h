/*
 * The address space.
 *
 *   0000000000001000 - 00007ffffffff000  user
 *   ffff888000000000 + phys              direct map of all RAM: 2 MiB pages, never executable
 *   ffffc90000000000 - ffffc97fffffffff  kernel mappings by 4 KiB: stacks and their guard pages
 *   ffffffff80000000 + phys              the kernel image: text read-only, data never executable
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#include "lib/types.h"

#define USER_BASE       0x0000000000001000ul
#define USER_END        0x00007ffffffff000ul /* first address no program may use */
#define DIRECT_MAP_BASE 0xffff888000000000ul
#define DIRECT_MAP_SIZE BIT(40)
#define VMAP_BASE       0xffffc90000000000ul
#define VMAP_SIZE       BIT(39)
#define KERNEL_BASE     0xffffffff80000000ul

static inline void *phys_to_virt(phys_addr_t phys)
{
	return (void *)(DIRECT_MAP_BASE + phys);
}

/* For addresses in the direct map only. */
static inline phys_addr_t virt_to_phys(const void *virt)
{
	return (u64)virt - DIRECT_MAP_BASE;
}

/* For symbols of the kernel image only. */
static inline phys_addr_t kernel_to_phys(const void *symbol)
{
	return (u64)symbol - KERNEL_BASE;
}

static inline void *pfn_to_virt(pfn_t pfn)
{
	return phys_to_virt((u64)pfn << PAGE_SHIFT);
}

/* From the linker script; 4 KiB aligned. */
extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

#endif
