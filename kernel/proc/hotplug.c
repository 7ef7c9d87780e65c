/*
 * CPU hotplug. A CPU goes through these states; who writes which:
 *
 *   PRESENT   it runs tasks
 *   LEAVING   written by cpu_down(). It is not in cpu_active_mask any more, so nothing comes to its queue; what waited there was
 *             placed elsewhere, what runs leaves at its next switch (sched.c)
 *   EMPTY     written by the CPU itself, by its idle task: it runs nothing, holds no free frames and has no tick. It still
 *             answers shootdowns and parks. cpu_down() then takes it out of cpu_online_mask, with all CPUs quiesced: nobody is
 *             between reading the mask and waiting for an answer, and its ring is flushed with nothing half written in it
 *   WANTED    written by cpu_up(), after it was put into cpu_online_mask, quiesced again
 *   PRESENT   written by the CPU itself, when its TLB is flushed and its tick runs
 *
 * While it is away it stays halted in its idle task with interrupts on, and the only one it gets is the one that brings it
 * back. It was rejected to let it start anew from the trampoline: nothing in its area has to be made again.
 *
 * Nothing else is a CPU's own. Sleepers and timers are in one list, which CPU 0 looks at; device interrupts go to CPU 0; pages
 * are put on LRU lists without batches; counters (vmstat, ticks, events told) are summed over all CPUs, those away included; the
 * place where a CPU looks for its next swap slot is a hint that holds no slot; an address space is on a CPU only while it runs
 * a task of it, so no TLB flush for programs waits for this one.
 *
 * Locks: hotplug_lock (RANK_HOTPLUG, sleeping): one at a time.
 */
#include "proc/hotplug.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/irq.h"
#include "cpu/clock.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "cpu/rwsem.h"
#include "lib/errno.h"
#include "mm/page_alloc.h"
#include "proc/runqueue.h"
#include "trace/ring.h"
#include "trace/trace.h"

enum hotplug_state { CPU_PRESENT, CPU_LEAVING, CPU_EMPTY, CPU_WANTED };

static DEFINE_PER_CPU(enum hotplug_state, hotplug_state);

static struct rwsem hotplug_lock = RWSEM_INIT(hotplug_lock, RANK_HOTPLUG);
static DEFINE_WAIT_QUEUE(hotplug_wait); /* until the CPU has written its state */

static void set_state(u32 cpu, enum hotplug_state state)
{
	__atomic_store_n(&per_cpu(hotplug_state, cpu), state, __ATOMIC_SEQ_CST);
}

static enum hotplug_state state_of(u32 cpu)
{
	return __atomic_load_n(&per_cpu(hotplug_state, cpu), __ATOMIC_SEQ_CST);
}

static bool is_online(u32 cpu)
{
	return READ_ONCE(cpu_online_mask) >> cpu & 1;
}

/* Out of the masks, with everybody else parked, the CPU itself included. */
static void take_off(u32 cpu)
{
	quiesce_begin();
	BUG_ON(cpu == cpu_id() || debug_rq_load(cpu) != 0);
	TRACE(cpu_offline, .cpu = cpu);
	trace_flush(cpu);
	__atomic_fetch_and(&cpu_online_mask, ~BIT(cpu), __ATOMIC_SEQ_CST);
	quiesce_end();
}

int cpu_down(u32 cpu)
{
	if (cpu == 0)
		return -EBUSY;
	down_write(&hotplug_lock);
	if (is_online(cpu)) {
		set_state(cpu, CPU_LEAVING);
		rq_close(cpu);
		wait_event(&hotplug_wait, state_of(cpu) == CPU_EMPTY);
		take_off(cpu);
	}
	up_write(&hotplug_lock);
	return 0;
}

int cpu_up(u32 cpu)
{
	down_write(&hotplug_lock);
	if (!is_online(cpu)) {
		quiesce_begin();
		__atomic_fetch_or(&cpu_online_mask, BIT(cpu), __ATOMIC_SEQ_CST);
		TRACE(cpu_online, .cpu = cpu);
		quiesce_end();
		set_state(cpu, CPU_WANTED);
		ipi_reschedule(cpu);
		wait_event(&hotplug_wait, state_of(cpu) == CPU_PRESENT);
	}
	up_write(&hotplug_lock);
	return 0;
}

bool hotplug_wants_me(void)
{
	return unlikely(READ_ONCE(this_cpu(hotplug_state)) != CPU_PRESENT);
}

/* Tells who waits for it. */
static void reach_state(enum hotplug_state state)
{
	set_state(cpu_id(), state);
	wake_up(&hotplug_wait);
}

static void wait_until_wanted(void)
{
	while (state_of(cpu_id()) != CPU_WANTED) {
		irq_disable();
		if (state_of(cpu_id()) != CPU_WANTED && !READ_ONCE(quiesce_wanted))
			arch_idle_wait();
		else
			irq_enable();
		quiesce_point();
	}
}

void hotplug_leave(void)
{
	page_alloc_leave_cpu();
	arch_leave_cpu();
	rq_stop_idle_time();
	reach_state(CPU_EMPTY);
	wait_until_wanted();
	arch_return_cpu();
	rq_open();
	reach_state(CPU_PRESENT);
}
