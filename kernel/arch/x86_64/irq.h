/* Interrupt vectors, handlers, inter-processor interrupts, the end of the machine. */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include "lib/types.h"

typedef void (*irq_handler_t)(void *arg);

/* A free vector whose interrupts call handler(arg), interrupts off. Returns it, or -ENOSPC. */
int irq_alloc_vector(irq_handler_t handler, void *arg);

/* Address and data words that make a device raise `vector` on `cpu` by MSI (SDM vol. 3, 11.11). */
void msi_message(u32 vector, u32 cpu, u64 *address, u32 *data);

/* Routes an ISA interrupt (0-15) to a vector on CPU 0 through the I/O APIC, honouring MADT
 * overrides. */
int irq_route_isa(u32 isa_irq, u32 vector);

/* Makes a CPU leave its idle halt or user mode and run upcall_return_to_user() soon. */
void ipi_reschedule(u32 cpu);
void ipi_reschedule_others(void);

/* Stops all other CPUs for good (panic). */
void ipi_stop_others(void);

/* Hotplug, on the CPU itself, interrupts on: no tick from when arch_leave_cpu() returns until arch_return_cpu(), which also
 * forgets all translations: nobody told it meanwhile what changed. */
void arch_leave_cpu(void);
void arch_return_cpu(void);

/* Halts until an interrupt; called with interrupts off, returns with them on. */
void arch_idle_wait(void);

/* Ends QEMU through isa-debug-exit with (value << 1 | 1); halts if the device is not there. */
void arch_exit_machine(u32 value) __noreturn;

#endif
