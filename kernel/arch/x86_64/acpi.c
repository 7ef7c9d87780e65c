/*
 * The ACPI tables: RSDP, RSDT or XSDT, MADT, HPET, MCFG. All are read once, through the early
 * direct map, which reaches everything below 4 GiB; what is needed later is copied out, so mm need
 * not map where firmware put them. Every checksum is verified: a wrong table would otherwise become
 * a hang much later.
 */
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/layout.h"
#include "cpu/panic.h"
#include "lib/string.h"

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	/* from revision 2 */
	u32 length;
	u64 xsdt;
	u8 extended_checksum;
	u8 reserved[3];
} __packed;

#define RSDP_V1_SIZE 20

struct sdt {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[26];
} __packed;

static_assert(sizeof(struct sdt) == 36, "ACPI 6.4, table 5.5");

struct madt {
	struct sdt header;
	u32 lapic_base;
	u32 flags;
	u8 entries[];
} __packed;

enum { MADT_LAPIC = 0, MADT_IO_APIC = 1, MADT_OVERRIDE = 2, MADT_LAPIC_ADDRESS = 5 };

struct madt_entry {
	u8 type, length;
	union {
		struct {
			u8 uid, apic_id;
			u32 flags;
		} __packed lapic;
		struct {
			u8 id, reserved;
			u32 base, gsi_base;
		} __packed io_apic;
		struct {
			u8 bus, source;
			u32 gsi;
			u16 flags;
		} __packed override;
		struct {
			u16 reserved;
			u64 base;
		} __packed lapic_address;
	};
} __packed;

#define MADT_LAPIC_ENABLED BIT(0)

struct hpet_table {
	struct sdt header;
	u32 id;
	u8 space, width, offset, access;
	u64 base;
} __packed;

struct mcfg {
	struct sdt header;
	u64 reserved;
	struct {
		u64 base;
		u16 segment;
		u8 first_bus, last_bus;
		u32 reserved;
	} __packed segments[];
} __packed;

/* Configuration space of one PCI bus. */
#define ECAM_BUS_SIZE MIB

struct acpi_info acpi;
phys_addr_t pci_ecam_base;
u32 pci_ecam_last_bus;

struct phys_range arch_device_ranges[2] = {{DEVICE_WINDOW, 4096 * MIB}};
u32 arch_nr_device_ranges = 1;

static bool checksum_ok(const void *table, size_t size)
{
	u8 sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += ((const u8 *)table)[i];
	return sum == 0;
}

static bool is_rsdp(const struct rsdp *rsdp)
{
	return memcmp(rsdp->signature, "RSD PTR ", 8) == 0 && checksum_ok(rsdp, RSDP_V1_SIZE) &&
	       (rsdp->revision < 2 || checksum_ok(rsdp, rsdp->length));
}

/* Where a BIOS leaves it when the boot loader does not say: on a 16-byte boundary of the last 128
 * KiB below 1 MiB. */
static const struct rsdp *find_rsdp(void)
{
	if (boot_info.rsdp && is_rsdp(phys_to_virt(boot_info.rsdp)))
		return phys_to_virt(boot_info.rsdp);
	for (phys_addr_t at = 0xe0000; at < MIB; at += 16)
		if (is_rsdp(phys_to_virt(at)))
			return phys_to_virt(at);
	panic("no ACPI root pointer");
}

/* The table at `at`, its checksum verified. */
static const struct sdt *table_at(phys_addr_t at)
{
	const struct sdt *table = phys_to_virt(at);

	if (at >= 4096 * MIB)
		panic("ACPI table at %lx, above 4 GiB", at);
	if (table->length < sizeof(*table) || !checksum_ok(table, table->length))
		panic("ACPI table %.4s at %lx has a wrong checksum", table->signature, at);
	return table;
}

/* The table with that signature, or NULL. */
static const void *find_table(const char *signature)
{
	const struct rsdp *rsdp = find_rsdp();
	bool extended = rsdp->revision >= 2 && rsdp->xsdt;
	const struct sdt *root = table_at(extended ? rsdp->xsdt : rsdp->rsdt);
	u32 width = extended ? 8 : 4;
	u32 nr = (root->length - sizeof(*root)) / width;

	for (u32 i = 0; i < nr; i++) {
		u64 at = 0;
		const struct sdt *table;

		memcpy(&at, (const u8 *)(root + 1) + i * width, width);
		table = table_at(at);
		if (memcmp(table->signature, signature, 4) == 0)
			return table;
	}
	return NULL;
}

/* The running CPU is number 0 and comes first whatever the order of the table. */
static void add_cpu(u32 apic_id)
{
	static bool warned;

	if (apic_id == acpi.apic_ids[0])
		return;
	if (nr_cpus < MAX_CPUS)
		acpi.apic_ids[nr_cpus++] = apic_id;
	else if (!warned)
		printk("more than %u CPUs: the others stay off", MAX_CPUS);
	warned |= nr_cpus == MAX_CPUS;
}

static void add_madt_entry(const struct madt_entry *entry)
{
	switch (entry->type) {
	case MADT_LAPIC:
		if (entry->lapic.flags & MADT_LAPIC_ENABLED)
			add_cpu(entry->lapic.apic_id);
		break;
	case MADT_IO_APIC:
		if (acpi.nr_io_apics == ACPI_MAX_IO_APICS)
			panic("more than %u I/O APICs", ACPI_MAX_IO_APICS);
		acpi.io_apics[acpi.nr_io_apics++] =
			(struct acpi_io_apic){entry->io_apic.base, entry->io_apic.gsi_base};
		break;
	case MADT_OVERRIDE:
		if (entry->override.source < NR_ISA_IRQS)
			acpi.isa[entry->override.source] =
				(struct acpi_isa_route){entry->override.gsi, entry->override.flags};
		break;
	case MADT_LAPIC_ADDRESS:
		acpi.lapic_base = entry->lapic_address.base;
		break;
	}
}

static void read_madt(void)
{
	const struct madt *madt = find_table("APIC");
	const u8 *at, *end;
	u32 a, b, c, d;

	if (!madt)
		panic("ACPI has no MADT");
	cpuid(1, &a, &b, &c, &d);
	acpi.apic_ids[0] = b >> 24;
	acpi.lapic_base = madt->lapic_base;
	for (u32 irq = 0; irq < NR_ISA_IRQS; irq++)
		acpi.isa[irq].gsi = irq;
	end = (const u8 *)madt + madt->header.length;
	for (at = madt->entries; at + 2 <= end; at += at[1]) {
		if (at[1] < 2 || at + at[1] > end)
			panic("malformed MADT");
		add_madt_entry((const struct madt_entry *)at);
	}
}

static void read_mcfg(void)
{
	const struct mcfg *mcfg = find_table("MCFG");

	if (!mcfg || mcfg->header.length < sizeof(*mcfg) + sizeof(mcfg->segments[0]))
		return;
	pci_ecam_base = mcfg->segments[0].base;
	pci_ecam_last_bus = mcfg->segments[0].last_bus;
	arch_device_ranges[arch_nr_device_ranges++] = (struct phys_range){
		pci_ecam_base, pci_ecam_base + (pci_ecam_last_bus + 1ul) * ECAM_BUS_SIZE};
}

void arch_init_acpi(void)
{
	const struct hpet_table *hpet = find_table("HPET");

	if (!hpet)
		panic("ACPI has no HPET: nothing to calibrate the clock by");
	acpi.hpet_base = hpet->base;
	read_madt();
	read_mcfg();
}
