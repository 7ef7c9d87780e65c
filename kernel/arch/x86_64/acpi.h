/* What the firmware tables say about interrupt controllers and timers; filled by arch_init_acpi(),
 * read-only afterwards. Private to arch. */
#ifndef ARCH_ACPI_H
#define ARCH_ACPI_H

#include "cpu/percpu.h"

#define ACPI_MAX_IO_APICS 4
#define NR_ISA_IRQS       16

struct acpi_io_apic {
	phys_addr_t base;
	u32 gsi_base; /* global number of its first input */
};

/* Which global input an ISA interrupt arrives at, and how (MADT flags: ACPI 6.4, table 5.28). */
struct acpi_isa_route {
	u32 gsi;
	u16 flags;
};

struct acpi_info {
	phys_addr_t lapic_base;
	phys_addr_t hpet_base;
	u32 apic_ids[MAX_CPUS]; /* by CPU number; CPU 0 is the one that booted */
	u32 nr_io_apics;
	struct acpi_io_apic io_apics[ACPI_MAX_IO_APICS];
	struct acpi_isa_route isa[NR_ISA_IRQS];
};

extern struct acpi_info acpi;

#endif
