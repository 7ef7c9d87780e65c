/*
 * Starting the other CPUs, one after the other, so that one description of where to go suffices.
 * The trampoline is copied to its page while the early tables still map it writable; what changes
 * per CPU is in secondary_boot, in the image.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/upcall.h"
#include "cpu/clock.h"
#include "cpu/current.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "lib/string.h"

/* SDM vol. 3, 9.4.4.1. */
#define INIT_DELAY_NS    (10 * NSEC_PER_MSEC)
#define STARTUP_DELAY_NS (200 * NSEC_PER_USEC)
/* Generous: the host may run this CPU only seldom. */
#define START_LIMIT_NS (10 * NSEC_PER_SEC)

void *(*arch_alloc_pages)(u32 nr_pages);
u64 (*arch_alloc_stack)(void);

/* For secondary_entry in pvh.S. */
struct secondary_boot {
	u64 pgd;
	u64 stack_top;
	u32 cpu;
};
extern struct secondary_boot secondary_boot;
struct secondary_boot secondary_boot;

static_assert(offsetof(struct secondary_boot, stack_top) == 8, "pvh.S");
static_assert(offsetof(struct secondary_boot, cpu) == 16, "pvh.S");

void secondary_main(u32 cpu) __noreturn;
extern const u8 trampoline_start[], trampoline_end[];

void smp_install_trampoline(void)
{
	memcpy(phys_to_virt(TRAMPOLINE), trampoline_start, trampoline_end - trampoline_start);
}

void secondary_main(u32 cpu)
{
	arch_init_cpu(cpu);
	lapic_init_cpu();
	/* Not before its APIC takes interrupts: from now on others wait for its answers. */
	__atomic_or_fetch(&cpu_online_mask, BIT(cpu), __ATOMIC_SEQ_CST);
	upcall_secondary_cpu();
	panic("upcall_secondary_cpu() returned");
}

static bool is_online(u32 cpu)
{
	return __atomic_load_n(&cpu_online_mask, __ATOMIC_ACQUIRE) & BIT(cpu);
}

static int start_cpu(u32 cpu)
{
	void *area = arch_alloc_pages(percpu_size() >> PAGE_SHIFT);
	u64 stack_top = arch_alloc_stack();
	u64 start;

	if (!area || !stack_top)
		return -ENOMEM;
	percpu_init_cpu(cpu, area);
	per_cpu(current_task, cpu)->kernel_sp_top = stack_top;
	secondary_boot = (struct secondary_boot){read_cr3(), stack_top, cpu};

	lapic_send_init(cpu);
	delay_ns(INIT_DELAY_NS);
	for (u32 attempt = 0; attempt < 2 && !is_online(cpu); attempt++) {
		lapic_send_startup(cpu, TRAMPOLINE);
		delay_ns(STARTUP_DELAY_NS);
	}
	for (start = clock_ns(); !is_online(cpu); cpu_relax())
		if (clock_ns() - start > START_LIMIT_NS)
			panic("CPU %u does not start", cpu);
	return 0;
}

void arch_leave_cpu(void)
{
	irq_disable();
	lapic_stop_timer();
	irq_enable(); /* the last tick, if it was under way */
}

void arch_return_cpu(void)
{
	irq_disable();
	tlb_flush_local_all();
	lapic_init_cpu();
	irq_enable();
}

int arch_start_cpus(void)
{
	for (u32 cpu = 1; cpu < nr_cpus; cpu++) {
		int error = start_cpu(cpu);

		if (error)
			return error;
	}
	return 0;
}
