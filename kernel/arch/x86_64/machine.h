/* Device registers by physical address. */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include "lib/types.h"

/* The address of device registers, which lie in one of arch_device_ranges (boot.h); panics when
 * they do not. Nothing to undo. After arch_init_acpi(). */
void *arch_mmio(phys_addr_t phys, size_t size);

#endif
