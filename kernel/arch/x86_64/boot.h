/* What the boot loader and the firmware tables say, and the order in which arch is brought up
 * (main.c calls these). */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include "lib/types.h"

#define BOOT_MAX_RANGES 32

struct phys_range {
	phys_addr_t start, end; /* bytes; end is behind the last */
};

struct boot_info {
	char cmdline[1024];
	struct phys_range initrd;               /* empty without one */
	struct phys_range ram[BOOT_MAX_RANGES]; /* usable RAM, ascending, disjoint */
	u32 nr_ram;
	u64 ram_beyond; /* bytes of RAM above what the early tables reach: not used */
	phys_addr_t rsdp;
};

/* Filled by arch before kernel_main(); read-only afterwards. */
extern struct boot_info boot_info;

/* RAM above 4 GiB, which the early tables do not reach, is left out too. The first 1 MiB and the AP
 * trampoline are never usable RAM: arch leaves them out of boot_info.ram. The kernel image and the
 * initrd lie inside boot_info.ram: the boot allocator steps around them. */

/* The seed of everything random in this boot: kaslr= of the command line, or the CPU's. Who draws
 * from it calls siphash(boot_seed, SEED_*, n), so that what programs see tells nothing of the rest.
 */
extern u64 boot_seed;
enum { SEED_IMAGE = 1, SEED_DIRECT_MAP, SEED_USER };

/* In this order. */

/* Panics when kaslr= is no number. */
void kaslr_check(void);

/* GDT, TSS, IDT, system-call registers, CR0 and CR4 of the calling CPU. */
void arch_init_cpu(u32 cpu);

/* RSDP, MADT, HPET, MCFG; sets nr_cpus and arch_device_ranges. Before mm's final page tables. */
void arch_init_acpi(void);

/* TSC against HPET; sets `clock`. */
void arch_init_clock(void);

/* Local APIC, I/O APIC, timer. */
void arch_init_interrupts(void);

/* All other CPUs, one after the other, each on the caller's page tables; marks them online. Returns
 * 0 or -ENOMEM. */
int arch_start_cpus(void);

/* Memory for arch_start_cpus(), set before it: contiguous pages in the direct map, or NULL; the end
 * of a kernel stack of KSTACK_SIZE, or 0. What they give is never freed. */
extern void *(*arch_alloc_pages)(u32 nr_pages);
extern u64 (*arch_alloc_stack)(void);

/* CPU 0 begins on a stack in the image, without a guard page: goes on in fn() on the stack that
 * ends at stack_top. Before tasks exist. */
void arch_leave_boot_stack(u64 stack_top, void (*fn)(void)) __noreturn;

/* Physical ranges of device registers, 2 MiB aligned: DEVICE_WINDOW up to 4 GiB, and the PCI
 * Express configuration space. mm's final tables map them at the direct map, uncached and never
 * executable, by 2 MiB pages; the early tables map the window likewise. Complete after
 * arch_init_acpi(). */
extern struct phys_range arch_device_ranges[];
extern u32 arch_nr_device_ranges;

/* Physical base of the PCI Express configuration space (MCFG) and its last bus; 0 when there is
 * none. */
extern phys_addr_t pci_ecam_base;
extern u32 pci_ecam_last_bus;

/* Ticks a second of upcall_tick(). */
#define TICK_HZ 100

#endif
