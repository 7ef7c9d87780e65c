/*
 * The boot allocator: RAM as the firmware lists it, minus a sorted list of reserved ranges.
 *
 * It allocates the lowest range that fits: what boot allocates lies together, right behind the
 * kernel image, where the boot page tables reach it, and high memory stays in one piece for the
 * buddy allocator. Nothing is freed, so nothing is tracked but the reserved ranges.
 */
#include "mm/memblock.h"

#include "arch/x86_64/layout.h"
#include "cpu/panic.h"
#include "lib/string.h"

/* Ascending, disjoint, not touching, whole frames. */
static struct phys_range reserved[MEMBLOCK_MAX];
static u32 nr_reserved;

void memblock_init(void)
{
	memblock_reserve(kernel_to_phys(kernel_start), kernel_to_phys(kernel_end));
	memblock_reserve(boot_info.initrd.start, boot_info.initrd.end);
	if (boot_info.ram_beyond)
		printk("memory: %lu MiB of RAM above 4 GiB are not used",
		       boot_info.ram_beyond / MIB);
}

void memblock_reserve(phys_addr_t start, phys_addr_t end)
{
	u32 first = 0, behind;

	if (start >= end)
		return;
	start &= PAGE_MASK;
	end = PAGE_ALIGN(end);
	while (first < nr_reserved && reserved[first].end < start)
		first++;
	/* [first, behind) are the ranges that meet or touch the new one: they become part of it. */
	for (behind = first; behind < nr_reserved && reserved[behind].start <= end; behind++) {
		start = min(start, reserved[behind].start);
		end = max(end, reserved[behind].end);
	}
	if (nr_reserved - (behind - first) == MEMBLOCK_MAX)
		panic("memblock: more than %d reserved ranges", MEMBLOCK_MAX);
	memmove(&reserved[first + 1], &reserved[behind],
		(nr_reserved - behind) * sizeof(reserved[0]));
	nr_reserved = nr_reserved - (behind - first) + 1;
	reserved[first] = (struct phys_range){start, end};
}

/* The part of `ram` at or above `from` up to the next reserved range; false when nothing is left of
 * it. */
static bool free_part(const struct phys_range *ram, phys_addr_t from, struct phys_range *part)
{
	part->start = max(from, (phys_addr_t)PAGE_ALIGN(ram->start));
	part->end = ram->end & PAGE_MASK;
	for (u32 i = 0; i < nr_reserved; i++) {
		if (reserved[i].end <= part->start)
			continue;
		if (reserved[i].start > part->start) {
			part->end = min(part->end, reserved[i].start);
			break;
		}
		part->start = reserved[i].end;
	}
	return part->start < part->end;
}

/* The first unreserved range of RAM at or above `from`; false when there is none. */
static bool next_free(phys_addr_t from, struct phys_range *part)
{
	for (u32 i = 0; i < boot_info.nr_ram; i++)
		if (free_part(&boot_info.ram[i], from, part))
			return true;
	return false;
}

void *memblock_alloc(size_t size)
{
	struct phys_range part = {0, 0};

	size = PAGE_ALIGN(size);
	while (next_free(part.end, &part)) {
		if (part.end - part.start < size)
			continue;
		memblock_reserve(part.start, part.start + size);
		return memset(phys_to_virt(part.start), 0, size);
	}
	panic("memblock: no %zu bytes of RAM left: give the machine more memory", size);
}

void memblock_for_each_free(void (*fn)(pfn_t start, pfn_t end))
{
	struct phys_range part = {0, 0};

	while (next_free(part.end, &part))
		fn(part.start >> PAGE_SHIFT, part.end >> PAGE_SHIFT);
}

pfn_t memblock_max_pfn(void)
{
	return boot_info.nr_ram ? boot_info.ram[boot_info.nr_ram - 1].end >> PAGE_SHIFT : 0;
}
