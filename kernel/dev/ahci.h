/* The AHCI controller: it has the swap disk. */
#ifndef DEV_AHCI_H
#define DEV_AHCI_H

#include "mm/backing.h"

/*
 * Brings up the controller and the disk at port 1, which is only for swap. NULL, with a line that
 * says why, when there is no controller, no disk or one that does not work. Once, after pci_init();
 * kernel threads can be started, and memory allocated.
 */
struct backing *disk_open_swap(void);

#endif
