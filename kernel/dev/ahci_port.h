/* One port of the AHCI controller. Only for ahci.c and ahci_port.c. */
#ifndef DEV_AHCI_PORT_H
#define DEV_AHCI_PORT_H

#include "dev/block.h"

struct ahci_dma;

/* Everything but the last two is constant once the disk has started. */
struct ahci_port {
	struct disk disk;
	u8 *regs;             /* of this port */
	struct ahci_dma *dma; /* what the controller reads and writes */
	bool ncq;             /* native command queueing; without it there is one tag */
	u32 status; /* atomic: bits of PxIS that the handler took and finished() has not seen */
	bool in_handler; /* atomic: between reading PxIS and adding it to `status` */
};

/*
 * Brings up the port whose registers are at `regs` and asks the disk what it is; `nr_slots`
 * commands fit into the controller, and ncq says whether it can queue. Sets everything that
 * disk_start() wants but the name. Returns 0; -ENODEV when no disk is there, -EIO when it does not
 * work (printed), -ENOMEM. Polls, may sleep.
 */
int __must_check ahci_port_open(struct ahci_port *port, u8 *regs, u32 nr_slots, bool ncq);

/* Lets the port raise interrupts, and what their handler does for it. */
void ahci_port_enable_interrupts(struct ahci_port *port);
void ahci_port_interrupt(struct ahci_port *port);

#endif
