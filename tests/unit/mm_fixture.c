#include "mm_fixture.h"

#include "cpu/current.h"
#include "cpu/wait.h"
#include "mm/lru.h"
#include "mm/memblock.h"
#include "mm/oom.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/zero_page.h"

struct fixture fixture;
char *fixture_ram;
char kernel_start[1], kernel_end[1];
struct boot_info boot_info;
struct page *zero_page;
u8 trace_enabled[TRACE_ID_LIMIT];

DEFINE_PER_CPU(struct current_task *, current_task);
static struct current_task task = {.pid = 1};

/* ---- the replay: where each frame is, by events ---- */

enum place { PLACE_UNKNOWN, PLACE_BUDDY, PLACE_PCP, PLACE_USED, PLACE_INSIDE };

static struct frame {
	enum place place; /* of the first frame of a block; the others are inside */
	u32 order, cpu, kind;
} frames[FIXTURE_FRAMES], listed[FIXTURE_FRAMES];

static void put(struct frame *to, u32 pfn, enum place place, u32 order, u32 cpu, u32 kind)
{
	assert_true(pfn + (1u << order) <= FIXTURE_FRAMES);
	for (u32 i = 0; i < 1u << order; i++)
		to[pfn + i] = (struct frame){i ? PLACE_INSIDE : place, order, cpu, kind};
}

static void expect(u32 pfn, enum place place, u32 order)
{
	assert_int_equal(frames[pfn].place, place);
	assert_int_equal(frames[pfn].order, order);
}

static void replay_alloc(const struct trace_ev_mm_page_alloc *ev)
{
	expect(ev->pfn, ev->pcp ? PLACE_PCP : PLACE_BUDDY, ev->order);
	if (ev->pcp)
		assert_int_equal(frames[ev->pfn].cpu, machine.cpu);
	put(frames, ev->pfn, PLACE_USED, ev->order, 0, ev->kind);
}

static void replay_free(const struct trace_ev_mm_page_free *ev)
{
	expect(ev->pfn, PLACE_USED, ev->order);
	assert_int_equal(frames[ev->pfn].kind, ev->kind);
	put(frames, ev->pfn, ev->pcp ? PLACE_PCP : PLACE_BUDDY, ev->order,
	    ev->pcp ? machine.cpu : 0, 0);
}

static void replay_split(const struct trace_ev_buddy_split *ev)
{
	expect(ev->pfn, PLACE_BUDDY, ev->order);
	put(frames, ev->pfn, PLACE_BUDDY, ev->order - 1, 0, 0);
	put(frames, ev->pfn + (1u << (ev->order - 1)), PLACE_BUDDY, ev->order - 1, 0, 0);
}

static void replay_merge(const struct trace_ev_buddy_merge *ev)
{
	expect(ev->pfn, PLACE_BUDDY, ev->order);
	expect(ev->pfn + (1u << ev->order), PLACE_BUDDY, ev->order);
	put(frames, ev->pfn, PLACE_BUDDY, ev->order + 1, 0, 0);
}

static void replay_state_free(const struct trace_ev_state_free *ev)
{
	bool pcp = ev->pcp_cpu != 0xffff;

	assert_int_equal(listed[ev->pfn].place, PLACE_UNKNOWN);
	put(listed, ev->pfn, pcp ? PLACE_PCP : PLACE_BUDDY, ev->order, pcp ? ev->pcp_cpu : 0, 0);
}

static void replay(u32 id, const void *payload)
{
	u32 pfn = *(const u32 *)payload;

	switch (id) {
	case TRACE_ID_mm_page_alloc:
		replay_alloc(payload);
		break;
	case TRACE_ID_mm_page_free:
		replay_free(payload);
		break;
	case TRACE_ID_buddy_split:
		replay_split(payload);
		break;
	case TRACE_ID_buddy_merge:
		replay_merge(payload);
		break;
	case TRACE_ID_mm_page_pcpu_refill:
		expect(pfn, PLACE_BUDDY, 0);
		put(frames, pfn, PLACE_PCP, 0, machine.cpu, 0);
		break;
	case TRACE_ID_mm_page_pcpu_drain:
		expect(pfn, PLACE_PCP, 0);
		put(frames, pfn, PLACE_BUDDY, 0, 0, 0);
		break;
	case TRACE_ID_state_free:
		replay_state_free(payload);
		break;
	default:
		break;
	}
}

static u64 payload_buffer[64];
static u32 payload_id;

void *trace_reserve(u32 id, u32 size)
{
	assert_true(size <= sizeof(payload_buffer));
	assert_int_equal(payload_id, 0);
	payload_id = id;
	return payload_buffer;
}

void trace_commit(void *payload, u32 size)
{
	u32 id = payload_id;

	(void)size;
	payload_id = 0;
	fixture.nr_events[id]++;
	replay(id, payload);
}

void fixture_verify(void)
{
	memset(listed, 0, sizeof(listed));
	assert_true(page_alloc_baseline() > 0);
	for (u32 pfn = 0; pfn < FIXTURE_FRAMES; pfn++) {
		bool free = frames[pfn].place == PLACE_BUDDY || frames[pfn].place == PLACE_PCP;

		if (free)
			assert_memory_equal(&listed[pfn], &frames[pfn], sizeof(listed[pfn]));
		else if (frames[pfn].place == PLACE_USED)
			assert_int_equal(listed[pfn].place, PLACE_UNKNOWN);
	}
	assert_int_equal(page_alloc_check(), 0);
	assert_int_equal(slab_check(), 0);
}

/* Boots once for all tests of a program: slab caches are never destroyed. */
int fixture_setup(void **state)
{
	static bool booted;

	(void)state;
	memset(&fixture, 0, sizeof(fixture));
	if (booted)
		return 0;
	booted = true;
	machine_reset(2);
	for_each_cpu (cpu)
		per_cpu(current_task, cpu) = &task;
	fixture_ram = aligned_alloc(PAGE_SIZE << MAX_ORDER, FIXTURE_FRAMES * PAGE_SIZE);
	assert_non_null(fixture_ram);
	boot_info.ram[0] = (struct phys_range){1 * MIB, FIXTURE_FRAMES * PAGE_SIZE};
	boot_info.nr_ram = 1;
	boot_info.initrd = (struct phys_range){5 * MIB, 5 * MIB + 100};
	memblock_init();
	page_alloc_init();
	memset(trace_enabled, 1, sizeof(trace_enabled));
	page_alloc_baseline();
	memcpy(frames, listed, sizeof(frames));
	slab_init();
	return 0;
}

/* ---- what mm calls ---- */

bool panic_in_progress(void)
{
	return false;
}

void strscpy_pad(char *to, const char *from, size_t size)
{
	memset(to, 0, size);
	memcpy(to, from, min(strlen(from), size - 1));
}

void wakeup_kswapd(u32 order)
{
	(void)order;
	fixture.kswapd_wakeups++;
}

u32 direct_reclaim(u32 order)
{
	(void)order;
	fixture.reclaims++;
	return fixture.reclaim ? fixture.reclaim() : 0;
}

void out_of_memory(u32 order)
{
	(void)order;
	fixture.kills++;
	if (fixture.kill)
		fixture.kill();
}

void lru_del_freed(struct page *page)
{
	page_clear(page, PG_LRU);
}

/* Replaced where the real rmap.c is part of the test. */
__attribute__((weak)) void rmap_page_freed(struct page *page)
{
	(void)page;
}

void cond_resched(void) {}
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
