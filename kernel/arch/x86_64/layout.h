/*
 * The address space.
 *
 *   0000000000001000 - 00007ffffffff000  user
 *   direct_map_base + phys               direct map of all RAM: 2 MiB pages, never executable;
 *                                        from ffff888000000000, or a random place above it
 *   ffffc90000000000 - ffffc97fffffffff  kernel mappings by 4 KiB: stacks and their guard pages
 *   ffffffff80000000 + offset + phys     the kernel image: text read-only, data never executable;
 *                                        the offset is KASLR's, 0 with nokaslr
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#include "lib/types.h"

#define USER_BASE       0x0000000000001000ul
#define USER_END        0x00007ffffffff000ul /* first address no program may use */
#define DIRECT_MAP_BASE 0xffff888000000000ul /* lowest place of the direct map */
#define DIRECT_MAP_SIZE BIT(39)
#define VMAP_BASE       0xffffc90000000000ul
#define VMAP_SIZE       BIT(39)
#define KERNEL_BASE     0xffffffff80000000ul /* what the image is linked for, minus KERNEL_PHYS */
#define KERNEL_PHYS     0x100000ul           /* where it is loaded */

/* From the linker script; 4 KiB aligned. */
extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];
/* Of what is read once, behind the image (kaslr.c). */
extern char kernel_relocs_end[];

/* Set before the first C code but kaslr.c runs. */
extern const u64 direct_map_base;

static inline void *phys_to_virt(phys_addr_t phys)
{
	return (void *)(direct_map_base + phys);
}

/* For addresses in the direct map only. */
static inline phys_addr_t virt_to_phys(const void *virt)
{
	return (u64)virt - direct_map_base;
}

/* For symbols of the kernel image only. */
static inline phys_addr_t kernel_to_phys(const void *symbol)
{
	return (u64)symbol - (u64)kernel_start + KERNEL_PHYS;
}

/* The address of the image at which a frame of the image is mapped. */
static inline u64 phys_to_kernel(phys_addr_t phys)
{
	return (u64)kernel_start + (phys - KERNEL_PHYS);
}

static inline void *pfn_to_virt(pfn_t pfn)
{
	return phys_to_virt((u64)pfn << PAGE_SHIFT);
}

#endif
