/* What address spaces call of the rest of mm and of the scheduler, where no page is ever mapped and mmap_lock is
 * never contended. */
#include "unit.h"

#include "cpu/wait.h"
#include "mm/address_space_internal.h"
#include "mm/page_operations.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/swap.h"

/* No page is ever mapped. */
const struct page_operations anon_page, shmem_page, zero_page_operations, swapped_page, kernel_page;
const struct page_operations *const page_operations_by_kind[PAGE_KINDS];

static void fail_page(struct page *page)
{
	fail_msg("page %u", page_pfn(page));
}
void page_put_last(struct page *page, s32 left)
{
	(void)left;
	fail_page(page);
}
void page_lock(struct page *page)
{
	fail_page(page);
}
void page_unlock(struct page *page)
{
	fail_page(page);
}
void swap_cache_drop_unused(struct page *page)
{
	fail_page(page);
}
void munlock_page(struct page *page)
{
	page_put(page);
}
int mapping_punch_hole(struct address_space *mapping, u64 pos, u64 n)
{
	fail_msg("%lu bytes of mapping %u at %lu", n, mapping->id, pos);
	return 0;
}
struct page *mapping_swap_in(struct address_space *mapping, u64 index, u32 slot, bool *waited,
			     int *error)
{
	(void)index, (void)waited, (void)error;
	fail_msg("slot %u of mapping %u", slot, mapping->id);
	return NULL;
}
void swap_slot_put(u32 slot, enum slot_why why)
{
	(void)why;
	fail_msg("slot %u", slot);
}
void reclaim_list_new(struct page *page)
{
	fail_page(page);
}
void reclaim_mark_accessed(struct page *page)
{
	fail_page(page);
}
void mapping_read_ahead(struct address_space *mapping, u64 index, u64 end)
{
	(void)index, (void)end;
	fail_msg("mapping %u is read", mapping->id);
}
bool rmap_visit(struct page *page, struct vma *vma, u64 va,
		bool (*visit)(struct rmap_mapping *mapping, void *arg), void *arg)
{
	(void)vma, (void)va, (void)visit, (void)arg;
	fail_page(page);
	return false;
}

/* mmap_lock is never contended here. */
void schedule(void)
{
	panic("a unit test would sleep");
}
void wake_up(struct wait_queue *queue)
{
	(void)queue;
}
void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->sleepers);
}
void wait_entry_init(struct wait_entry *wait)
{
	list_init(&wait->node);
}
void wait_finish(struct wait_queue *queue, struct wait_entry *wait)
{
	(void)queue;
	(void)wait;
}
void wait_prepare(struct wait_queue *queue, struct wait_entry *wait, enum task_state state)
{
	(void)queue;
	(void)wait;
	(void)state;
}
