/*
 * struct mm: an address space. Made by exec and fork, given up by exec and exit.
 *
 * Lock order: mmap_lock, page lock, then the spinlocks by rank (cpu/rank.def).
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "arch/x86_64/pte.h"
#include "cpu/atomic.h"
#include "cpu/rwsem.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "trace/trace_abi.h"

/* Bits of mm.state. */
#define MM_REAPED \
	BIT(0) /* the OOM reaper took pages: a fault must not bring zeroes in their place */

struct file;

/* Words of the auxiliary vector at most: type and value of each entry. */
#define MM_AUXV_WORDS 48

struct mm {
	u32 id;         /* serial number; never changes */
	atomic_t users; /* the task that runs in it, and temporary holders */
	u32 state;      /* MM_*; atomic */
	u64 cpu_mask; /* CPUs that have its tables loaded; atomic; set before loading, cleared after
			 leaving */
	pte_t *pgd;   /* never changes */
	struct rwsem mmap_lock; /* the VMAs and the layout below */
	struct rb_root vma_tree;
	struct list_head vmas; /* by address */
	u32 nr_vmas;
	u32 def_flags; /* VM_* of every new mapping: mlockall(MCL_FUTURE) */
	/* Pages of its VMAs: all, writable private ones, stacks, code, locked (Linux's terms). */
	u64 total_vm, data_vm, stack_vm, exec_vm, locked_vm;
	u64 max_total_vm;                           /* the highest total_vm so far */
	u64 start_brk, brk;                         /* bytes */
	u64 start_code, end_code;                   /* bytes of the program's code; set by exec */
	u64 arg_start, arg_end, env_start, env_end; /* texts on the stack; set by exec */
	u64 start_data, end_data; /* bytes of the program's data segment; set by exec */
	u64 auxv[MM_AUXV_WORDS];  /* as exec put it on the stack; then zeroes; set by exec */
	u64 vdso;                 /* where its page was mapped (special.h); set by exec */
	u64 mmap_base;            /* new mappings are placed below it, downwards */
	u64 stack_top;
	atomic_t nr_resident;  /* frames it maps, zero page not counted */
	atomic_t nr_file;      /* of nr_resident: pages of files */
	s32 max_resident;      /* the most of them that a fault or a look has seen; racy */
	atomic_t nr_swapped;   /* swap entries it holds */
	atomic_t nr_pgtables;  /* frames of its page tables, the top included */
	u32 oom_kill_id;       /* OOM decision whose victim runs in it, or 0 */
	s32 oom_victim_pid;    /* that victim */
	atomic_t oom_freed;    /* pages and page tables that came free since that decision */
	struct list_head node; /* in mm_list; RANK_MM_LIST */
	struct file *program;  /* what runs in it, or NULL; constant after exec */
};

/* How to hold what runs in an address space: fs knows. */
struct mm_program_ops {
	void (*get)(struct file *program);
	void (*put)(struct file *program); /* may sleep */
};
extern const struct mm_program_ops *mm_program_ops; /* set once at boot */

/* All address spaces. */
extern struct list_head mm_list;
extern spinlock_t mm_list_lock;

void mm_init(void);

/* An empty address space with one user; NULL without memory. May sleep. */
struct mm *mm_create(void);

/* A copy-on-write copy of the current task's address space; NULL without memory. Takes mmap_lock of
 * the parent for writing. */
struct mm *mm_fork(struct mm *parent);

/* The most frames it has mapped so far. */
static inline u32 mm_max_resident(struct mm *mm)
{
	s32 now = atomic_read(&mm->nr_resident);

	if (now > READ_ONCE(mm->max_resident))
		WRITE_ONCE(mm->max_resident, now);
	return READ_ONCE(mm->max_resident);
}

static inline void mm_get(struct mm *mm)
{
	atomic_inc(&mm->users);
}

/* Drops a user; the last one unmaps everything and frees it. May sleep. */
void mm_put(struct mm *mm);

/* Loads the tables of `next` on this CPU in place of those of `prev`; NULL means the kernel's own.
 * Interrupts off. */
void mm_switch(struct mm *prev, struct mm *next);

/* Flushes user translations of [start, end) on the CPUs that run in the address space, and traces
 * it. Interrupts on, no spinlock held that is taken with interrupts off. */
void mm_flush_tlb(struct mm *mm, u64 start, u64 end, enum tlb_why why);

/* Unmaps everything (exit, and the last mm_put). mmap_lock not held. */
void mm_unmap_all(struct mm *mm);

#endif
