/*
 * Address spaces: the memory system calls against a table of pages that says what should be mapped.
 * Real VMAs, trees, anon_vmas and page tables; zapping and protecting entries is replaced, there
 * are none.
 */
#include "mm_fixture.h"

#include "arch/x86_64/tlb.h"
#include "cpu/wait.h"
#include "event_log.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/kmap.h"
#include "mm/limits.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/pgtable.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/zap.h"
#include "mm/zero_page.h"

#define AREA   0x10000000ul
#define PAGES  256
#define ABSENT 0xffffffffu

phys_addr_t kernel_pgd;
u32 quiesce_wanted;
struct page *zero_page;

/* What the tested code calls. */
static u64 zapped_pages;

void zap_range(struct vma *vma, u64 start, u64 end, enum pte_why why)
{
	(void)why;
	assert_true(start >= vma->start && end <= vma->end && start < end);
	zapped_pages += (end - start) >> PAGE_SHIFT;
}

bool lru_isolate_page(struct page *page)
{
	(void)page;
	return false;
}

void reclaim_page_out(struct page **pages, u32 nr_pages)
{
	(void)pages;
	(void)nr_pages;
}

void reclaim_deactivate(struct page **pages, u32 nr_pages)
{
	(void)pages;
	(void)nr_pages;
}

/* Nothing is in swap here. */
bool swap_read_ahead(const u32 *slots, u32 nr_slots)
{
	(void)slots;
	(void)nr_slots;
	fail_msg("a slot is read");
	return false;
}

void protect_range(struct vma *vma, u64 start, u64 end)
{
	assert_true(start >= vma->start && end <= vma->end);
}

int copy_range(struct vma *child, struct vma *parent)
{
	assert_int_equal(child->start, parent->start);
	return 0;
}

int mm_populate(struct mm *mm, u64 start, u64 end)
{
	(void)mm;
	(void)start;
	(void)end;
	return 0;
}

int fault_in_vma(struct vma *vma, u64 start, u64 end, enum fault_in how)
{
	(void)vma;
	(void)start;
	(void)end;
	(void)how;
	return 0;
}

/* Limits in bytes, by resource. */
static u64 limits[16];

u64 current_rlimit(u32 resource)
{
	return limits[resource];
}

/* Nobody has rights that limits do not hold for. */
bool current_capable(u32 capability)
{
	(void)capability;
	return false;
}

u32 swap_nr_slots(void)
{
	return 0;
}

u64 cmdline_u64(const char *name, u64 fallback)
{
	(void)name;
	return fallback;
}

void oom_victim_gone(struct mm *mm)
{
	(void)mm;
}
void load_pgd(phys_addr_t pgd)
{
	(void)pgd;
}
void tlb_shootdown(u64 cpu_mask, u64 start, u64 end)
{
	(void)cpu_mask;
	(void)start;
	(void)end;
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

/* ---- the checks ---- */

static bool could_be_one(const struct vma *a, const struct vma *b)
{
	/* Two that got one anon_vma by faults stay apart until somebody changes one of them. */
	return a->end == b->start && a->flags == b->flags && !a->anon_vma && !b->anon_vma;
}

static void check_structure(struct mm *mm)
{
	struct rb_node *node = rb_first(&mm->vma_tree);
	struct vma *vma, *before = NULL;
	u32 nr = 0;

	for_each_vma (mm, vma) {
		struct anon_vma_chain *link;

		assert_ptr_equal(node, &vma->rb);
		assert_true(vma->start < vma->end);
		if (before) {
			assert_true(before->end <= vma->start);
			assert_false(could_be_one(before, vma));
		}
		list_for_each_entry (link, &vma->chain, node) {
			assert_int_equal(link->interval.start, vma->start >> PAGE_SHIFT);
			assert_int_equal(link->interval.last, (vma->end >> PAGE_SHIFT) - 1);
		}
		node = rb_next(node);
		before = vma;
		nr++;
	}
	assert_null(node);
	assert_int_equal(nr, mm->nr_vmas);
}

static void check_pages(struct mm *mm, const u32 *flags)
{
	down_read(&mm->mmap_lock);
	check_structure(mm);
	for (u32 i = 0; i < PAGES; i++) {
		struct vma *vma = vma_find(mm, AREA + i * PAGE_SIZE);

		assert_int_equal(vma ? vma->flags & 7 : ABSENT, flags[i]);
	}
	up_read(&mm->mmap_lock);
}

/* Once: caches are never destroyed. So frames stay in use from test to test, and mm_teardown() is
 * not for these. */
static int setup(void **state)
{
	static bool initialised;

	if (mm_setup(state))
		return -1;
	memset(limits, 0xff, sizeof(limits));
	if (initialised)
		return 0;
	initialised = true;
	slab_init();
	kernel_pgd = virt_to_phys(page_virt(alloc_page(GFP_ZERO, PAGE_PGTABLE)));
	mm_init();
	vma_init();
	rmap_init();
	event_log_start();
	return 0;
}

static struct mm *new_mm(void)
{
	struct mm *mm = mm_create();

	assert_non_null(mm);
	return mm;
}

static void fill(u32 *flags, u32 first, u32 nr, u32 value)
{
	while (nr--)
		flags[first++] = value;
}

/* Gives a mapped page's VMA an anon_vma and a page table, as a write fault would. */
static void touch(struct mm *mm, u64 va)
{
	struct vma *vma;

	down_read(&mm->mmap_lock);
	vma = vma_find(mm, va);
	if (vma) {
		assert_int_equal(anon_vma_prepare(vma), 0);
		assert_non_null(pte_alloc(mm, va));
	}
	up_read(&mm->mmap_lock);
}

static void random_calls(struct mm *mm, u32 *flags, u64 seed, u32 steps)
{
	while (steps--) {
		u64 random = unit_random(&seed);
		u32 first = random % PAGES, nr = 1 + (random >> 16) % 24, prot = (random >> 32) % 8;
		u64 va = AREA + first * PAGE_SIZE;
		bool hole = false;

		nr = min(nr, PAGES - first);
		for (u32 i = first; i < first + nr; i++)
			hole |= flags[i] == ABSENT;
		switch ((random >> 40) % 4) {
		case 0:
			assert_int_equal(mm_mmap(mm, va, nr * PAGE_SIZE, prot,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED),
					 va);
			fill(flags, first, nr, prot);
			break;
		case 1:
			assert_int_equal(mm_munmap(mm, va, nr * PAGE_SIZE), 0);
			fill(flags, first, nr, ABSENT);
			break;
		case 2:
			if (hole)
				break;
			assert_int_equal(mm_mprotect(mm, va, nr * PAGE_SIZE, prot), 0);
			fill(flags, first, nr, prot);
			break;
		case 3:
			touch(mm, va);
			break;
		}
		check_pages(mm, flags);
	}
}

/* Mapped pages whose rights are `value` in the bits of `mask`. */
static u32 pages_in(const u32 *flags, u32 mask, u32 value)
{
	u32 nr = 0;

	for (u32 i = 0; i < PAGES; i++)
		nr += flags[i] != ABSENT && (flags[i] & mask) == value;
	return nr;
}

static void test_calls_do_what_they_say(void **state)
{
	struct mm *mm = new_mm(), *child;
	u32 flags[PAGES], child_flags[PAGES];

	(void)state;
	fill(flags, 0, PAGES, ABSENT);
	random_calls(mm, flags, 1, 2000);
	child = mm_fork(mm);
	assert_non_null(child);
	memcpy(child_flags, flags, sizeof(flags));
	random_calls(child, child_flags, 2, 1000);
	random_calls(mm, flags, 3, 1000);
	check_pages(child, child_flags);
	assert_int_equal(mm->total_vm, pages_in(flags, 0, 0));
	assert_int_equal(mm->data_vm, pages_in(flags, VM_WRITE, VM_WRITE));
	assert_int_equal(mm->exec_vm, pages_in(flags, VM_WRITE | VM_EXEC, VM_EXEC));
	assert_true(committed_as() >= mm->data_vm);
	mm_put(mm);
	mm_put(child);
	assert_int_equal(committed_as(), 0);
	assert_int_equal(event_count[TRACE_ID_vma_create], event_count[TRACE_ID_vma_remove]);
	assert_int_equal(event_count[TRACE_ID_avc_link], event_count[TRACE_ID_avc_unlink]);
	assert_int_equal(event_count[TRACE_ID_anon_vma_create],
			 event_count[TRACE_ID_anon_vma_free]);
	assert_int_equal(event_count[TRACE_ID_pgtable_alloc], event_count[TRACE_ID_pgtable_free]);
	assert_int_equal(slab_check(), 0);
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void test_errors_are_linuxs(void **state)
{
	struct mm *mm = new_mm();

	(void)state;
	assert_int_equal(mm_mmap(mm, 0, 0, PROT_READ, ANON), -EINVAL);
	assert_int_equal(mm_mmap(mm, 0, ~0ul, PROT_READ, ANON), -ENOMEM);
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_READ, MAP_ANONYMOUS), -EINVAL);
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS), -EOPNOTSUPP);
	assert_int_equal(mm_mmap(mm, AREA + 1, 4096, PROT_READ, ANON | MAP_FIXED), -EINVAL);
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_READ, ANON | MAP_FIXED), -EPERM);
	assert_int_equal(mm_mmap(mm, USER_END, 4096, PROT_READ, ANON | MAP_FIXED), -ENOMEM);
	assert_int_equal(mm_munmap(mm, AREA, 0), -EINVAL);
	assert_int_equal(mm_munmap(mm, AREA + 1, 4096), -EINVAL);
	assert_int_equal(mm_munmap(mm, USER_END, 4096), -EINVAL);
	assert_int_equal(mm_munmap(mm, AREA, 4096), 0);
	assert_int_equal(mm_mprotect(mm, AREA, 4096, PROT_READ), -ENOMEM);
	assert_int_equal(mm_mprotect(mm, AREA, 0, PROT_READ), 0);
	assert_int_equal(mm_mprotect(mm, AREA, ~0ul, PROT_READ), -ENOMEM);
	assert_int_equal(mm_madvise(mm, AREA, 4096, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(mm_madvise(mm, AREA, 4096, 99), -EINVAL);
	assert_int_equal(mm_mmap(mm, AREA, 8192, PROT_READ, ANON), AREA);
	assert_int_equal(mm_mmap(mm, AREA, 4096, PROT_READ, ANON | MAP_FIXED_NOREPLACE), -EEXIST);
	zapped_pages = 0;
	assert_int_equal(mm_madvise(mm, AREA, 3 * 4096, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(zapped_pages, 2);
	assert_int_equal(mm_madvise(mm, AREA, 8192, MADV_WILLNEED), 0);
	mm_put(mm);
}

static void test_places_are_found_top_down(void **state)
{
	struct mm *mm = new_mm();
	u64 first = mm_mmap(mm, 0, 4 * PAGE_SIZE, PROT_READ, ANON);
	u64 second = mm_mmap(mm, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, ANON);

	(void)state;
	assert_int_equal(first, mm->mmap_base - 4 * PAGE_SIZE);
	assert_int_equal(second, first - PAGE_SIZE);
	assert_int_equal(mm_munmap(mm, first + PAGE_SIZE, 2 * PAGE_SIZE), 0);
	assert_int_equal(mm_mmap(mm, 0, 2 * PAGE_SIZE, PROT_READ, ANON), first + PAGE_SIZE);
	assert_int_equal(mm->nr_vmas, 2); /* the hole's filler joined both sides */
	assert_int_equal(mm_map_stack(mm, 128 * KIB), 0);
	assert_int_equal(mm_map_stack(mm, 128 * KIB), -EEXIST);
	mm_put(mm);
}

static void test_limits_are_kept(void **state)
{
	struct mm *mm = new_mm();
	u64 at;

	(void)state;
	limits[MEM_RLIMIT_AS] = 8 * PAGE_SIZE;
	at = mm_mmap(mm, 0, 8 * PAGE_SIZE, PROT_READ, ANON);
	assert_true(at < USER_END);
	assert_int_equal(mm_mmap(mm, 0, PAGE_SIZE, PROT_READ, ANON), -ENOMEM);
	/* In place of what is there. */
	assert_int_equal(mm_mmap(mm, at, 8 * PAGE_SIZE, PROT_READ, ANON | MAP_FIXED), at);
	assert_int_equal(mm_mmap(mm, at, 9 * PAGE_SIZE, PROT_READ, ANON | MAP_FIXED), -ENOMEM);
	limits[MEM_RLIMIT_AS] = ~0ul;
	limits[MEM_RLIMIT_DATA] = 4 * PAGE_SIZE;
	assert_int_equal(mm_mprotect(mm, at, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(mm_mprotect(mm, at, 5 * PAGE_SIZE, PROT_READ | PROT_WRITE), -ENOMEM);
	limits[MEM_RLIMIT_MEMLOCK] = PAGE_SIZE;
	assert_int_equal(mm_mmap(mm, 0, 2 * PAGE_SIZE, PROT_READ, ANON | MAP_LOCKED), -EAGAIN);
	limits[MEM_RLIMIT_MEMLOCK] = 0;
	assert_int_equal(mm_mmap(mm, 0, PAGE_SIZE, PROT_READ, ANON | MAP_LOCKED), -EPERM);
	mm_put(mm);
}

static void test_overcommit(void **state)
{
	struct mm *mm = new_mm();
	u64 all = (u64)nr_managed_frames * PAGE_SIZE, at;

	(void)state;
	at = mm_mmap(mm, 0, all, PROT_READ | PROT_WRITE, ANON);
	assert_true(at < USER_END);
	assert_int_equal(committed_as(), nr_managed_frames);
	assert_int_equal(mm_mmap(mm, 0, all + PAGE_SIZE, PROT_READ | PROT_WRITE, ANON), -ENOMEM);
	assert_true(mm_mmap(mm, 0, all + PAGE_SIZE, PROT_READ, ANON) > 0);
	assert_true(mm_mmap(mm, 0, all + PAGE_SIZE, PROT_READ | PROT_WRITE, ANON | MAP_NORESERVE) >
		    0);
	assert_int_equal(mm_munmap(mm, at, all), 0);
	assert_int_equal(committed_as(), 0);
	overcommit = (struct overcommit){.memory = OVERCOMMIT_NEVER, .kbytes = 64};
	assert_int_equal(commit_limit(), 16);
	assert_int_equal(
		mm_mmap(mm, 0, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE, ANON | MAP_NORESERVE),
		-ENOMEM);
	at = mm_mmap(mm, 0, 15 * PAGE_SIZE, PROT_READ | PROT_WRITE, ANON);
	assert_int_equal(mm_mprotect(mm, at, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(committed_as(), 15);
	at = mm_mmap(mm, 0, PAGE_SIZE, PROT_READ, ANON);
	assert_int_equal(mm_mprotect(mm, at, PAGE_SIZE, PROT_READ | PROT_WRITE), -ENOMEM);
	assert_null(mm_fork(mm));
	assert_int_equal(committed_as(), 15);
	overcommit = (struct overcommit){.memory = OVERCOMMIT_ALWAYS};
	assert_true(mm_mmap(mm, 0, 2 * all, PROT_READ | PROT_WRITE, ANON) > 0);
	overcommit = (struct overcommit){.memory = OVERCOMMIT_GUESS};
	mm_put(mm);
	assert_int_equal(committed_as(), 0);
}

static void test_brk_moves(void **state)
{
	struct mm *mm = new_mm();

	(void)state;
	mm->start_brk = mm->brk = AREA;
	assert_int_equal(mm_brk(mm, 0), AREA);
	assert_int_equal(mm_brk(mm, AREA + 200), AREA + 200);
	assert_int_equal(mm->nr_vmas, 1);
	assert_int_equal(mm_brk(mm, AREA + 3 * PAGE_SIZE), AREA + 3 * PAGE_SIZE);
	assert_int_equal(mm->nr_vmas, 1);
	assert_int_equal(mm_mmap(mm, AREA + 5 * PAGE_SIZE, 4096, PROT_READ, ANON),
			 AREA + 5 * PAGE_SIZE);
	/* A page stays free between the heap and what is behind it. */
	assert_int_equal(mm_brk(mm, AREA + 5 * PAGE_SIZE), AREA + 3 * PAGE_SIZE);
	assert_int_equal(mm_brk(mm, AREA + 6 * PAGE_SIZE), AREA + 3 * PAGE_SIZE);
	assert_int_equal(mm_brk(mm, AREA), AREA);
	assert_int_equal(mm->nr_vmas, 1);
	mm_put(mm);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(test_calls_do_what_they_say, setup),
	cmocka_unit_test_setup(test_errors_are_linuxs, setup),
	cmocka_unit_test_setup(test_places_are_found_top_down, setup),
	cmocka_unit_test_setup(test_limits_are_kept, setup),
	cmocka_unit_test_setup(test_overcommit, setup),
	cmocka_unit_test_setup(test_brk_moves, setup),
};

UNIT_MAIN(tests)
