/* The local APIC (SDM vol. 3, chapter 11) of the running CPU, by its memory-mapped registers.
 * Private to arch. */
#ifndef ARCH_APIC_H
#define ARCH_APIC_H

#include "lib/types.h"

/* Measures the timer; once, after arch_init_clock(). */
void lapic_calibrate_timer(void);

/* Switches it on and starts the periodic timer: on each CPU, interrupts off. */
void lapic_init_cpu(void);

/* An interrupt that it had raised before still comes. */
void lapic_stop_timer(void);

void lapic_end_of_interrupt(void);

/* Sends an interrupt to another CPU; any context. */
void lapic_send(u32 cpu, u32 vector);
void lapic_send_nmi(u32 cpu);
void lapic_send_init(u32 cpu);
/* The CPU begins in real mode at that physical page, below 1 MiB. */
void lapic_send_startup(u32 cpu, phys_addr_t page);

/* Masks every input. */
void io_apic_init(void);

#endif
