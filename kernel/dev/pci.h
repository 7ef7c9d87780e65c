/*
 * PCI Express functions: finding them, their configuration space, their registers,
 * message-signalled interrupts. Everything here runs at boot, on one CPU, before the devices work.
 */
#ifndef DEV_PCI_H
#define DEV_PCI_H

#include "lib/types.h"

struct pci_device {
	u8 bus, slot, function;
	u16 vendor, device;
	u32 class; /* base class, subclass and programming interface, 8 bits each */
};

#define PCI_CAP_MSI    0x05
#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

/* Lists all functions behind the host bridge. Once, after arch_init_acpi(); without MCFG there are
 * none, and it says so. */
void pci_init(void);

/* The first function of that class, or of that vendor and device; NULL when there is none. */
const struct pci_device *pci_find_class(u32 class);
const struct pci_device *pci_find_device(u16 vendor, u16 device);

u8 pci_read8(const struct pci_device *pci, u32 offset);
u16 pci_read16(const struct pci_device *pci, u32 offset);
u32 pci_read32(const struct pci_device *pci, u32 offset);
void pci_write16(const struct pci_device *pci, u32 offset, u16 value);
void pci_write32(const struct pci_device *pci, u32 offset, u32 value);

/* Offset of the first capability of that kind behind `after` (0: the first at all), or 0. */
u32 pci_find_capability(const struct pci_device *pci, u8 id, u32 after);

/* Lets the function answer to its memory BARs and read and write RAM; turns its legacy interrupt
 * off. */
void pci_enable(const struct pci_device *pci);

/*
 * The registers behind a memory BAR, uncached. NULL, with a line that says why, when the BAR is
 * not in memory, was not assigned by the firmware or lies outside what the kernel maps.
 */
void *pci_map_bar(const struct pci_device *pci, u32 bar);

/* Makes the function raise `vector` on `cpu`, by MSI or by one entry of its MSI-X table. Returns 0
 * or -ENODEV. */
int __must_check pci_enable_msi(const struct pci_device *pci, u32 vector, u32 cpu);
int __must_check pci_enable_msix(const struct pci_device *pci, u32 entry, u32 vector, u32 cpu);

#endif
