/*
 * Vectors and their handlers. A vector is given out once and never taken back, its handler is
 * written before any device can raise it, so dispatch reads the table without a lock.
 */
#include "arch/x86_64/irq_dispatch.h"
#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "cpu/lockdep.h"
#include "cpu/panic.h"
#include "lib/errno.h"

DEFINE_PER_CPU(bool, irq_from_user);

static struct {
	irq_handler_t handler;
	void *arg;
} handlers[256];

static u32 next_vector = VECTOR_DEVICES;

void irq_set_handler(u32 vector, irq_handler_t handler, void *arg)
{
	handlers[vector].arg = arg;
	__atomic_store_n(&handlers[vector].handler, handler, __ATOMIC_RELEASE);
}

int irq_alloc_vector(irq_handler_t handler, void *arg)
{
	u32 vector = __atomic_fetch_add(&next_vector, 1, __ATOMIC_RELAXED);

	if (vector >= VECTOR_DEVICES_END)
		return -ENOSPC;
	irq_set_handler(vector, handler, arg);
	return vector;
}

void irq_dispatch(u64 vector, bool from_user)
{
	irq_handler_t handler = __atomic_load_n(&handlers[vector].handler, __ATOMIC_ACQUIRE);

	this_cpu_write(irq_from_user, from_user);
	if (vector == VECTOR_SPURIOUS)
		return; /* has no in-service bit to end (SDM vol. 3, 11.9) */
	if (!handler)
		panic("interrupt on vector %lu, which nobody asked for", vector);
	lockdep_irq_enter();
	handler(handlers[vector].arg);
	lockdep_irq_exit();
	lapic_end_of_interrupt();
}

void msi_message(u32 vector, u32 cpu, u64 *address, u32 *data)
{
	*address = 0xfee00000 | (u64)acpi.apic_ids[cpu] << 12;
	*data = vector; /* fixed delivery, edge */
}
