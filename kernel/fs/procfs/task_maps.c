/* maps, smaps, smaps_rollup, pagemap, clear_refs. mmap_lock of the process is held for reading while
 * a text is made. */
#include "arch/x86_64/uaccess.h"
#include "fs/dentry.h"
#include "fs/procfs/memory_use.h"
#include "fs/procfs/nodes.h"
#include "fs/procfs/task.h"
#include "fs/tmpfs.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/pmd.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "proc/cred.h"

#define NAME_COLUMN 73
#define PSS_TO_KIB  22 /* 2^12 of a fraction, 2^10 bytes */

/* ---- one line ---- */

/* What a VMA is called, in `buffer` (PATH_MAX) or elsewhere; NULL: nothing. Sets *inode to that of
 * its file, or NULL. */
static const char *vma_name(const struct mm *mm, const struct vma *vma, char *buffer,
			    struct inode **inode)
{
	*inode = NULL;
	if (vma->mapping)
		*inode = tmpfs_inode_of(vma->mapping);
	if (*inode)
		return inode_path_text(*inode, buffer, PATH_MAX);
	if (vma->start == mm->vdso)
		return "[vdso]";
	if (vma->mapping)
		return vma->flags & VM_SHARED ? "/dev/zero (deleted)" : NULL;
	if (vma->start < mm->brk && vma->end > mm->start_brk)
		return "[heap]";
	if (vma->start <= mm->stack_top - 1 && vma->end >= mm->stack_top)
		return "[stack]";
	return NULL;
}

static void put_vma(struct text *text, const struct mm *mm, const struct vma *vma, char *buffer)
{
	size_t start = text->used;
	struct inode *inode;
	const char *name = vma_name(mm, vma, buffer, &inode);
	u32 dev = inode ? inode->sb->dev : 0;

	text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma->start, vma->end,
		    vma->flags & VM_READ ? 'r' : '-', vma->flags & VM_WRITE ? 'w' : '-',
		    vma->flags & VM_EXEC ? 'x' : '-', vma->flags & VM_MAYSHARE ? 's' : 'p',
		    vma->mapping ? vma->pgoff << PAGE_SHIFT : 0, MAJOR(dev), MINOR(dev),
		    inode ? inode->ino : 0);
	if (name) {
		text_pad(text, start, NAME_COLUMN);
		text_put_escaped(text, name, "\n");
	}
	text_puts(text, "\n");
}

/* ---- smaps ---- */

static void put_kib(struct text *text, const char *label, u64 pages)
{
	text_printf(text, "%s%8lu kB\n", label, pages * (PAGE_SIZE / KIB));
}

static void put_use(struct text *text, const struct memory_use *use, u64 locked_pss)
{
	put_kib(text, "Rss:            ", use->anon + use->file + use->shmem);
	text_printf(text, "Pss:            %8lu kB\n", use->pss >> PSS_TO_KIB);
	text_printf(text, "Pss_Dirty:      %8lu kB\n", use->pss_dirty >> PSS_TO_KIB);
	put_kib(text, "Shared_Clean:   ", use->shared_clean);
	put_kib(text, "Shared_Dirty:   ", use->shared_dirty);
	put_kib(text, "Private_Clean:  ", use->private_clean);
	put_kib(text, "Private_Dirty:  ", use->private_dirty);
	put_kib(text, "Referenced:     ", use->referenced);
	put_kib(text, "Anonymous:      ", use->anon);
	put_kib(text, "LazyFree:       ", 0);
	put_kib(text, "AnonHugePages:  ", use->anon_huge);
	put_kib(text, "ShmemPmdMapped: ", 0);
	put_kib(text, "FilePmdMapped:  ", 0);
	put_kib(text, "Shared_Hugetlb: ", 0);
	text_puts(text, "Private_Hugetlb:       0 kB\n");
	put_kib(text, "Swap:           ", use->swapped);
	text_printf(text, "SwapPss:        %8lu kB\n", use->swap_pss >> PSS_TO_KIB);
	text_printf(text, "Locked:         %8lu kB\n", locked_pss >> PSS_TO_KIB);
}

static void put_flags(struct text *text, u32 flags)
{
	static const struct {
		u32 flag;
		const char *name;
	} names[] = {
		{VM_READ, "rd"},    {VM_WRITE, "wr"},     {VM_EXEC, "ex"},
		{VM_SHARED, "sh"},  {VM_MAYREAD, "mr"},   {VM_MAYWRITE, "mw"},
		{VM_MAYEXEC, "me"}, {VM_MAYSHARE, "ms"},  {VM_GROWSDOWN, "gd"},
		{VM_LOCKED, "lo"},  {VM_NORESERVE, "nr"},
	};

	text_puts(text, "VmFlags: ");
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].flag)
			text_printf(text, "%s ", names[i].name);
	if (!(flags & VM_NORESERVE) && (flags & VM_WRITE))
		text_puts(text, "ac ");
	text_puts(text, "\n");
}

static void put_smap(struct text *text, struct mm *mm, const struct vma *vma)
{
	struct memory_use use = {0};

	memory_use_of_range(mm, vma->start, vma->end, &use);
	put_kib(text, "Size:           ", (vma->end - vma->start) / PAGE_SIZE);
	put_kib(text, "KernelPageSize: ", 1);
	put_kib(text, "MMUPageSize:    ", 1);
	put_use(text, &use, vma->flags & VM_LOCKED ? use.pss : 0);
	text_puts(text, "THPeligible:    0\n");
	put_flags(text, vma->flags);
}

/* ---- the files ---- */

enum detail { MAPS, SMAPS };

static int show_all(struct text *text, const struct proc_inode *proc, enum detail detail)
{
	struct mm *mm = proc_get_mm(proc->task);
	char *buffer;
	struct vma *vma;

	if (!mm)
		return proc_task_is_gone(proc->task) ? -ESRCH : 0;
	buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buffer) {
		mm_put(mm);
		return -ENOMEM;
	}
	down_read(&mm->mmap_lock);
	for_each_vma (mm, vma) {
		put_vma(text, mm, vma, buffer);
		if (detail == SMAPS)
			put_smap(text, mm, vma);
	}
	up_read(&mm->mmap_lock);
	kfree(buffer);
	mm_put(mm);
	return 0;
}

int proc_show_task_maps(struct text *text, const struct proc_inode *proc)
{
	return show_all(text, proc, MAPS);
}

int proc_show_task_smaps(struct text *text, const struct proc_inode *proc)
{
	return show_all(text, proc, SMAPS);
}

int proc_show_task_smaps_rollup(struct text *text, const struct proc_inode *proc)
{
	struct mm *mm = proc_get_mm(proc->task);
	struct memory_use use = {0};
	u64 first = 0, last = 0, locked = 0;
	struct vma *vma;
	size_t start = text->used;

	if (!mm)
		return -ESRCH;
	down_read(&mm->mmap_lock);
	for_each_vma (mm, vma) {
		u64 before = use.pss;

		memory_use_of_range(mm, vma->start, vma->end, &use);
		locked += vma->flags & VM_LOCKED ? use.pss - before : 0;
		first = first ? first : vma->start;
		last = vma->end;
	}
	up_read(&mm->mmap_lock);
	mm_put(mm);
	text_printf(text, "%08lx-%08lx ---p 00000000 00:00 0 ", first, last);
	text_pad(text, start, NAME_COLUMN);
	text_puts(text, "[rollup]\n");
	put_use(text, &use, locked);
	return 0;
}

/* ---- pagemap: 64 bits a page of the address space ---- */

#define PM_SOFT_DIRTY  BIT(55)
#define PM_EXCLUSIVE   BIT(56)
#define PM_FILE        BIT(61)
#define PM_SWAP        BIT(62)
#define PM_PRESENT     BIT(63)
#define PM_CHUNK       64
#define SWAP_TYPE_BITS 5

/* Where in memory and in swap, only root is told. */
static u64 place(u64 place)
{
	return cred_capable(CAP_SYS_ADMIN) ? place : 0;
}

static u64 pagemap_entry(pte_t pte)
{
	if (pte_maps(pte)) {
		const struct page *page = page_head(pfn_page(pte_pfn(pte)));
		bool is_file = page->kind == PAGE_FILE || page->kind == PAGE_SHMEM;

		return place(pte_pfn(pte)) | PM_PRESENT | PM_SOFT_DIRTY | (is_file ? PM_FILE : 0) |
		       (page_mapcount(page) == 1 ? PM_EXCLUSIVE : 0);
	}
	if (pte_is_swap(pte))
		return place((u64)pte_slot(pte) << SWAP_TYPE_BITS) | PM_SWAP | PM_SOFT_DIRTY;
	return 0;
}

struct pagemap_chunk {
	u64 start;
	u64 entries[PM_CHUNK];
};

static int fill_pagemap(struct pte_range *range)
{
	struct pagemap_chunk *chunk = range->arg;
	u64 *to = &chunk->entries[(range->va - chunk->start) >> PAGE_SHIFT];

	for (u32 i = 0; i < range->nr; i++)
		to[i] = pagemap_entry(pte_read(&range->entry[i]));
	return 0;
}

static int fill_pagemap_huge(struct pte_range *range)
{
	struct pagemap_chunk *chunk = range->arg;
	u64 *to = &chunk->entries[(range->va - chunk->start) >> PAGE_SHIFT];
	pte_t leaf = pte_read(range->entry);

	for (u32 i = 0; i < range->nr; i++)
		to[i] = pagemap_entry(pmd_part(leaf, level_index(range->va, 1) + i));
	return 0;
}

static long read_pagemap(struct mm *mm, u64 __user *to, u64 page, u64 nr)
{
	struct pagemap_chunk chunk;
	u64 done = 0;

	while (done < nr) {
		u64 part = min(nr - done, (u64)PM_CHUNK);

		chunk.start = (page + done) << PAGE_SHIFT;
		memset(chunk.entries, 0, sizeof(chunk.entries));
		down_read(&mm->mmap_lock);
		pgtable_walk_huge(mm, chunk.start, chunk.start + (part << PAGE_SHIFT), fill_pagemap,
				  fill_pagemap_huge, &chunk);
		up_read(&mm->mmap_lock);
		if (copy_to_user(to + done, chunk.entries, part * sizeof(u64)) != 0)
			return -EFAULT;
		done += part;
	}
	return done;
}

long proc_read_pagemap(const struct proc_inode *proc, void __user *to, size_t size, u64 *pos)
{
	u64 end = USER_TABLES_END >> PAGE_SHIFT, page = *pos / sizeof(u64);

	if (*pos % sizeof(u64) || size % sizeof(u64))
		return -EINVAL;
	struct mm *mm = proc_get_mm(proc->task);
	if (!mm)
		return 0;
	u64 nr = page < end ? min((u64)size / sizeof(u64), end - page) : 0;
	long done = read_pagemap(mm, to, page, nr);
	mm_put(mm);
	if (done < 0)
		return done;
	*pos += done * sizeof(u64);
	return done * sizeof(u64);
}
