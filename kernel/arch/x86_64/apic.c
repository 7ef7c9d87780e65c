/*
 * Local APIC in xAPIC mode and its timer. A CPU touches only its own; the two halves of the
 * interrupt command register are written with interrupts off, because a handler may send too.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/calibrate.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/irq_dispatch.h"
#include "arch/x86_64/machine.h"
#include "arch/x86_64/upcall.h"
#include "cpu/clock.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"

#define LAPIC_SIZE 0x1000

enum {
	LAPIC_TASK_PRIORITY = 0x080,
	LAPIC_EOI = 0x0b0,
	LAPIC_SPURIOUS = 0x0f0,
	LAPIC_ICR_LOW = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};

#define LAPIC_ENABLE    BIT(8)
#define LVT_MASKED      BIT(16)
#define LVT_PERIODIC    BIT(17)
#define TIMER_DIVIDE_16 3
#define ICR_NMI         (4u << 8)
#define ICR_INIT        (5u << 8)
#define ICR_STARTUP     (6u << 8)
#define ICR_PENDING     BIT(12)
#define ICR_ASSERT      BIT(14)

static volatile u32 *lapic;
static u32 timer_period; /* in timer counts */

static u32 lapic_read(u32 reg)
{
	return lapic[reg / 4];
}

static void lapic_write(u32 reg, u32 v)
{
	lapic[reg / 4] = v;
}

void lapic_end_of_interrupt(void)
{
	lapic_write(LAPIC_EOI, 0);
}

static void send(u32 cpu, u32 command)
{
	u64 flags = irq_save();

	while (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING)
		cpu_relax();
	lapic_write(LAPIC_ICR_HIGH, acpi.apic_ids[cpu] << 24);
	lapic_write(LAPIC_ICR_LOW, command | ICR_ASSERT);
	irq_restore(flags);
}

void lapic_send(u32 cpu, u32 vector)
{
	send(cpu, vector);
}

void lapic_send_nmi(u32 cpu)
{
	send(cpu, ICR_NMI);
}

void lapic_send_init(u32 cpu)
{
	send(cpu, ICR_INIT);
}

void lapic_send_startup(u32 cpu, phys_addr_t page)
{
	send(cpu, ICR_STARTUP | page >> PAGE_SHIFT);
}

/* The timer counts down. */
static u32 timer_elapsed(void)
{
	return ~lapic_read(LAPIC_TIMER_CURRENT);
}

void lapic_calibrate_timer(void)
{
	struct calibration c;

	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TIMER_DIVIDE, TIMER_DIVIDE_16);
	lapic_write(LAPIC_TIMER_INITIAL, ~0u);
	c = calibrate(timer_elapsed);
	timer_period = c.counts * (clock.tsc_hz / TICK_HZ) / c.tsc;
	if (timer_period == 0)
		panic("the local APIC timer does not run");
}

static void timer_interrupt(void *arg)
{
	(void)arg;
	upcall_tick(this_cpu_read(irq_from_user));
}

void lapic_init_cpu(void)
{
	lapic_write(LAPIC_TASK_PRIORITY, 0);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED); /* the 8259, which is not used */
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_TIMER_DIVIDE, TIMER_DIVIDE_16);
	lapic_write(LAPIC_LVT_TIMER, LVT_PERIODIC | VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INITIAL, timer_period);
}

void lapic_stop_timer(void)
{
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
}

/* Both 8259 interrupt controllers: every input masked. */
static void mask_pic(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void arch_init_interrupts(void)
{
	lapic = arch_mmio(acpi.lapic_base, LAPIC_SIZE);
	mask_pic();
	io_apic_init();
	irq_set_handler(VECTOR_TIMER, timer_interrupt, NULL);
	ipi_init();
	tlb_init();
	lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	lapic_calibrate_timer();
	lapic_init_cpu();
}
