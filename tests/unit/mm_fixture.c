#include "mm_fixture.h"

#include "cpu/current.h"
#include "mm/memblock.h"
#include "mm/oom.h"
#include "mm/reclaim.h"

u8 machine_ram[RAM_FRAMES * PAGE_SIZE] __aligned(PAGE_SIZE << MAX_ORDER);

struct page *mem_map;
pfn_t max_pfn;
u32 nr_managed_frames;

struct pressure pressure;

DEFINE_PER_CPU(struct current_task *, current_task);
static struct current_task task;

/* Usable RAM: [start, end) of frames, with ends that no block is aligned to. */
static const struct {
	pfn_t start, end;
} ranges[] = {{1, 159}, {256, 1000}, {1003, 4090}};

/* What the boot allocator gives: the array of struct page, and what KASAN keeps of each frame. */
static u8 boot_memory[RAM_FRAMES * 768] __aligned(PAGE_SIZE);
static size_t boot_used;

void *memblock_alloc(size_t size)
{
	void *memory;

	size = PAGE_ALIGN(size);
	assert_true(size <= sizeof(boot_memory) - boot_used);
	memory = boot_memory + boot_used;
	boot_used += size;
	return memory;
}

void memblock_for_each_free(void (*fn)(pfn_t start, pfn_t end))
{
	for (u32 i = 0; i < ARRAY_SIZE(ranges); i++)
		fn(ranges[i].start, ranges[i].end);
}

pfn_t memblock_max_pfn(void)
{
	return ranges[ARRAY_SIZE(ranges) - 1].end;
}

void page_init(void) {}

u32 page_set(struct page *page, u32 flags)
{
	u32 changed = flags & ~page->flags;

	page->flags |= flags;
	return changed;
}

u32 page_clear(struct page *page, u32 flags)
{
	u32 changed = page->flags & flags;

	page->flags &= ~flags;
	return changed;
}

void wakeup_kswapd(u32 order)
{
	(void)order;
	pressure.kswapd_wakeups++;
}

u32 direct_reclaim(u32 order)
{
	(void)order;
	pressure.reclaims++;
	return pressure.reclaim ? pressure.reclaim() : 0;
}

bool reclaim_is_hopeless(void)
{
	return false;
}

void oom_wait_reaped(void) {}

void out_of_memory(u32 order)
{
	(void)order;
	pressure.kills++;
	if (!pressure.kill)
		fail_msg("a task would be killed");
	pressure.kill();
}

void cond_resched(void)
{
	assert_int_equal(spinlocks_held(), 0);
}

void fixture_task_flags(u32 flags)
{
	task.flags = flags;
}

int mm_setup(void **state)
{
	(void)state;
	if (!mem_map) {
		machine_reset(2);
		for_each_cpu (cpu)
			per_cpu(current_task, cpu) = &task;
		page_alloc_init();
	}
	machine.cpu = 0;
	task.flags = 0;
	pressure = (struct pressure){0};
	return 0;
}

int mm_teardown(void **state)
{
	(void)state;
	assert_int_equal(spinlocks_held(), 0);
	assert_int_equal(page_alloc_check(), 0);
	/* A CPU cannot have what others keep: the next test begins with all in the buddy lists. */
	for (machine.cpu = 0; machine.cpu < nr_cpus; machine.cpu++)
		pcp_drain_local();
	machine.cpu = 0;
	zero_pool_drain();
	assert_int_equal(nr_free_frames(), nr_managed_frames);
	return 0;
}
