/*
 * The AHCI controller as a whole: reset, capabilities, its interrupt. The disk is ahci_port.c's.
 *
 * Owns the controller and its port 1, after the Serial ATA AHCI 1.3.1 specification (section
 * numbers refer to it). Everything is set once at boot; no lock.
 */
#include "dev/ahci.h"

#include "arch/x86_64/irq.h"
#include "cpu/panic.h"
#include "dev/ahci_port.h"
#include "dev/mmio.h"
#include "dev/pci.h"
#include "lib/errno.h"

#define AHCI_CLASS 0x010601
#define AHCI_BAR   5
#define SWAP_PORT  1

/* Generic host control (3.1). */
#define HBA_CAP   0x00
#define HBA_GHC   0x04
#define HBA_IS    0x08
#define HBA_PI    0x0c
#define HBA_PORTS 0x100
#define PORT_SIZE 0x80

#define CAP_SLOTS(cap) (((cap) >> 8 & 0x1f) + 1)
#define CAP_NCQ        BIT(30)
#define CAP_64         BIT(31)
#define GHC_RESET      BIT(0)
#define GHC_INTERRUPTS BIT(1)
#define GHC_AHCI       BIT(31)

/* The specification gives a reset one second (10.4.3). */
#define RESET_LIMIT_NS NSEC_PER_SEC

static u8 *hba;
static struct ahci_port swap_port;

static int reset_controller(void)
{
	mmio_write32(hba + HBA_GHC, GHC_AHCI);
	mmio_write32(hba + HBA_GHC, GHC_AHCI | GHC_RESET);
	if (!mmio_wait32(hba + HBA_GHC, GHC_RESET, 0, RESET_LIMIT_NS)) {
		printk("ahci: the controller does not come out of reset");
		return -EIO;
	}
	mmio_write32(hba + HBA_GHC, GHC_AHCI);
	return 0;
}

static void ahci_interrupt(void *arg)
{
	ahci_port_interrupt(arg);
	/* The controller's bit follows the port's: it can be cleared only afterwards (10.7.2.1). */
	mmio_write32(hba + HBA_IS, BIT(SWAP_PORT));
}

static int route_interrupt(const struct pci_device *pci)
{
	int vector = irq_alloc_vector(ahci_interrupt, &swap_port);

	if (vector < 0)
		return vector;
	return pci_enable_msi(pci, vector, 0);
}

static int open_port(void)
{
	u32 cap = mmio_read32(hba + HBA_CAP);
	int error;

	if (!(cap & CAP_64) && (u64)max_pfn << PAGE_SHIFT > 4096 * MIB) {
		printk("ahci: the controller reaches only 4 GiB of RAM");
		return -ENODEV;
	}
	if (!(mmio_read32(hba + HBA_PI) & BIT(SWAP_PORT))) {
		printk("ahci: the controller has no port %u", SWAP_PORT);
		return -ENODEV;
	}
	error = ahci_port_open(&swap_port, hba + HBA_PORTS + SWAP_PORT * PORT_SIZE, CAP_SLOTS(cap),
			       cap & CAP_NCQ);
	if (error == -ENODEV)
		printk("ahci: no disk at port %u: no swap", SWAP_PORT);
	return error;
}

static int start(const struct pci_device *pci)
{
	int error = reset_controller();

	if (error)
		return error;
	error = open_port();
	if (error)
		return error;
	swap_port.disk.name = "swap";
	error = disk_start(&swap_port.disk);
	if (error)
		return error;
	error = route_interrupt(pci);
	if (error)
		return error;
	ahci_port_enable_interrupts(&swap_port);
	mmio_write32(hba + HBA_GHC, GHC_AHCI | GHC_INTERRUPTS);
	return 0;
}

struct backing *disk_open_swap(void)
{
	const struct pci_device *pci = pci_find_class(AHCI_CLASS);
	int error;

	if (!pci) {
		printk("ahci: no controller: no swap");
		return NULL;
	}
	pci_enable(pci);
	hba = pci_map_bar(pci, AHCI_BAR);
	if (!hba)
		return NULL;
	error = start(pci);
	if (error) {
		if (error != -ENODEV)
			printk("ahci: the swap disk cannot be used (error %d)", error);
		return NULL;
	}
	printk("ahci: swap disk: %lu MiB, %u commands at once%s", swap_port.disk.backing.size / MIB,
	       swap_port.disk.nr_tags, swap_port.ncq ? "" : ", no NCQ");
	return &swap_port.disk.backing;
}
