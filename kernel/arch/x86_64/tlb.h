/*
 * TLB shootdown. Senders wait until every addressed CPU has flushed; a CPU that spins with
 * interrupts off must therefore not wait for a sender. So: interrupts are on, and no lock that is
 * taken with interrupts off is held.
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include "lib/types.h"

/* Flushes the translations of [start, end), a range of programs or of the kernel, on the CPUs of the mask, this one included if its
 * bit is set. More than 32 pages flush everything of that kind. Returns when done. */
void tlb_shootdown(u64 cpu_mask, u64 start, u64 end);

static inline void tlb_shootdown_all(u64 cpu_mask)
{
	tlb_shootdown(cpu_mask, 0, ~0ul);
}

/* This CPU only. */
void tlb_flush_local(void);
void tlb_flush_local_page(u64 va);

/* This CPU, everything. */
void tlb_flush_local_all(void);

/* Loads a top page table on this CPU. */
void load_pgd(phys_addr_t pgd);

#endif
