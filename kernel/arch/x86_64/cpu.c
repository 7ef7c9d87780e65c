/*
 * What each CPU needs before it may trap: GDT, TSS with its stacks, IDT, system-call registers,
 * protection bits. All of it is in the CPU's own per-CPU area and written by that CPU only, so
 * there is no lock.
 */
#include "arch/x86_64/boot.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/vdso.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "lib/string.h"

/* Enough for a panic's printing, and for the monitor behind it. */
#define IST_STACK_SIZE (8 * KIB)

#define GDT_ENTRIES 12

/* SDM vol. 3, 8.7. */
struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 ist[8]; /* ist[0] is reserved */
	u64 reserved1;
	u16 reserved2;
	u16 io_map_base;
} __packed;

static_assert(sizeof(struct tss) == 104, "the CPU knows this layout");

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

struct ist_stack {
	u8 bytes[IST_STACK_SIZE] __aligned(16);
};

static DEFINE_PER_CPU(u64, gdt)[GDT_ENTRIES];
static DEFINE_PER_CPU(struct tss, tss);
static DEFINE_PER_CPU(struct ist_stack, ist_stacks)[NR_IST - 1];
DEFINE_PER_CPU(u64, entry_stack_top);
/* Scratch of syscall_entry, between its first instructions only. */
DEFINE_PER_CPU(u64, syscall_user_sp);

void syscall_entry(void);
void syscall_entry_32(void);

void cpu_set_entry_stack(u64 top)
{
	this_cpu_write(entry_stack_top, top);
	this_cpu_write(tss.rsp[0], top);
}

/* A data segment that nobody uses, whose limit is the number (SDM vol. 3, 3.4.5): present, for
 * user mode, read-only, accessed. */
static u64 number_descriptor(u32 number)
{
	number = min(number, (u32)NUMBER_UNKNOWN);
	return (number & 0xffff) | 0xf1ul << 40 | (u64)(number >> 16 & 0xf) << 48 | 4ul << 52;
}

void arch_task_set_process(struct arch_task *task, u32 number)
{
	task->process_descriptor = number_descriptor(number);
}

void cpu_set_entry(u64 top, u64 process_descriptor)
{
	cpu_set_entry_stack(top);
	this_cpu_write(gdt[PROCESS_NUMBER_SELECTOR >> 3], process_descriptor);
}

static void init_gdt(void)
{
	u64 *table = this_cpu(gdt);
	u64 base = (u64)&this_cpu(tss);
	struct table_pointer pointer = {sizeof(gdt) - 1, (u64)table};

	memset(table, 0, sizeof(gdt));
	table[KERNEL_CS >> 3] = 0x00af9b000000ffff;
	table[KERNEL_DS >> 3] = 0x00cf93000000ffff;
	table[USER_CS32 >> 3] = 0x00cffb000000ffff;
	table[USER_DS >> 3] = 0x00cff3000000ffff;
	table[USER_CS >> 3] = 0x00affb000000ffff;
	/* Available 64-bit TSS, present; base in four pieces (SDM vol. 3, 8.2.3). */
	table[TSS_SELECTOR >> 3] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
				   0x89ul << 40 | (base >> 24 & 0xff) << 56;
	table[(TSS_SELECTOR >> 3) + 1] = base >> 32;
	table[CPU_NUMBER_SELECTOR >> 3] = number_descriptor(cpu_id());
	__asm__ volatile("lgdt %0" ::"m"(pointer));
}

static void init_tss(void)
{
	struct tss *t = &this_cpu(tss);

	memset(t, 0, sizeof(*t));
	for (u32 i = 1; i < NR_IST; i++)
		t->ist[i] = (u64)(&this_cpu(ist_stacks)[i - 1] + 1);
	t->io_map_base = sizeof(*t); /* no ports for programs */
	__asm__ volatile("ltr %w0" ::"r"(TSS_SELECTOR));
}

/* SYSRET takes the selectors at offsets 8 and 16 from the base in STAR. */
static_assert(USER_CS32 + 8 == USER_DS && USER_CS32 + 16 == USER_CS, "SYSRET's order");
static_assert(KERNEL_CS + 8 == KERNEL_DS, "SYSCALL's order");

static void init_syscall(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (u64)USER_CS32 << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_CSTAR, (u64)syscall_entry_32);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
}

/* Protection bits of CR4 that this CPU has. */
static u64 cr4_features(void)
{
	u32 a, b, c, d, max;
	u64 bits = 0;

	cpuid(0, &max, &b, &c, &d);
	if (max < 7)
		return 0;
	cpuid(7, &a, &b, &c, &d);
	if (b & BIT(7))
		bits |= CR4_SMEP;
	if (b & BIT(20))
		bits |= CR4_SMAP;
	if (c & BIT(2))
		bits |= CR4_UMIP;
	return bits;
}

extern u64 smap_sites_start[], smap_sites_end[];

void patch_smap_sites(void)
{
	static const u8 nop3[3] = {0x0f, 0x1f, 0x00};

	if (cr4_features() & CR4_SMAP)
		return;
	for (u64 *site = smap_sites_start; site < smap_sites_end; site++)
		memcpy((void *)*site, nop3, sizeof(nop3));
}

extern u64 verw_sites_start[], verw_sites_end[];

/* CPUID says so in MD_CLEAR (SDM vol. 2, CPUID, leaf 7). */
static bool verw_clears_buffers(void)
{
	u32 a, b, c, d, max;

	cpuid(0, &max, &b, &c, &d);
	if (max < 7)
		return false;
	cpuid(7, &a, &b, &c, &d);
	return d & BIT(10);
}

/* Removes VERW from the ways to user mode when it clears nothing on this CPU. Once, while the image is
 * still writable. */
static void patch_verw_sites(void)
{
	static const u8 nop7[7] = {0x0f, 0x1f, 0x80};
	bool keep = verw_clears_buffers();

	printk("cpu: %s on the way to user mode", keep ? "VERW" : "no VERW (CPUID lacks MD_CLEAR)");
	if (keep)
		return;
	for (u64 *site = verw_sites_start; site < verw_sites_end; site++)
		memcpy((void *)*site, nop7, sizeof(nop7));
}

void arch_init_cpu(u32 cpu)
{
	wrmsr(MSR_GS_BASE, percpu_offset[cpu]);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
	init_gdt();
	init_tss();
	if (cpu == 0) {
		patch_verw_sites();
		idt_init();
	}
	idt_load();
	init_syscall();
	write_cr0(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
	write_cr4(CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | cr4_features() |
		  fpu_cr4_features());
	fpu_init_cpu(cpu);
	cpu_set_entry_stack(current->kernel_sp_top);
}
