/*
 * The kernel's own mappings.
 *
 * Boot part: the direct map and the image, made once from boot memory. Later only the rights of the
 * direct map change: the 2 MiB pages it is made of are split where rights differ, and merged again
 * where they do not.
 *
 * Writing through the direct map must not get around the image's protection, so where the two
 * overlap the alias has the same rights, page by page; it is never executable anywhere. All of it
 * is global: an address space switch keeps it in the TLB.
 *
 * The top table's upper entries that the layout can ever use (direct map, VMAP, image) are all
 * filled here. So pgd_alloc() copies them once and no later change has to be carried into every
 * address space.
 *
 * Kernel stacks. The VMAP area is cut into slots of eight pages: four that stay unmapped, to catch
 * an overflow, and the stack above them. A freed stack is unmapped and flushed from all TLBs before
 * its slot and frames can be used again: entries here are not global, a single-page flush reaches
 * them either way. A pool of freed stacks that stay mapped would save the flush, but would hold
 * frames that a machine short of memory wants, and tell the trace that dead stacks live.
 */
#include "mm/kmap.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/page_ops.h"
#include "arch/x86_64/tlb.h"
#include "cpu/rwsem.h"
#include "mm/memblock.h"
#include "mm/pmd.h"

/* Accessed and dirty are set in advance: the CPU need not, and nobody looks. */
#define KERNEL_PAGE   (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY)
#define RIGHTS_TEXT   (KERNEL_PAGE | PTE_GLOBAL)
#define RIGHTS_RODATA (KERNEL_PAGE | PTE_GLOBAL | PTE_NX)
#define RIGHTS_DATA   (KERNEL_PAGE | PTE_GLOBAL | PTE_NX | PTE_WRITE)
#define RIGHTS_DEVICE (RIGHTS_DATA | PTE_PCD | PTE_PWT)
#define RIGHTS_STACK  (KERNEL_PAGE | PTE_NX | PTE_WRITE)

#define KERNEL_TABLE (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)

#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define SLOT_SIZE   (2 * KSTACK_SIZE)
/* As many tasks as there can be; their stacks alone would take 64 MiB. A multiple of 64. */
#define NR_SLOTS 4096

phys_addr_t kernel_pgd;

/* Entries of the direct map, after boot. */
static struct rwsem rights_lock;

static DEFINE_SPINLOCK(kmap_lock, RANK_KSTACK);
static u64 used_slots[NR_SLOTS / 64]; /* kmap_lock */

/* ---- tables ---- */

static pte_t *boot_table_alloc(void *arg)
{
	(void)arg;
	return memblock_alloc(PAGE_SIZE);
}

static pte_t *kernel_table_alloc(void *arg)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_PGTABLE);

	(void)arg;
	return page ? page_virt(page) : NULL;
}

static bool kernel_table_link(void *arg, pte_t *entry, pte_t *table, u64 va, u32 level)
{
	bool linked = false;

	(void)arg, (void)va, (void)level;
	spin_lock(&kmap_lock);
	if (!pte_read(entry)) {
		__atomic_store_n(entry, virt_to_phys(table) | KERNEL_TABLE, __ATOMIC_RELEASE);
		linked = true;
	}
	spin_unlock(&kmap_lock);
	return linked;
}

static void boot_table_discard(pte_t *table)
{
	panic("kmap: boot page table %p lost a race on a single CPU", table);
}

static void kernel_table_discard(pte_t *table)
{
	free_page(virt_page(table));
}

/* Before the page allocator runs, and after. */
static const struct table_source boot_tables = {boot_table_alloc, kernel_table_link,
						boot_table_discard, KERNEL_TABLE};
static const struct table_source kernel_tables = {kernel_table_alloc, kernel_table_link,
						  kernel_table_discard, KERNEL_TABLE};

static pte_t *kernel_top(void)
{
	return phys_to_virt(kernel_pgd);
}

/* ---- boot ---- */

/* Gives the region a table below the top for each of its top entries. */
static void fill_top(u64 base, u64 size)
{
	u32 nr = level_index(base + size - 1, PGTABLE_LEVELS) - level_index(base, PGTABLE_LEVELS) +
		 1;

	for (u32 i = 0; i < nr; i++)
		table_entry_alloc(kernel_top(), base + i * level_size(PGTABLE_LEVELS),
				  PGTABLE_LEVELS - 1, &boot_tables, NULL);
}

/* Rights of a frame of the image at its own address; of any other frame those of data. */
static u64 image_rights(phys_addr_t phys)
{
	if (phys < kernel_to_phys(kernel_start) || phys >= kernel_to_phys(kernel_rodata_end))
		return RIGHTS_DATA;
	return phys < kernel_to_phys(kernel_text_end) ? RIGHTS_TEXT : RIGHTS_RODATA;
}

static void map_image(void)
{
	phys_addr_t end = PAGE_ALIGN(kernel_to_phys(kernel_end));

	for (phys_addr_t phys = kernel_to_phys(kernel_start); phys < end; phys += PAGE_SIZE) {
		pte_t *entry = table_entry_alloc(kernel_top(), phys_to_kernel(phys), 1,
						 &boot_tables, NULL);

		pte_xchg(entry, pte_make(phys >> PAGE_SHIFT, image_rights(phys)));
	}
}

static void map_direct(phys_addr_t start, phys_addr_t end, u64 rights)
{
	for (phys_addr_t phys = ALIGN_DOWN(start, PMD_SIZE); phys < end; phys += PMD_SIZE) {
		pte_t *entry = table_entry_alloc(kernel_top(), (u64)phys_to_virt(phys), 2,
						 &boot_tables, NULL);

		pte_xchg(entry, pmd_make_leaf(phys >> PAGE_SHIFT, rights));
	}
}

/* What is read-only in the image is so in the direct map. */
static void protect_image_alias(void)
{
	u64 start = (u64)phys_to_virt(kernel_to_phys(kernel_start));
	u64 end = (u64)phys_to_virt(kernel_to_phys(kernel_rodata_end));

	if (pmd_protect(kernel_top(), start, end, RIGHTS_RODATA, &boot_tables, NULL))
		panic("kmap: no memory for a page table");
}

void kmap_init(void)
{
	rwsem_init(&rights_lock, RANK_KMAP);
	kernel_pgd = virt_to_phys(memblock_alloc(PAGE_SIZE));
	fill_top(direct_map_base, DIRECT_MAP_SIZE);
	fill_top(VMAP_BASE, VMAP_SIZE);
	fill_top((u64)kernel_start, 1);
	/* From 0, and what the firmware keeps included: its tables lie there. */
	map_direct(0, (phys_addr_t)memblock_max_pfn() << PAGE_SHIFT, RIGHTS_DATA);
	for (u32 i = 0; i < arch_nr_device_ranges; i++)
		map_direct(arch_device_ranges[i].start, arch_device_ranges[i].end, RIGHTS_DEVICE);
	protect_image_alias();
	map_image();
	load_pgd(kernel_pgd);
}

/* ---- rights ---- */

/* Merges the tables of [start, end) that have become leaves' worth, and frees them: the caches of
 * upper entries are flushed by the single address. */
static void merge_range(u64 start, u64 end)
{
	for (u64 va = start & PMD_MASK; va < end; va += PMD_SIZE) {
		pte_t *table = pmd_merge(table_entry(kernel_top(), va, 2));

		if (!table)
			continue;
		tlb_shootdown(READ_ONCE(cpu_online_mask), va, va + PAGE_SIZE);
		/* One that boot allocated is no page of the page allocator's. */
		if (virt_page(table)->kind != PAGE_PGTABLE)
			continue;
		clear_page(table); /* who frees a page table has emptied it */
		kernel_table_discard(table);
	}
}

int kmap_protect(const void *from, u64 size, enum kmap_rights rights)
{
	u64 start = (u64)from & PAGE_MASK, end = PAGE_ALIGN((u64)from + size);
	int error;

	down_write(&rights_lock);
	error = pmd_protect(kernel_top(), start, end,
			    rights == KMAP_READ_ONLY ? RIGHTS_RODATA : RIGHTS_DATA, &kernel_tables,
			    NULL);
	tlb_shootdown(READ_ONCE(cpu_online_mask), start, end);
	merge_range(start, end);
	up_write(&rights_lock);
	return error;
}

/* ---- stacks ---- */

static int slot_get(void)
{
	int slot = -1;

	spin_lock(&kmap_lock);
	for (u32 i = 0; i < ARRAY_SIZE(used_slots) && slot < 0; i++) {
		if (used_slots[i] == ~0ul)
			continue;
		slot = i * 64 + __builtin_ctzl(~used_slots[i]);
		used_slots[i] |= BIT(slot % 64);
	}
	spin_unlock(&kmap_lock);
	return slot;
}

static void slot_put(u32 slot)
{
	spin_lock(&kmap_lock);
	BUG_ON(!(used_slots[slot / 64] & BIT(slot % 64)));
	used_slots[slot / 64] &= ~BIT(slot % 64);
	spin_unlock(&kmap_lock);
}

/* Unmaps the first `nr` pages of a slot's stack and gives slot and frames back. Interrupts are on.
 */
static void stack_release(u32 slot, u32 nr)
{
	u64 base = VMAP_BASE + slot * SLOT_SIZE + KSTACK_SIZE;
	pfn_t pfns[STACK_PAGES];

	for (u32 i = 0; i < nr; i++) {
		pte_t *entry = table_entry(kernel_top(), base + i * PAGE_SIZE, 1);

		pfns[i] = pte_pfn(pte_xchg(entry, 0));
	}
	if (nr)
		tlb_shootdown(READ_ONCE(cpu_online_mask), base, base + nr * PAGE_SIZE);
	for (u32 i = 0; i < nr; i++)
		free_page(pfn_page(pfns[i]));
	slot_put(slot);
}

u64 kstack_alloc(void)
{
	int slot = slot_get();
	u64 base = VMAP_BASE + slot * SLOT_SIZE + KSTACK_SIZE;

	if (slot < 0)
		return 0;
	for (u32 i = 0; i < STACK_PAGES; i++) {
		pte_t *entry = table_entry_alloc(kernel_top(), base + i * PAGE_SIZE, 1,
						 &kernel_tables, NULL);
		struct page *page = entry ? alloc_page(GFP_KERNEL, PAGE_STACK) : NULL;

		if (!page) {
			stack_release(slot, i);
			return 0;
		}
		pte_xchg(entry, pte_make(page_pfn(page), RIGHTS_STACK));
	}
	return base + KSTACK_SIZE;
}

void kstack_free(u64 stack_top)
{
	u64 offset = stack_top - VMAP_BASE - SLOT_SIZE;

	BUG_ON(offset % SLOT_SIZE || offset / SLOT_SIZE >= NR_SLOTS);
	stack_release(offset / SLOT_SIZE, STACK_PAGES);
}
