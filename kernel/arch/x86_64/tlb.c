/*
 * TLB flushes, here and on other CPUs. There is no PCID: loading CR3 drops all user translations.
 * Those of the kernel are global: INVLPG drops one, turning CR4.PGE off drops all.
 *
 * Shootdown: each CPU owns one request. It writes the range, then the mask of those who still have
 * to answer, interrupts them and spins until the mask is empty. It spins with interrupts on and so
 * serves others meanwhile: two CPUs that shoot at each other both get done. A receiver looks
 * through all requests for its bit, whatever interrupt brought it there.
 *
 * Rejected: one request under a lock (senders would queue, and reclaim flushes all the time).
 */
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq_dispatch.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"

#define KERNEL_HALF 0xffff800000000000ul

/* Beyond this, flushing all and walking again is cheaper than the single flushes. */
#define FLUSH_ALL_PAGES 32

struct tlb_request {
	u64 start, end;
	u64 pending; /* CPUs that have not flushed yet: written by the owner, each bit cleared by
			its CPU */
} __aligned(64);

static struct tlb_request requests[MAX_CPUS];

void load_pgd(phys_addr_t pgd)
{
	write_cr3(pgd);
}

void tlb_flush_local(void)
{
	write_cr3(read_cr3());
}

void tlb_flush_local_page(u64 va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static void flush_global(void)
{
	u64 cr4 = read_cr4();

	write_cr4(cr4 & ~(u64)CR4_PGE);
	write_cr4(cr4);
}

void tlb_flush_local_all(void)
{
	tlb_flush_local();
	flush_global();
}

static void flush_range(u64 start, u64 end)
{
	if (end - start > FLUSH_ALL_PAGES * PAGE_SIZE) {
		if (start >= KERNEL_HALF)
			flush_global();
		else
			tlb_flush_local();
		return;
	}
	for (u64 va = start & PAGE_MASK; va < end; va += PAGE_SIZE)
		tlb_flush_local_page(va);
}

static void shootdown_interrupt(void *arg)
{
	u64 self = BIT(cpu_id());

	(void)arg;
	for_each_cpu (cpu) {
		struct tlb_request *request = &requests[cpu];

		if (!(__atomic_load_n(&request->pending, __ATOMIC_ACQUIRE) & self))
			continue;
		flush_range(request->start, request->end);
		__atomic_and_fetch(&request->pending, ~self, __ATOMIC_RELEASE);
	}
}

void tlb_init(void)
{
	irq_set_handler(VECTOR_TLB, shootdown_interrupt, NULL);
}

void tlb_shootdown(u64 cpu_mask, u64 start, u64 end)
{
	u64 self = BIT(cpu_id());
	u64 others = cpu_mask & ~self;
	struct tlb_request *request = &requests[cpu_id()];

	if (others) {
		BUG_ON(!irqs_enabled());
		request->start = start;
		request->end = end;
		__atomic_store_n(&request->pending, others, __ATOMIC_SEQ_CST);
		for_each_cpu (cpu)
			if (others & BIT(cpu))
				lapic_send(cpu, VECTOR_TLB);
	}
	if (cpu_mask & self)
		flush_range(start, end);
	while (__atomic_load_n(&request->pending, __ATOMIC_ACQUIRE))
		cpu_relax();
}
