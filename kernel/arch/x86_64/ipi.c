/* Inter-processor interrupts that carry no data: reschedule and stop. */
#include "arch/x86_64/irq_dispatch.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "cpu/atomic.h"
#include "cpu/irqflags.h"
#include "cpu/quiesce.h"

/* How long a panic waits for the other CPUs to stop: rounds of a busy wait, because the clock may
 * be what is broken. */
#define STOP_SPINS 10000000

static bool stop_asked;
static atomic_t nr_stopped;

/* Arriving is all that is wanted: on the way back exit_to_user() or the idle loop looks again. */
static void reschedule_interrupt(void *arg)
{
	(void)arg;
}

void ipi_init(void)
{
	irq_set_handler(VECTOR_RESCHEDULE, reschedule_interrupt, NULL);
	quiesce_kick = ipi_reschedule_others;
}

void ipi_reschedule(u32 cpu)
{
	lapic_send(cpu, VECTOR_RESCHEDULE);
}

void ipi_reschedule_others(void)
{
	for_each_cpu (cpu)
		if (cpu != cpu_id() && (READ_ONCE(cpu_online_mask) & BIT(cpu)))
			ipi_reschedule(cpu);
}

void cpu_stop_if_asked(void)
{
	if (!__atomic_load_n(&stop_asked, __ATOMIC_ACQUIRE))
		return;
	atomic_inc(&nr_stopped);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* By NMI, because the others may spin with interrupts off. */
void ipi_stop_others(void)
{
	s32 asked = 0;

	__atomic_store_n(&stop_asked, true, __ATOMIC_RELEASE);
	for_each_cpu (cpu) {
		if (cpu == cpu_id() || !(READ_ONCE(cpu_online_mask) & BIT(cpu)))
			continue;
		lapic_send_nmi(cpu);
		asked++;
	}
	for (u32 spins = 0; atomic_read(&nr_stopped) < asked && spins < STOP_SPINS; spins++)
		cpu_relax();
}
