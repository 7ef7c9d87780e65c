/* /proc/kpagecount, /proc/kpageflags: 64 bits a frame. */
#include "arch/x86_64/uaccess.h"
#include "fs/procfs/task.h"
#include "lib/errno.h"
#include "mm/page.h"

#define CHUNK 64

/* Linux's bits (include/uapi/linux/kernel-page-flags.h). */
enum {
	KPF_LOCKED = 0,
	KPF_ERROR = 1,
	KPF_REFERENCED = 2,
	KPF_UPTODATE = 3,
	KPF_DIRTY = 4,
	KPF_LRU = 5,
	KPF_ACTIVE = 6,
	KPF_SLAB = 7,
	KPF_WRITEBACK = 8,
	KPF_BUDDY = 10,
	KPF_MMAP = 11,
	KPF_ANON = 12,
	KPF_SWAPCACHE = 13,
	KPF_SWAPBACKED = 14,
	KPF_UNEVICTABLE = 18,
	KPF_NOPAGE = 20,
	KPF_ZERO_PAGE = 24,
	KPF_PGTABLE = 26,
	KPF_RESERVED = 32,
};

static u64 page_count(const struct page *page)
{
	return page_mapcount(page_head((struct page *)page));
}

static u64 page_flags(const struct page *page)
{
	static const struct {
		u32 flag;
		u8 bit;
	} bits[] = {
		{PG_LOCKED, KPF_LOCKED},         {PG_ERROR, KPF_ERROR},
		{PG_REFERENCED, KPF_REFERENCED}, {PG_UPTODATE, KPF_UPTODATE},
		{PG_DIRTY, KPF_DIRTY},           {PG_LRU, KPF_LRU},
		{PG_ACTIVE, KPF_ACTIVE},         {PG_SLAB, KPF_SLAB},
		{PG_WRITEBACK, KPF_WRITEBACK},   {PG_BUDDY, KPF_BUDDY},
		{PG_SWAPCACHE, KPF_SWAPCACHE},   {PG_RESERVED, KPF_RESERVED},
	};
	u32 flags = READ_ONCE(page->flags);
	u64 result = 0;

	for (u32 i = 0; i < ARRAY_SIZE(bits); i++)
		if (flags & bits[i].flag)
			result |= BIT(bits[i].bit);
	if (page_mapcount(page) > 0)
		result |= BIT(KPF_MMAP);
	if (page->kind == PAGE_ANON)
		result |= BIT(KPF_ANON) | BIT(KPF_SWAPBACKED);
	if (page->kind == PAGE_SHMEM)
		result |= BIT(KPF_SWAPBACKED);
	if (page->kind == PAGE_ZERO)
		result |= BIT(KPF_ZERO_PAGE);
	if (page->kind == PAGE_PGTABLE)
		result |= BIT(KPF_PGTABLE);
	if ((flags & PG_LRU) && page->list == LRU_UNEVICTABLE)
		result |= BIT(KPF_UNEVICTABLE);
	return result;
}

static long read_frames(void __user *to, size_t size, u64 *pos,
			u64 (*tell)(const struct page *page))
{
	u64 pfn = *pos / sizeof(u64), done = 0, chunk[CHUNK];

	if (*pos % sizeof(u64) || size % sizeof(u64))
		return -EINVAL;
	u64 nr = pfn < max_pfn ? min((u64)size / sizeof(u64), max_pfn - pfn) : 0;
	while (done < nr) {
		u64 part = min(nr - done, (u64)CHUNK);

		for (u64 i = 0; i < part; i++)
			chunk[i] = tell(pfn_page(pfn + done + i));
		if (copy_to_user((u64 __user *)to + done, chunk, part * sizeof(u64)) != 0)
			return -EFAULT;
		done += part;
	}
	*pos += done * sizeof(u64);
	return done * sizeof(u64);
}

long proc_read_kpagecount(const struct proc_inode *proc, void __user *to, size_t size, u64 *pos)
{
	(void)proc;
	return read_frames(to, size, pos, page_count);
}

long proc_read_kpageflags(const struct proc_inode *proc, void __user *to, size_t size, u64 *pos)
{
	(void)proc;
	return read_frames(to, size, pos, page_flags);
}
