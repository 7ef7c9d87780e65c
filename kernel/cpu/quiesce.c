/*
 * Parking all CPUs but one.
 *
 * Two steps, because a CPU on its way to its quiesce point may be waiting for a parked one to flush
 * its TLB:
 *
 *   gather   who parks spins with interrupts on and serves shootdowns, until all others are parked;
 *   freeze   then nobody waits for anybody any more, and all turn interrupts off, the initiator
 *            last, so that no handler changes anything or emits an event while it looks.
 *
 * The end waits until all have left, before the next initiator may begin: a CPU that has seen the
 * end but not yet taken its bit out of the masks must not be mistaken for one that is parked for
 * the next.
 */
#include "cpu/quiesce.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"
#include "cpu/spinlock.h"

u32 quiesce_wanted;
void (*quiesce_kick)(void);

static u32 owner; /* cpu + 1 of the initiator from begin to end, or 0; taken by compare-exchange */
static u32 depth; /* begins of the owner; own CPU only */
static bool freeze;     /* the gathering is over */
static u64 parked_mask; /* CPUs that spin in quiesce_park(); atomic */
static u64 frozen_mask; /* those of them with interrupts off; atomic */

/* Where quiesce_park() runs; NULL: nowhere. Own CPU only, and who looks while it is parked. */
static DEFINE_PER_CPU(const void *, parked_frame);

static void mask_set(u64 *mask, u64 bit)
{
	__atomic_or_fetch(mask, bit, __ATOMIC_SEQ_CST);
}
static void mask_clear(u64 *mask, u64 bit)
{
	__atomic_and_fetch(mask, ~bit, __ATOMIC_SEQ_CST);
}

static bool become_owner(u32 me)
{
	u32 nobody = 0;

	return __atomic_compare_exchange_n(&owner, &nobody, me, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* A CPU may come online meanwhile, so the mask of those to wait for is read again each time. */
static void wait_for_others(const u64 *mask)
{
	u64 self = BIT(cpu_id());

	while ((READ_ONCE(*mask) | self | ~READ_ONCE(cpu_online_mask)) != ~0ul)
		cpu_relax();
}

void quiesce_begin(void)
{
	u32 me = cpu_id() + 1;

	BUG_ON(spinlocks_held() != 0);
	if (quiesce_is_mine()) {
		depth++;
		return;
	}
	ASSERT(irqs_enabled());
	while (!become_owner(me)) {
		quiesce_point();
		cpu_relax();
	}
	depth = 1;
	__atomic_store_n(&quiesce_wanted, me, __ATOMIC_SEQ_CST);
	if (quiesce_kick)
		quiesce_kick();
	wait_for_others(&parked_mask);
	__atomic_store_n(&freeze, true, __ATOMIC_SEQ_CST);
	wait_for_others(&frozen_mask);
	irq_disable();
}

void quiesce_end(void)
{
	BUG_ON(!quiesce_is_mine());
	if (--depth > 0)
		return;
	__atomic_store_n(&quiesce_wanted, 0, __ATOMIC_SEQ_CST);
	irq_enable();
	while (READ_ONCE(parked_mask) != 0)
		cpu_relax();
	freeze = false;
	__atomic_store_n(&owner, 0, __ATOMIC_SEQ_CST);
}

bool quiesce_is_mine(void)
{
	return READ_ONCE(owner) == cpu_id() + 1;
}

void quiesce_park(void)
{
	u64 self = BIT(cpu_id());

	if (quiesce_is_mine())
		return; /* the initiator comes by */
	BUG_ON(spinlocks_held() != 0);
	ASSERT(irqs_enabled());

	this_cpu_write(parked_frame, __builtin_frame_address(0));
	mask_set(&parked_mask, self);
	while (READ_ONCE(quiesce_wanted) && !READ_ONCE(freeze))
		cpu_relax();
	if (READ_ONCE(quiesce_wanted)) {
		irq_disable();
		mask_set(&frozen_mask, self);
		while (READ_ONCE(quiesce_wanted))
			cpu_relax();
		mask_clear(&frozen_mask, self);
		irq_enable();
	}
	this_cpu_write(parked_frame, NULL);
	mask_clear(&parked_mask, self);
}

const void *debug_parked_frame(u32 cpu)
{
	return per_cpu(parked_frame, cpu);
}
