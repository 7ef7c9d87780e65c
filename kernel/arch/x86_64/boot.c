/*
 * The first C code after KASLR: the per-CPU area of CPU 0, then the start information of the PVH
 * boot protocol copied into boot_info, because the RAM it lies in is not reserved.
 */
#include "arch/x86_64/boot.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/kaslr.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/start_info.h"
#include "arch/x86_64/upcall.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "lib/string.h"

/* What the early tables reach. */
#define EARLY_MAP_END (4096 * MIB)

struct boot_info boot_info;

static u8 boot_stack[KSTACK_SIZE] __aligned(PAGE_SIZE);
extern const u64 boot_stack_top;
const u64 boot_stack_top = (u64)boot_stack + KSTACK_SIZE;

extern char percpu_boot_area[];

/* Inserts a range in ascending order, whole frames only. */
static void add_ram(phys_addr_t start, phys_addr_t end)
{
	u32 i;

	if (end > EARLY_MAP_END)
		boot_info.ram_beyond += end - max(start, EARLY_MAP_END);
	start = PAGE_ALIGN(max(start, MIB));
	end = ALIGN_DOWN(min(end, EARLY_MAP_END), PAGE_SIZE);
	if (start >= end)
		return;
	if (boot_info.nr_ram == BOOT_MAX_RANGES)
		panic("more than %u ranges of RAM", BOOT_MAX_RANGES);
	for (i = boot_info.nr_ram++; i > 0 && boot_info.ram[i - 1].start > start; i--)
		boot_info.ram[i] = boot_info.ram[i - 1];
	boot_info.ram[i] = (struct phys_range){start, end};
}

static void read_memory_map(const struct start_info *info)
{
	const struct start_memory *map = phys_to_virt(info->memory_map);

	if (info->version < 1)
		panic("the boot loader passes no memory map");
	for (u32 i = 0; i < info->memory_map_entries; i++)
		if (map[i].type == MEMORY_RAM)
			add_ram(map[i].start, map[i].start + map[i].size);
}

static void read_start_info(phys_addr_t at)
{
	const struct start_info *info = phys_to_virt(at);

	if (info->magic != START_INFO_MAGIC)
		panic("not booted by the PVH protocol");
	if (info->cmdline)
		strscpy_pad(boot_info.cmdline, phys_to_virt(info->cmdline),
			    sizeof(boot_info.cmdline));
	if (info->nr_modules) {
		const struct start_module *module = phys_to_virt(info->modules);

		boot_info.initrd = (struct phys_range){module->start, module->start + module->size};
	}
	boot_info.rsdp = info->rsdp;
	read_memory_map(info);
}

void arch_boot(phys_addr_t start_info)
{
	clock.tsc_boot = rdtsc();
	kaslr_finish();
	/* By its address in the direct map: the kernel's GS_BASE must have its top bit set
	 * (traps.S). */
	percpu_init_cpu(0, phys_to_virt(kernel_to_phys(percpu_boot_area)));
	wrmsr(MSR_GS_BASE, percpu_offset[0]);
	current->kernel_sp_top = boot_stack_top;
	patch_smap_sites();
	panic_hooks.stop_others = ipi_stop_others;
	panic_hooks.exit_machine = arch_exit_machine;
	read_start_info(start_info);
	smp_install_trampoline();
	kernel_main();
}
