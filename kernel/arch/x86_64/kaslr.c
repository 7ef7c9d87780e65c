/*
 * KASLR: where in the address space image and direct map lie in this boot. Where the image lies in
 * RAM does not change, so a symbol's physical address is its linked one minus KERNEL_BASE.
 *
 * kaslr_relocate() runs where the image was linked. It maps the image a second time, at its new
 * place, and then adds the offset to every absolute address in it (the table is gen-relocs.c's).
 * While it does, code runs at the old place with some addresses of the new one: both lead to the
 * same bytes. pvh.S then jumps over, and kaslr_finish() takes the old place away.
 *
 *   image        1 GiB of addresses from KERNEL_BASE, by 2 MiB, never where it was linked
 *   direct map   from DIRECT_MAP_BASE up to VMAP_BASE, by 1 GiB
 *
 * Both come from the seed of the boot: kaslr= on the command line, which makes the boot repeatable,
 * or the CPU. `nokaslr` leaves both where they are. One CPU runs, with the early tables.
 */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/kaslr.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/pte.h"
#include "arch/x86_64/start_info.h"
#include "arch/x86_64/tlb.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "cpu/symbols.h"
#include "lib/cmdline.h"
#include "lib/siphash.h"

#define LARGE_PAGE (2 * MIB)
#define GIB        (1024 * MIB)

#define EARLY_TABLE (PTE_PRESENT | PTE_WRITE)
#define EARLY_PAGE  (PTE_PRESENT | PTE_WRITE | PTE_HUGE)

/* What the early tables map of the direct map: physical memory below 4 GiB. */
#define EARLY_DIRECT_ENTRIES 4

#define RDRAND_TRIES 10

u64 boot_seed;

/* pvh.S */
extern pte_t early_pml4[], early_direct[], early_image[];
void apply_relocs(u64 offset);

/* Take the place of the tables in pvh.S. */
static pte_t moved_image[PGTABLE_ENTRIES] __aligned(PAGE_SIZE);
static pte_t moved_direct[PGTABLE_ENTRIES] __aligned(PAGE_SIZE);

/* The early tables map RAM as it is. */
static void *identity(phys_addr_t phys)
{
	return (void *)phys;
}

static u64 hardware_seed(void)
{
	u32 a, b, c, d;
	u64 seed = rdtsc(), number;
	bool ok = false;

	cpuid(1, &a, &b, &c, &d);
	for (u32 i = 0; i < RDRAND_TRIES && (c & BIT(30)) && !ok; i++)
		__asm__ volatile("rdrand %0" : "=r"(number), "=@ccc"(ok));
	return ok ? seed ^ number : seed;
}

/* Large pages from physical 0 to the end of the image and of its relocations, which are read when the image
 * has moved. */
static u32 image_pages(void)
{
	return ALIGN_UP(kernel_to_phys(kernel_relocs_end), LARGE_PAGE) / LARGE_PAGE;
}

/* Bytes, more than the image is long: the two places must not overlap while both are mapped. */
static u64 choose_offset(void)
{
	u32 first = image_pages(), last = PGTABLE_ENTRIES - image_pages();

	return (first + siphash(boot_seed, SEED_IMAGE, 0) % (last - first + 1)) * LARGE_PAGE;
}

static u64 choose_direct_map(void)
{
	u64 places = (VMAP_BASE - DIRECT_MAP_BASE - DIRECT_MAP_SIZE) / GIB;

	return DIRECT_MAP_BASE + siphash(boot_seed, SEED_DIRECT_MAP, 0) % places * GIB;
}

static void map_image(u64 offset)
{
	for (u32 i = 0; i < image_pages(); i++) {
		moved_image[i] = i * LARGE_PAGE | EARLY_PAGE;
		moved_image[offset / LARGE_PAGE + i] = i * LARGE_PAGE | EARLY_PAGE;
	}
	early_image[level_index(KERNEL_BASE, 3)] = kernel_to_phys(moved_image) | EARLY_TABLE;
}

/* The 4 GiB may begin in one top entry and end in the next. */
static void map_direct(u64 base)
{
	u32 first = level_index(base, 3);

	early_pml4[DIRECT_MAP_SLOT] = 0;
	for (u32 i = 0; i < EARLY_DIRECT_ENTRIES; i++) {
		u64 va = base + i * GIB;

		moved_direct[(first + i) % PGTABLE_ENTRIES] = early_direct[i];
		early_pml4[level_index(va, 4)] =
			kernel_to_phys(moved_direct) | EARLY_TABLE | PTE_NX;
	}
	*(u64 *)identity(kernel_to_phys(&direct_map_base)) = base;
}

void kaslr_relocate(phys_addr_t start_info)
{
	const struct start_info *info = identity(start_info);
	u64 offset;

	if (info->magic == START_INFO_MAGIC && info->cmdline)
		cmdline_set(identity(info->cmdline));
	boot_seed = cmdline_u64("kaslr", hardware_seed());
	if (cmdline_has("nokaslr"))
		return;
	offset = choose_offset();
	map_direct(choose_direct_map());
	map_image(offset);
	load_pgd(kernel_to_phys(early_pml4));
	apply_relocs(offset);
}

void kaslr_finish(void)
{
	if (!kernel_offset())
		return;
	for (u32 i = 0; i < image_pages(); i++)
		moved_image[i] = 0;
	load_pgd(kernel_to_phys(early_pml4));
}

void kaslr_check(void)
{
	char value[24];

	/* A number gives the same whatever stands in for a missing one. */
	if (cmdline_text("kaslr", value, sizeof(value)) &&
	    cmdline_u64("kaslr", 0) != cmdline_u64("kaslr", 1))
		panic("kaslr=%s: give a number of at most 64 bits", value);
}
