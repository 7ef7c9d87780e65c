/* The I/O APICs: only ISA interrupts come through them, PCI devices use MSI. Routes are made at
 * boot on CPU 0: no lock. */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/machine.h"
#include "lib/errno.h"

#define IO_APIC_SIZE 0x20

/* Registers are reached through an index and a data window. */
enum { IO_APIC_INDEX = 0x00, IO_APIC_DATA = 0x10 };
enum { IO_APIC_VERSION = 0x01, IO_APIC_ROUTE = 0x10 };

#define ROUTE_ACTIVE_LOW BIT(13)
#define ROUTE_LEVEL      BIT(15)
#define ROUTE_MASKED     BIT(16)

/* Flags of an MADT override; 0 means the ISA bus's way, active high and edge. */
#define MADT_POLARITY_MASK 0x3
#define MADT_ACTIVE_LOW    0x3
#define MADT_TRIGGER_MASK  0xc
#define MADT_LEVEL         0xc

static volatile u32 *registers(const struct acpi_io_apic *io_apic)
{
	return arch_mmio(io_apic->base, IO_APIC_SIZE);
}

static u32 io_apic_read(const struct acpi_io_apic *io_apic, u32 reg)
{
	volatile u32 *r = registers(io_apic);

	r[IO_APIC_INDEX / 4] = reg;
	return r[IO_APIC_DATA / 4];
}

static void io_apic_write(const struct acpi_io_apic *io_apic, u32 reg, u32 v)
{
	volatile u32 *r = registers(io_apic);

	r[IO_APIC_INDEX / 4] = reg;
	r[IO_APIC_DATA / 4] = v;
}

static u32 nr_inputs(const struct acpi_io_apic *io_apic)
{
	return (io_apic_read(io_apic, IO_APIC_VERSION) >> 16 & 0xff) + 1;
}

void io_apic_init(void)
{
	for (u32 i = 0; i < acpi.nr_io_apics; i++) {
		u32 nr = nr_inputs(&acpi.io_apics[i]);

		for (u32 input = 0; input < nr; input++)
			io_apic_write(&acpi.io_apics[i], IO_APIC_ROUTE + 2 * input, ROUTE_MASKED);
	}
}

int irq_route_isa(u32 isa_irq, u32 vector)
{
	struct acpi_isa_route route;
	u32 low = vector;

	if (isa_irq >= NR_ISA_IRQS)
		return -EINVAL;
	route = acpi.isa[isa_irq];
	if ((route.flags & MADT_POLARITY_MASK) == MADT_ACTIVE_LOW)
		low |= ROUTE_ACTIVE_LOW;
	if ((route.flags & MADT_TRIGGER_MASK) == MADT_LEVEL)
		low |= ROUTE_LEVEL;
	for (u32 i = 0; i < acpi.nr_io_apics; i++) {
		const struct acpi_io_apic *io_apic = &acpi.io_apics[i];
		u32 input = route.gsi - io_apic->gsi_base;

		if (route.gsi < io_apic->gsi_base || input >= nr_inputs(io_apic))
			continue;
		io_apic_write(io_apic, IO_APIC_ROUTE + 2 * input + 1, acpi.apic_ids[0] << 24);
		io_apic_write(io_apic, IO_APIC_ROUTE + 2 * input, low);
		return 0;
	}
	return -ENODEV;
}
