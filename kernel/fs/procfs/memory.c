/*
 * /proc files that tell of memory. How the frames divide is counted when it is asked, over all
 * descriptors, without locks: a descriptor always exists, and each frame's kind is read once.
 */
#include "fs/procfs/nodes.h"
#include "fs/shm.h"
#include "mm/huge_memory.h"
#include "mm/buddy.h"
#include "mm/kmap.h"
#include "mm/limits.h"
#include "mm/lru.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmstat.h"

/* The only one (blkdev.h). */
#define SWAP_DISK "/dev/sdb"

/* Frames by what they are for. */
struct frame_use {
	u64 kinds[256]; /* enum page_kind */
	u64 anon_mapped, file_mapped, swap_cached, dirty, writeback;
};

static void count_page(struct frame_use *use, const struct page *page, u64 frames)
{
	u8 kind = READ_ONCE(page->kind);
	u32 flags = READ_ONCE(page->flags);
	bool is_mapped = page_mapcount(page) > 0;
	bool is_file = kind == PAGE_FILE || kind == PAGE_SHMEM;

	use->kinds[kind] += frames;
	if (kind == PAGE_ANON && is_mapped)
		use->anon_mapped += frames;
	if (is_file && is_mapped)
		use->file_mapped += frames;
	if (flags & PG_SWAPCACHE)
		use->swap_cached += frames;
	if ((flags & PG_DIRTY) && kind == PAGE_FILE)
		use->dirty += frames;
	if (flags & PG_WRITEBACK)
		use->writeback += frames;
}

static void count_memory(struct frame_use *use)
{
	for (pfn_t pfn = 0; pfn < max_pfn;) {
		const struct page *page = pfn_page(pfn);
		u8 order = READ_ONCE(page->order);
		u32 flags = READ_ONCE(page->flags);
		u64 frames = 1;

		if (!(flags & (PG_RESERVED | PG_BUDDY | PG_PCP)) &&
		    atomic_read(&page->refcount) > 0) {
			frames = order <= MAX_ORDER ? BIT(order) : 1;
			count_page(use, page, frames);
		}
		pfn += frames;
	}
}

static void put_kib(struct text *text, const char *label, u64 pages)
{
	text_printf(text, "%s%8lu kB\n", label, pages * (PAGE_SIZE / KIB));
}

/* Linux's si_mem_available(): what could be had without swapping. */
static u64 available_frames(const struct frame_use *use, u64 free)
{
	u64 reserve = watermarks.high, cache = use->kinds[PAGE_FILE];
	s64 available = (s64)free - (s64)reserve;

	available += cache - min(cache / 2, (u64)watermarks.low);
	return available > 0 ? available : 0;
}

static void put_lists(struct text *text)
{
	u64 active_anon = lru_size(LRU_ACTIVE_ANON), inactive_anon = lru_size(LRU_INACTIVE_ANON);
	u64 active_file = lru_size(LRU_ACTIVE_FILE), inactive_file = lru_size(LRU_INACTIVE_FILE);

	put_kib(text, "Active:         ", active_anon + active_file);
	put_kib(text, "Inactive:       ", inactive_anon + inactive_file);
	put_kib(text, "Active(anon):   ", active_anon);
	put_kib(text, "Inactive(anon): ", inactive_anon);
	put_kib(text, "Active(file):   ", active_file);
	put_kib(text, "Inactive(file): ", inactive_file);
	put_kib(text, "Unevictable:    ", lru_size(LRU_UNEVICTABLE));
	put_kib(text, "Mlocked:        ", lru_size(LRU_UNEVICTABLE));
}

int proc_show_meminfo(struct text *text, const struct proc_inode *proc)
{
	struct frame_use *use = kmalloc(sizeof(*use), GFP_ZERO);
	u64 free = nr_free_frames();

	(void)proc;
	if (!use)
		return -ENOMEM;
	count_memory(use);
	u64 shmem = use->kinds[PAGE_SHMEM], file = use->kinds[PAGE_FILE];
	u64 slab = use->kinds[PAGE_SLAB];

	put_kib(text, "MemTotal:       ", nr_managed_frames);
	put_kib(text, "MemFree:        ", free);
	put_kib(text, "MemAvailable:   ", available_frames(use, free));
	put_kib(text, "Buffers:        ", 0);
	put_kib(text, "Cached:         ", file + shmem);
	put_kib(text, "SwapCached:     ", use->swap_cached);
	put_lists(text);
	put_kib(text, "SwapTotal:      ", swap_nr_slots());
	put_kib(text, "SwapFree:       ", swap_nr_free());
	put_kib(text, "Dirty:          ", use->dirty);
	put_kib(text, "Writeback:      ", use->writeback);
	put_kib(text, "AnonPages:      ", use->anon_mapped);
	put_kib(text, "Mapped:         ", use->file_mapped);
	put_kib(text, "Shmem:          ", shmem);
	put_kib(text, "KReclaimable:   ", 0);
	put_kib(text, "Slab:           ", slab);
	put_kib(text, "SReclaimable:   ", 0);
	put_kib(text, "SUnreclaim:     ", slab);
	text_printf(text, "KernelStack:    %8lu kB\n", use->kinds[PAGE_STACK] * (PAGE_SIZE / KIB));
	put_kib(text, "PageTables:     ", use->kinds[PAGE_PGTABLE]);
	put_kib(text, "SecPageTables:  ", 0);
	put_kib(text, "NFS_Unstable:   ", 0);
	put_kib(text, "Bounce:         ", 0);
	put_kib(text, "WritebackTmp:   ", 0);
	put_kib(text, "CommitLimit:    ", commit_limit());
	put_kib(text, "Committed_AS:   ", committed_as());
	put_kib(text, "AnonHugePages:  ", (u64)huge_nr_mapped() * HUGE_PAGE_NR);
	put_kib(text, "ShmemHugePages: ", 0);
	put_kib(text, "ShmemPmdMapped: ", 0);
	put_kib(text, "FileHugePages:  ", 0);
	put_kib(text, "FilePmdMapped:  ", 0);
	text_puts(text, "HugePages_Total:       0\nHugePages_Free:        0\n"
			"HugePages_Rsvd:        0\nHugePages_Surp:        0\n");
	put_kib(text, "Hugepagesize:   ", 2 * MIB / PAGE_SIZE);
	put_kib(text, "Hugetlb:        ", 0);
	kfree(use);
	return 0;
}

int proc_show_vmstat(struct text *text, const struct proc_inode *proc)
{
	struct frame_use *use = kmalloc(sizeof(*use), GFP_ZERO);

	(void)proc;
	if (!use)
		return -ENOMEM;
	count_memory(use);
	text_printf(text, "nr_free_pages %u\n", nr_free_frames());
	text_printf(text, "nr_inactive_anon %u\nnr_active_anon %u\n", lru_size(LRU_INACTIVE_ANON),
		    lru_size(LRU_ACTIVE_ANON));
	text_printf(text, "nr_inactive_file %u\nnr_active_file %u\nnr_unevictable %u\n",
		    lru_size(LRU_INACTIVE_FILE), lru_size(LRU_ACTIVE_FILE),
		    lru_size(LRU_UNEVICTABLE));
	text_printf(text, "nr_mlock %u\n", lru_size(LRU_UNEVICTABLE));
	text_printf(text, "nr_anon_pages %lu\nnr_mapped %lu\nnr_file_pages %lu\n", use->anon_mapped,
		    use->file_mapped,
		    use->kinds[PAGE_FILE] + use->kinds[PAGE_SHMEM] + use->swap_cached);
	text_printf(text, "nr_dirty %lu\nnr_writeback %lu\nnr_shmem %lu\n", use->dirty,
		    use->writeback, use->kinds[PAGE_SHMEM]);
	text_printf(text,
		    "nr_slab_unreclaimable %lu\nnr_page_table_pages %lu\nnr_kernel_stack %lu\n",
		    use->kinds[PAGE_SLAB], use->kinds[PAGE_PGTABLE],
		    use->kinds[PAGE_STACK] * (PAGE_SIZE / KIB));
	text_printf(text, "nr_swapcached %lu\n", use->swap_cached);
	for (u32 item = 0; item < NR_VMSTAT; item++)
		text_printf(text, "%s %lu\n", vmstat_name(item), vmstat_read(item));
	kfree(use);
	return 0;
}

int proc_show_buddyinfo(struct text *text, const struct proc_inode *proc)
{
	u32 blocks[MAX_ORDER + 1];

	(void)proc;
	buddy_count_blocks(blocks);
	text_puts(text, "Node 0, zone   Normal ");
	for (u32 order = 0; order <= MAX_ORDER; order++)
		text_printf(text, "%6u ", blocks[order]);
	text_puts(text, "\n");
	return 0;
}

/* The one zone, which is all of the one node. */
int proc_show_zoneinfo(struct text *text, const struct proc_inode *proc)
{
	struct frame_use *use = kmalloc(sizeof(*use), GFP_ZERO);

	(void)proc;
	if (!use)
		return -ENOMEM;
	count_memory(use);
	text_puts(text, "Node 0, zone   Normal\n  per-node stats");
	text_printf(text, "\n      nr_inactive_anon %u", lru_size(LRU_INACTIVE_ANON));
	text_printf(text, "\n      nr_active_anon %u", lru_size(LRU_ACTIVE_ANON));
	text_printf(text, "\n      nr_inactive_file %u", lru_size(LRU_INACTIVE_FILE));
	text_printf(text, "\n      nr_active_file %u", lru_size(LRU_ACTIVE_FILE));
	text_printf(text, "\n      nr_unevictable %u", lru_size(LRU_UNEVICTABLE));
	text_printf(text, "\n      nr_slab_unreclaimable %lu", use->kinds[PAGE_SLAB]);
	text_printf(text, "\n      nr_anon_pages %lu", use->anon_mapped);
	text_printf(text, "\n      nr_mapped    %lu", use->file_mapped);
	text_printf(text, "\n      nr_file_pages %lu",
		    use->kinds[PAGE_FILE] + use->kinds[PAGE_SHMEM] + use->swap_cached);
	text_printf(text, "\n      nr_dirty     %lu", use->dirty);
	text_printf(text, "\n      nr_writeback %lu", use->writeback);
	text_printf(text, "\n      nr_shmem     %lu", use->kinds[PAGE_SHMEM]);
	text_printf(text, "\n      nr_anon_transparent_hugepages %u", huge_nr_mapped());
	text_printf(text, "\n      nr_kernel_stack %lu",
		    use->kinds[PAGE_STACK] * (PAGE_SIZE / KIB));
	text_printf(text, "\n      nr_page_table_pages %lu", use->kinds[PAGE_PGTABLE]);
	text_printf(text, "\n      nr_swapcached %lu", use->swap_cached);
	text_printf(text, "\n  pages free     %u\n        min      %u\n        low      %u",
		    nr_free_frames(), watermarks.min, watermarks.low);
	text_printf(text, "\n        high     %u\n        spanned  %lu\n        managed  %u",
		    watermarks.high, (u64)max_pfn, nr_managed_frames);
	text_printf(text, "\n      nr_free_pages %u\n      nr_mlock     %u", nr_free_frames(),
		    lru_size(LRU_UNEVICTABLE));
	text_puts(text, "\n  start_pfn:           0\n");
	kfree(use);
	return 0;
}

static void put_cache(const struct slab_info *info, void *arg)
{
	struct text *text = arg;
	size_t start = text->used;

	text_printf(text, "%s", info->name);
	text_pad(text, start, 17);
	text_printf(text,
		    " %6u %6u %6u %4u %4u : tunables    0    0    0 : slabdata %6u %6u      0\n",
		    info->nr_used, info->nr_objects, info->size, info->per_slab, 1, info->nr_slabs,
		    info->nr_slabs);
}

int proc_show_slabinfo(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_puts(text, "slabinfo - version: 2.1\n"
			"# name            <active_objs> <num_objs> <objsize> <objperslab> "
			"<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
			"<active_slabs> <num_slabs> <sharedavail>\n");
	slab_for_each_cache(put_cache, text);
	return 0;
}

int proc_show_swaps(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_puts(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (swap_nr_slots() == 0)
		return 0;
	size_t start = text->used;

	text_puts(text, SWAP_DISK);
	text_pad(text, start, 40);
	text_printf(text, "partition\t%lu\t\t%lu\t\t-2\n", swap_nr_slots() * (PAGE_SIZE / KIB),
		    (swap_nr_slots() - swap_nr_free()) * (PAGE_SIZE / KIB));
	return 0;
}

static void put_segment(s32 id, const struct shmid_ds *status, u64 rss, u64 swp, void *arg)
{
	const struct ipc_perm *perm = &status->perm;
	struct text *text = arg;

	text_printf(text, "%10d %10d  ", perm->key, id);
	for (u32 digit = 01000; digit > max(perm->mode, 1u); digit >>= 3)
		text_puts(text, " ");
	text_put_octal(text, perm->mode);
	text_printf(text, " %21lu %5d %5d  %5lu %5u %5u %5u %5u %10lu %10lu %10lu ", status->segsz,
		    status->cpid, status->lpid, status->nattch, perm->uid, perm->gid, perm->cuid,
		    perm->cgid, (u64)status->atime, (u64)status->dtime, (u64)status->ctime);
	text_printf(text, "%21lu %21lu\n", rss * PAGE_SIZE, swp * PAGE_SIZE);
}

int proc_show_sysvipc_shm(struct text *text, const struct proc_inode *proc)
{
	(void)proc;
	text_puts(text,
		  "       key      shmid perms                  size  cpid  lpid nattch   uid   "
		  "gid  cuid  cgid      atime      dtime      ctime                   rss "
		  "                 swap\n");
	shm_for_each(put_segment, text);
	return 0;
}
