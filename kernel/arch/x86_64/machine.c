/* Device windows, halting, and the end of the machine. */
#include "arch/x86_64/machine.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/pte.h"
#include "cpu/panic.h"

#define TOP_SLOT(va) ((va) >> 39 & (PGTABLE_ENTRIES - 1))

static_assert(IMAGE_BASE == KERNEL_BASE, "asm.h repeats layout.h");
static_assert(IMAGE_PHYS == KERNEL_PHYS, "asm.h repeats layout.h");
static_assert(LOWEST_DIRECT_MAP == DIRECT_MAP_BASE, "asm.h repeats layout.h");
static_assert(TOP_SLOT(DIRECT_MAP_BASE) == DIRECT_MAP_SLOT, "asm.h repeats layout.h");
static_assert(TOP_SLOT(KERNEL_BASE) == IMAGE_SLOT, "asm.h repeats layout.h");

void *arch_mmio(phys_addr_t phys, size_t size)
{
	for (u32 i = 0; i < arch_nr_device_ranges; i++)
		if (phys >= arch_device_ranges[i].start && phys + size <= arch_device_ranges[i].end)
			return phys_to_virt(phys);
	panic("device registers at %lx are outside every device window", phys);
}

void arch_idle_wait(void)
{
	/* STI takes effect after the next instruction: no interrupt is lost between the two. */
	__asm__ volatile("sti; hlt" ::: "memory");
}

void arch_exit_machine(u32 value)
{
	outl(EXIT_PORT, value);
	for (;;)
		__asm__ volatile("cli; hlt");
}
