/*
 * How much memory a process may have and lock: resource limits and capabilities. They belong to
 * proc, which implements the first two functions; the rest are Linux's rules made of them.
 */
#ifndef MM_LIMITS_H
#define MM_LIMITS_H

#include "mm/mm.h"

/* Linux's numbers. */
#define MEM_RLIMIT_DATA      2
#define MEM_RLIMIT_STACK     3
#define MEM_RLIMIT_MEMLOCK   8
#define MEM_RLIMIT_AS        9
#define MEM_CAP_IPC_LOCK     14
#define MEM_CAP_SYS_RAWIO    17
#define MEM_CAP_SYS_ADMIN    21
#define MEM_CAP_SYS_RESOURCE 24

/* The current process's soft limit, in bytes; ~0: none. */
u64 current_rlimit(u32 resource);
bool current_capable(u32 capability);

/* Whether `pages` more with these VM_* flags stay within RLIMIT_AS and RLIMIT_DATA (Linux's
 * may_expand_vm()). mmap_lock held for writing. */
bool mm_may_expand(const struct mm *mm, u32 flags, u64 pages);

/* Whether `pages` more of a VMA with these flags may be mapped as far as RLIMIT_MEMLOCK goes: -EAGAIN
 * if they would be locked and must not. mmap_lock held for writing. */
int mm_may_lock(const struct mm *mm, u32 flags, u64 pages);

/* Whether the current process may lock anything at all. */
bool mm_can_lock(void);

/* ---- overcommit: Linux's vm.overcommit_*, proc/sys/vm reads and writes them ---- */

enum overcommit_mode { OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER };

struct overcommit {
	u32 memory;               /* enum overcommit_mode */
	u32 ratio;                /* percent of RAM */
	u64 kbytes;               /* instead of the ratio, if not 0 */
	u64 admin_reserve_kbytes; /* left to root, in mode 2 */
	u64 user_reserve_kbytes;  /* left to whoever else wants to kill the largest program */
};

/* The settings. Each member is read and written by itself, with READ_ONCE() and WRITE_ONCE(). */
extern struct overcommit overcommit;

/* Takes overcommit_memory= and overcommit_ratio= from the command line, and computes the reserves
 * from the memory there is. */
void overcommit_init(void);

/* Charges `pages` that the address space may come to need: 0, or -ENOMEM when that is more than the
 * mode allows (Linux's __vm_enough_memory()). Any context. */
int mm_charge(const struct mm *mm, u64 pages);
/* Gives a charge back. Any context. */
void mm_uncharge(u64 pages);

/* Whether a mapping with these flags is charged (Linux's accountable_mapping()). */
static inline bool mm_is_charged(u32 flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

/* In pages: what is charged, and what mode 2 allows. */
u64 committed_as(void);
u64 commit_limit(void);

#endif
