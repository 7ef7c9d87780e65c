/* What traps.c, apic.c and ipi.c share about interrupts: private to arch. */
#ifndef ARCH_IRQ_DISPATCH_H
#define ARCH_IRQ_DISPATCH_H

#include "arch/x86_64/irq.h"
#include "cpu/percpu.h"

/* Vectors: exceptions, then those of devices, then those that arch uses itself. */
#define NR_EXCEPTIONS      32
#define VECTOR_DEVICES     0x30
#define VECTOR_DEVICES_END 0x80 /* the vector of INT 0x80 */
#define VECTOR_TIMER       0xf0
#define VECTOR_RESCHEDULE  0xf1
#define VECTOR_TLB         0xf2
#define VECTOR_SPURIOUS    0xff

/* Whether the interrupt that is being handled came from user mode. */
DECLARE_PER_CPU(bool, irq_from_user);

/* Runs the handler of a vector and tells the local APIC. Interrupts off. */
void irq_dispatch(u64 vector, bool from_user);

/* Registers the handler of one of arch's own vectors. */
void irq_set_handler(u32 vector, irq_handler_t handler, void *arg);

/* Registers the handlers of the reschedule and shootdown interrupts. */
void ipi_init(void);
void tlb_init(void);

/* Halts this CPU for good when ipi_stop_others() asked for it; else returns. */
void cpu_stop_if_asked(void);

#endif
