/*
 * PCI Express functions, through the memory-mapped configuration space (ECAM) that the ACPI table
 * MCFG names.
 *
 * Owns the list of functions, which is fixed after pci_init(): no lock.
 *
 * The firmware has run before us and has assigned bus numbers and BARs; both are taken as they are.
 * The kernel maps the 32-bit window of the host bridge, where SeaBIOS puts everything that fits,
 * prefetchable 64-bit BARs included. Rejected: assigning BARs ourselves, which needs the whole
 * resource tree to be safe, for a case that this machine does not have; a BAR elsewhere gets a
 * clear line instead.
 */
#include "dev/pci.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/layout.h"
#include "cpu/panic.h"
#include "dev/mmio.h"
#include "lib/errno.h"

/* Offsets in configuration space (PCI 3.0, 6.1) and the bits used of them. */
#define PCI_VENDOR         0x00
#define PCI_DEVICE         0x02
#define PCI_COMMAND        0x04
#define PCI_STATUS         0x06
#define PCI_CLASS_REVISION 0x08
#define PCI_HEADER_TYPE    0x0e
#define PCI_BAR0           0x10
#define PCI_SECONDARY_BUS  0x19
#define PCI_CAPABILITIES   0x34

#define COMMAND_MEMORY   BIT(1)
#define COMMAND_MASTER   BIT(2)
#define COMMAND_NO_INTX  BIT(10)
#define STATUS_HAS_CAPS  BIT(4)
#define HEADER_MULTI     BIT(7)
#define HEADER_TYPE_MASK 0x7f
#define HEADER_BRIDGE    1
#define NO_VENDOR        0xffff

#define BAR_IO        BIT(0)
#define BAR_64        BIT(2)
#define BAR_ADDR_MASK 0xfffffff0u
#define NR_BARS       6

/* The capability list lies in the first 256 bytes behind the header of 64, 4 bytes at least each:
 * more is a loop. */
#define MAX_CAPABILITIES ((256 - 64) / 4)

/* MSI (PCI 3.0, 6.8.1) and MSI-X (6.8.2): offsets from the capability, and bits of its control
 * word. */
#define MSI_CONTROL          2
#define MSI_ADDRESS          4
#define MSI_CONTROL_ENABLE   BIT(0)
#define MSI_CONTROL_MULTIPLE (7u << 4)
#define MSI_CONTROL_64       BIT(7)
#define MSIX_CONTROL         2
#define MSIX_TABLE           4
#define MSIX_CONTROL_SIZE    0x7ff
#define MSIX_CONTROL_MASK    BIT(14)
#define MSIX_CONTROL_ENABLE  BIT(15)
#define MSIX_TABLE_BAR       7u

struct msix_entry {
	u64 address;
	u32 data;
	u32 masked; /* bit 0 */
};

/* q35 with every device of a scenario has about ten. */
#define MAX_DEVICES 64

static struct pci_device devices[MAX_DEVICES];
static u32 nr_devices;

static void *config_address(const struct pci_device *pci, u32 offset)
{
	u64 function = (u64)pci->bus << 20 | (u64)pci->slot << 15 | (u64)pci->function << 12;

	return (u8 *)phys_to_virt(pci_ecam_base + function) + offset;
}

u8 pci_read8(const struct pci_device *pci, u32 offset)
{
	return mmio_read8(config_address(pci, offset));
}

u16 pci_read16(const struct pci_device *pci, u32 offset)
{
	return mmio_read16(config_address(pci, offset));
}

u32 pci_read32(const struct pci_device *pci, u32 offset)
{
	return mmio_read32(config_address(pci, offset));
}

void pci_write16(const struct pci_device *pci, u32 offset, u16 value)
{
	mmio_write16(config_address(pci, offset), value);
}

void pci_write32(const struct pci_device *pci, u32 offset, u32 value)
{
	mmio_write32(config_address(pci, offset), value);
}

static void add_device(const struct pci_device *pci)
{
	if (nr_devices == MAX_DEVICES) {
		printk("pci: more than %u functions: %x:%x.%x is not used", MAX_DEVICES, pci->bus,
		       pci->slot, pci->function);
		return;
	}
	devices[nr_devices++] = *pci;
}

/* Adds the functions of one slot; marks the buses behind its bridges in `reachable`. */
static void scan_slot(u8 bus, u8 slot, bool *reachable)
{
	u32 nr_functions = 1;

	for (u32 function = 0; function < nr_functions; function++) {
		struct pci_device pci = {.bus = bus, .slot = slot, .function = function};
		u8 header;

		pci.vendor = pci_read16(&pci, PCI_VENDOR);
		if (pci.vendor == NO_VENDOR)
			continue;
		pci.device = pci_read16(&pci, PCI_DEVICE);
		pci.class = pci_read32(&pci, PCI_CLASS_REVISION) >> 8;
		header = pci_read8(&pci, PCI_HEADER_TYPE);
		if (function == 0 && (header & HEADER_MULTI))
			nr_functions = 8;
		if ((header & HEADER_TYPE_MASK) == HEADER_BRIDGE)
			reachable[pci_read8(&pci, PCI_SECONDARY_BUS)] = true;
		add_device(&pci);
	}
}

void pci_init(void)
{
	/* A bus behind a bridge has a higher number than the one before it: one pass is enough. */
	bool reachable[256] = {true};

	if (!pci_ecam_base) {
		printk("pci: the firmware names no configuration space (MCFG): no devices");
		return;
	}
	for (u32 bus = 0; bus <= pci_ecam_last_bus && bus < ARRAY_SIZE(reachable); bus++)
		for (u32 slot = 0; slot < 32 && reachable[bus]; slot++)
			scan_slot(bus, slot, reachable);
}

const struct pci_device *pci_find_class(u32 class)
{
	for (u32 i = 0; i < nr_devices; i++)
		if (devices[i].class == class)
			return &devices[i];
	return NULL;
}

const struct pci_device *pci_find_device(u16 vendor, u16 device)
{
	for (u32 i = 0; i < nr_devices; i++)
		if (devices[i].vendor == vendor && devices[i].device == device)
			return &devices[i];
	return NULL;
}

u32 pci_find_capability(const struct pci_device *pci, u8 id, u32 after)
{
	u32 offset = after ? after + 1u : PCI_CAPABILITIES;

	if (!(pci_read16(pci, PCI_STATUS) & STATUS_HAS_CAPS))
		return 0;
	for (u32 i = 0; i < MAX_CAPABILITIES; i++) {
		offset = pci_read8(pci, offset) & ~3u;
		if (offset == 0 || pci_read8(pci, offset) == id)
			return offset;
		offset++; /* the link stands behind the id */
	}
	return 0;
}

void pci_enable(const struct pci_device *pci)
{
	u16 command = pci_read16(pci, PCI_COMMAND);

	pci_write16(pci, PCI_COMMAND, command | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_NO_INTX);
}

/*
 * Whether the kernel maps the registers at `address`. BARs are aligned to their size and device
 * ranges to more than any of ours has, so one that begins in a range ends in it.
 */
static bool is_mapped(u64 address)
{
	for (u32 i = 0; i < arch_nr_device_ranges; i++)
		if (address >= arch_device_ranges[i].start && address < arch_device_ranges[i].end)
			return true;
	return false;
}

void *pci_map_bar(const struct pci_device *pci, u32 bar)
{
	u32 low;
	u64 address;

	if (bar >= NR_BARS || (pci_read32(pci, PCI_BAR0 + 4 * bar) & BAR_IO)) {
		printk("pci %x:%x.%x: BAR %u is not in memory", pci->bus, pci->slot, pci->function,
		       bar);
		return NULL;
	}
	low = pci_read32(pci, PCI_BAR0 + 4 * bar);
	address = low & BAR_ADDR_MASK;
	if ((low & BAR_64) && bar + 1 < NR_BARS)
		address |= (u64)pci_read32(pci, PCI_BAR0 + 4 * bar + 4) << 32;
	if (!is_mapped(address)) {
		printk("pci %x:%x.%x: BAR %u at 0x%lx lies outside the ranges for devices",
		       pci->bus, pci->slot, pci->function, bar, address);
		return NULL;
	}
	return phys_to_virt(address);
}

int pci_enable_msi(const struct pci_device *pci, u32 vector, u32 cpu)
{
	u32 cap = pci_find_capability(pci, PCI_CAP_MSI, 0);
	u16 control;
	u64 address;
	u32 data;

	if (!cap)
		return -ENODEV;
	control = pci_read16(pci, cap + MSI_CONTROL);
	msi_message(vector, cpu, &address, &data);
	pci_write32(pci, cap + MSI_ADDRESS, address);
	if (control & MSI_CONTROL_64) {
		pci_write32(pci, cap + MSI_ADDRESS + 4, address >> 32);
		pci_write16(pci, cap + MSI_ADDRESS + 8, data);
	} else {
		pci_write16(pci, cap + MSI_ADDRESS + 4, data);
	}
	control &= ~MSI_CONTROL_MULTIPLE;
	pci_write16(pci, cap + MSI_CONTROL, control | MSI_CONTROL_ENABLE);
	return 0;
}

int pci_enable_msix(const struct pci_device *pci, u32 entry, u32 vector, u32 cpu)
{
	u32 cap = pci_find_capability(pci, PCI_CAP_MSIX, 0);
	struct msix_entry *table;
	u16 control;
	u32 where;
	u64 address;
	u32 data;

	if (!cap)
		return -ENODEV;
	control = pci_read16(pci, cap + MSIX_CONTROL);
	if (entry > (control & MSIX_CONTROL_SIZE))
		return -ENODEV;
	where = pci_read32(pci, cap + MSIX_TABLE);
	table = pci_map_bar(pci, where & MSIX_TABLE_BAR);
	if (!table)
		return -ENODEV;
	table = (struct msix_entry *)((u8 *)table + (where & ~MSIX_TABLE_BAR));

	msi_message(vector, cpu, &address, &data);
	mmio_write32(&table[entry].masked, 1);
	mmio_write32(&table[entry].address, address);
	mmio_write32((u8 *)&table[entry].address + 4, address >> 32);
	mmio_write32(&table[entry].data, data);
	mmio_write32(&table[entry].masked, 0);
	control &= ~MSIX_CONTROL_MASK;
	pci_write16(pci, cap + MSIX_CONTROL, control | MSIX_CONTROL_ENABLE);
	return 0;
}
