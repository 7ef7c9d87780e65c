/*
 * Address spaces: making, copying, switching, tearing down.
 *
 * Life: mm_create() or mm_fork() give one user, the task that will run in it. Exec and exit drop
 * it; temporary holders (OOM killer, reaper) come by way of a task that still has it. The last user
 * to leave unmaps everything and frees it.
 *
 * An address space stays on mm_list from its mm_create event to its mm_destroy event, both under
 * the list's lock. The list is for those who look at all of them while the CPUs are quiesced: it
 * gives no reference.
 */
#include "mm/mm.h"

#include "arch/x86_64/layout.h"
#include "arch/x86_64/tlb.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/kmap.h"
#include "mm/limits.h"
#include "mm/mmap.h"
#include "mm/oom.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/zap.h"

const struct mm_program_ops *mm_program_ops;

LIST_HEAD(mm_list);
DEFINE_SPINLOCK(mm_list_lock, RANK_MM_LIST);

static struct kmem_cache *mm_cache;
static u32 last_id; /* atomic */

void mm_init(void)
{
	mm_cache = kmem_cache_create("mm", sizeof(struct mm));
	BUG_ON(!mm_cache);
}

static u32 pgd_pfn(const struct mm *mm)
{
	return page_pfn(virt_page(mm->pgd));
}

struct mm *mm_create(void)
{
	struct mm *mm = kmem_cache_alloc(mm_cache, GFP_KERNEL | GFP_ZERO);

	if (!mm)
		return NULL;
	mm->pgd = pgd_alloc();
	if (!mm->pgd) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	mm->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	atomic_set(&mm->users, 1);
	atomic_set(&mm->nr_pgtables, 1);
	rwsem_init(&mm->mmap_lock, RANK_MMAP);
	list_init(&mm->vmas);
	/* Room for the stack to grow to its limit; exec may move both. */
	mm->stack_top = USER_END;
	mm->mmap_base = USER_END - STACK_LIMIT - STACK_GUARD_GAP;
	spin_lock(&mm_list_lock);
	list_add_tail(&mm->node, &mm_list);
	TRACE(mm_create, .mm_id = mm->id, .pgd_pfn = pgd_pfn(mm));
	spin_unlock(&mm_list_lock);
	return mm;
}

/* Copies one VMA of the parent with its entries, as far as madvise lets a child have them. */
static int fork_vma(struct mm *mm, struct vma *parent)
{
	u64 charge = parent->flags & VM_ACCOUNT ? vma_pages(parent) : 0;
	struct vma *child;
	int error;

	if (parent->flags & VM_DONTCOPY)
		return 0;
	if (mm_charge(parent->mm, charge))
		return -ENOMEM;
	child = vma_copy(mm, parent, parent->flags & ~VM_LOCKED_MASK);
	if (!child) {
		mm_uncharge(charge);
		return -ENOMEM;
	}
	if (parent->flags & VM_WIPEONFORK)
		return 0;
	/* Nothing but pages of the file: faults will find them. */
	if (parent->mapping && !parent->anon_vma)
		return 0;
	error = anon_vma_fork(child, parent);
	return error ? error : copy_range(child, parent);
}

struct mm *mm_fork(struct mm *parent)
{
	struct mm *mm = mm_create();
	struct vma *vma;
	int error = 0;

	if (!mm)
		return NULL;
	if (down_write_killable(&parent->mmap_lock)) {
		mm_put(mm);
		return NULL;
	}
	down_write_nested(&mm->mmap_lock);
	mm->start_brk = parent->start_brk;
	mm->brk = parent->brk;
	mm->vdso = parent->vdso;
	memcpy(mm->auxv, parent->auxv, sizeof(mm->auxv));
	mm->mmap_base = parent->mmap_base;
	mm->stack_top = parent->stack_top;
	mm->start_code = parent->start_code;
	mm->end_code = parent->end_code;
	mm->arg_start = parent->arg_start;
	mm->arg_end = parent->arg_end;
	mm->env_start = parent->env_start;
	mm->env_end = parent->env_end;
	mm->start_data = parent->start_data;
	mm->end_data = parent->end_data;
	if (parent->program) {
		mm_program_ops->get(parent->program);
		mm->program = parent->program;
	}
	for_each_vma (parent, vma) {
		error = fork_vma(mm, vma);
		if (error)
			break;
		cond_resched();
	}
	up_write(&mm->mmap_lock);
	/* Once for all: until here other threads of the parent could still write to pages that the
	 * child shares, which is no different from their writing before the fork. Also after a
	 * failure: entries have lost write permission. */
	mm_flush_tlb(parent, 0, USER_END, TLB_FORK);
	up_write(&parent->mmap_lock);
	if (!error)
		return mm;
	mm_put(mm);
	return NULL;
}

void mm_put(struct mm *mm)
{
	s32 left = atomic_dec_return(&mm->users);

	BUG_ON(left < 0);
	if (left)
		return;
	mm_unmap_all(mm);
	if (mm->program)
		mm_program_ops->put(mm->program);
	BUG_ON(READ_ONCE(mm->cpu_mask));
	BUG_ON(atomic_read(&mm->nr_pgtables) != 1);
	spin_lock(&mm_list_lock);
	list_del(&mm->node);
	TRACE(mm_destroy, .mm_id = mm->id);
	spin_unlock(&mm_list_lock);
	pgd_free(mm->pgd);
	atomic_inc(&mm->oom_freed);
	oom_victim_gone(mm);
	kmem_cache_free(mm_cache, mm);
}

void mm_switch(struct mm *prev, struct mm *next)
{
	ASSERT(!irqs_enabled());
	if (prev == next)
		return;
	/* The bit first: a flush that is decided after this CPU may have read an entry must reach
	 * it. */
	if (next)
		__atomic_fetch_or(&next->cpu_mask, BIT(cpu_id()), __ATOMIC_SEQ_CST);
	load_pgd(next ? virt_to_phys(next->pgd) : kernel_pgd);
	if (prev)
		__atomic_fetch_and(&prev->cpu_mask, ~BIT(cpu_id()), __ATOMIC_SEQ_CST);
}

void mm_flush_tlb(struct mm *mm, u64 start, u64 end, enum tlb_why why)
{
	u64 cpus;

	/* The entries were changed before the mask is read: a CPU that joins later loads the new
	 * ones. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpus = READ_ONCE(mm->cpu_mask);
	if (!cpus)
		return;
	TRACE(tlb_flush, .cpus = cpus, .mm_id = mm->id, .reason = why);
	tlb_shootdown(cpus, start, end);
}

void mm_unmap_all(struct mm *mm)
{
	struct vma *vma, *next;
	u64 start = 0; /* tables from here on are still there */

	down_write(&mm->mmap_lock);
	for (vma = vma_first(mm); vma; vma = next) {
		u64 end = vma->end, ceiling;

		next = vma_next(vma);
		ceiling = next ? next->start : USER_TABLES_END;
		start = start ? start : vma->start;
		zap_range(vma, vma->start, end, PTE_WHY_EXIT);
		anon_vma_unlink(vma);
		if (vma->flags & VM_ACCOUNT)
			mm_uncharge(vma_pages(vma));
		vma_remove(vma, VMA_WHY_EXIT);
		cond_resched();
		/* Neighbours that share a level 1 table go together. */
		if (next && ceiling < ALIGN_UP(end, level_size(2)))
			continue;
		pgtable_free_range(mm, start, end, 0, ceiling);
		start = 0;
	}
	up_write(&mm->mmap_lock);
}
