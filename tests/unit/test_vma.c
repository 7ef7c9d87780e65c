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
#include "mm/address_space_internal.h"
#include "mm/fault.h"
#include "mm/huge_memory.h"
#include "mm/i_mmap.h"
#include "mm/kmap.h"
#include "mm/limits.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/page_operations.h"
#include "mm/pgtable.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
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

/* Every page is busy. */
bool page_trylock(struct page *page)
{
	(void)page;
	return false;
}

bool swap_cache_release(struct page *page)
{
	(void)page;
	fail_msg("a page is given up");
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

/* No address is touched, so there is no huge page. */
void huge_split_at(struct mm *mm, u64 va)
{
	(void)mm;
	assert_int_equal(va & ~PAGE_MASK, 0);
}

int huge_skip(struct pte_range *range)
{
	(void)range;
	fail_msg("there is a huge page");
	return 0;
}

void huge_split_mapped(struct page *page)
{
	(void)page;
	fail_msg("a huge page is split");
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

static long map_memory(struct mm *mm, u64 addr, u64 length, u32 prot, u32 flags)
{
	return mm_mmap(mm, addr, length, prot, flags, NULL);
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
	address_space_init();
	shmem_init();
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
			assert_int_equal(map_memory(mm, va, nr * PAGE_SIZE, prot,
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

/* ---- files ---- */

static struct address_space file;
static u32 file_users;

static void get_file(struct address_space *mapping)
{
	assert_ptr_equal(mapping, &file);
	file_users++;
}
static void put_file(struct address_space *mapping)
{
	assert_ptr_equal(mapping, &file);
	file_users--;
}

static const struct address_space_ops file_ops = {.get = get_file, .put = put_file};

/* Where in the file a page of the area lies, and how it is mapped. */
struct place {
	bool mapped, shared;
	u64 pgoff;
};

/* Each VMA maps what it should, holds the file, and is the tree's where it lies in the file. */
static void check_file_vmas(struct mm *mm, const struct place *places)
{
	struct interval_node *node;
	struct vma *vma;
	u32 nr = 0;

	down_read(&mm->mmap_lock);
	for (u32 i = 0; i < PAGES; i++) {
		u64 va = AREA + i * PAGE_SIZE;

		vma = vma_find(mm, va);
		assert_int_equal(vma != NULL, places[i].mapped);
		if (!vma)
			continue;
		assert_int_equal(vma_pgoff(vma, va), places[i].pgoff);
		assert_int_equal((vma->flags & VM_SHARED) != 0, places[i].shared);
	}
	for (node = interval_first(&file.i_mmap, 0, ~0ul); node;
	     node = interval_next(node, 0, ~0ul)) {
		vma = container_of(node, struct vma, i_mmap_node);
		assert_ptr_equal(vma->mapping, &file);
		assert_int_equal(node->start, vma->pgoff);
		assert_int_equal(node->last, vma->pgoff + vma_pages(vma) - 1);
		nr++;
	}
	assert_int_equal(nr, mm->nr_vmas);
	assert_int_equal(nr, file_users);
	up_read(&mm->mmap_lock);
}

static void test_files(void **state)
{
	struct place places[PAGES] = {0};
	struct mm *mm = new_mm();
	uint64_t seed = 1;

	(void)state;
	mapping_init(&file, &file_ops);
	for (u32 step = 0; step < 2000; step++) {
		u64 random = unit_random(&seed);
		u32 first = random % PAGES, nr = min(1 + (u32)(random >> 16) % 24, PAGES - first);
		bool shared = random >> 32 & 1;
		u64 va = AREA + first * PAGE_SIZE;
		/* Often where a neighbour goes on, so that they merge. */
		struct mmap_file target = {.mapping = &file,
					   .mappable = true,
					   .pgoff = first,
					   .may = VM_READ | VM_WRITE | VM_EXEC};

		if (random >> 33 & 1)
			target.pgoff = random >> 50;
		if (random >> 34 & 1) {
			assert_int_equal(mm_mmap(mm, va, nr * PAGE_SIZE, PROT_READ,
						 MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE),
						 &target),
					 va);
			for (u32 i = 0; i < nr; i++)
				places[first + i] = (struct place){true, shared, target.pgoff + i};
		} else if (random >> 35 & 1) {
			assert_int_equal(mm_munmap(mm, va, nr * PAGE_SIZE), 0);
			for (u32 i = 0; i < nr; i++)
				places[first + i].mapped = false;
		} else {
			mm_mprotect(mm, va, nr * PAGE_SIZE, random >> 36 & 7);
			touch(mm, va);
		}
		check_file_vmas(mm, places);
	}
	mm_put(mm);
	assert_int_equal(file_users, 0);
	assert_int_equal(file.nr_writable, 0);
	mapping_destroy(&file);
	assert_int_equal(event_count[TRACE_ID_i_mmap_link], event_count[TRACE_ID_i_mmap_unlink]);
	assert_int_equal(slab_check(), 0);
}

/* What the file allows, in Linux's words. */
static void test_rights_of_files(void **state)
{
	struct mmap_file target = {.mapping = &file, .mappable = true, .may = VM_READ | VM_EXEC};
	struct mm *mm = new_mm();
	const struct vma *vma;
	long va;

	(void)state;
	mapping_init(&file, &file_ops);
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_WRITE, MAP_SHARED, &target), -EACCES);
	va = mm_mmap(mm, 0, 4096, PROT_READ, MAP_SHARED, &target);
	assert_int_equal(mm_mprotect(mm, va, 4096, PROT_READ | PROT_WRITE), -EACCES);
	down_read(&mm->mmap_lock);
	vma = vma_find(mm, va);
	assert_int_equal(vma->flags & (VM_SHARED | VM_MAYSHARE | VM_MAYWRITE), VM_MAYSHARE);
	up_read(&mm->mmap_lock);
	assert_int_equal(mapping_deny_writable(&file), 0);
	assert_true(mm_mmap(mm, 0, 4096, PROT_WRITE, MAP_PRIVATE, &target) > 0);
	target.may |= VM_WRITE;
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_WRITE, MAP_SHARED, &target), -EPERM);
	file.deny_writable = false;
	assert_true(mm_mmap(mm, 0, 4096, PROT_READ, MAP_SHARED, &target) > 0);
	assert_int_equal(mapping_deny_writable(&file), -EBUSY);
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_READ, 0, &target), -EINVAL);
	target.pgoff = ~0ul >> PAGE_SHIFT;
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_READ, MAP_SHARED, &target), -EOVERFLOW);
	target = (struct mmap_file){.may = VM_READ};
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_READ, MAP_SHARED, &target), -ENODEV);
	assert_int_equal(mm_mmap(mm, 0, 4096, PROT_EXEC, MAP_SHARED, &target), -EPERM);
	mm_put(mm);
	mapping_destroy(&file);
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void test_errors_are_linuxs(void **state)
{
	struct mm *mm = new_mm();

	(void)state;
	assert_int_equal(map_memory(mm, 0, 0, PROT_READ, ANON), -EINVAL);
	assert_int_equal(map_memory(mm, 0, ~0ul, PROT_READ, ANON), -ENOMEM);
	assert_int_equal(map_memory(mm, 0, 4096, PROT_READ, MAP_ANONYMOUS), -EINVAL);
	assert_int_equal(map_memory(mm, 0, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS),
			 -EINVAL);
	assert_int_equal(map_memory(mm, AREA + 1, 4096, PROT_READ, ANON | MAP_FIXED), -EINVAL);
	assert_int_equal(map_memory(mm, 0, 4096, PROT_READ, ANON | MAP_FIXED), -EPERM);
	assert_int_equal(map_memory(mm, USER_END, 4096, PROT_READ, ANON | MAP_FIXED), -ENOMEM);
	assert_int_equal(mm_munmap(mm, AREA, 0), -EINVAL);
	assert_int_equal(mm_munmap(mm, AREA + 1, 4096), -EINVAL);
	assert_int_equal(mm_munmap(mm, USER_END, 4096), -EINVAL);
	assert_int_equal(mm_munmap(mm, AREA, 4096), 0);
	assert_int_equal(mm_mprotect(mm, AREA, 4096, PROT_READ), -ENOMEM);
	assert_int_equal(mm_mprotect(mm, AREA, 0, PROT_READ), 0);
	assert_int_equal(mm_mprotect(mm, AREA, ~0ul, PROT_READ), -ENOMEM);
	assert_int_equal(mm_madvise(mm, AREA, 4096, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(mm_madvise(mm, AREA, 4096, 99), -EINVAL);
	assert_int_equal(map_memory(mm, AREA, 8192, PROT_READ, ANON), AREA);
	assert_int_equal(map_memory(mm, AREA, 4096, PROT_READ, ANON | MAP_FIXED_NOREPLACE),
			 -EEXIST);
	zapped_pages = 0;
	assert_int_equal(mm_madvise(mm, AREA, 3 * 4096, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(zapped_pages, 2);
	assert_int_equal(mm_madvise(mm, AREA, 8192, MADV_WILLNEED), 0);
	mm_put(mm);
}

static void test_places_are_found_top_down(void **state)
{
	struct mm *mm = new_mm();
	u64 first = map_memory(mm, 0, 4 * PAGE_SIZE, PROT_READ, ANON);
	u64 second = map_memory(mm, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, ANON);

	(void)state;
	assert_int_equal(first, mm->mmap_base - 4 * PAGE_SIZE);
	assert_int_equal(second, first - PAGE_SIZE);
	assert_int_equal(mm_munmap(mm, first + PAGE_SIZE, 2 * PAGE_SIZE), 0);
	assert_int_equal(map_memory(mm, 0, 2 * PAGE_SIZE, PROT_READ, ANON), first + PAGE_SIZE);
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
	at = map_memory(mm, 0, 8 * PAGE_SIZE, PROT_READ, ANON);
	assert_true(at < USER_END);
	assert_int_equal(map_memory(mm, 0, PAGE_SIZE, PROT_READ, ANON), -ENOMEM);
	/* In place of what is there. */
	assert_int_equal(map_memory(mm, at, 8 * PAGE_SIZE, PROT_READ, ANON | MAP_FIXED), at);
	assert_int_equal(map_memory(mm, at, 9 * PAGE_SIZE, PROT_READ, ANON | MAP_FIXED), -ENOMEM);
	limits[MEM_RLIMIT_AS] = ~0ul;
	limits[MEM_RLIMIT_DATA] = 4 * PAGE_SIZE;
	assert_int_equal(mm_mprotect(mm, at, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(mm_mprotect(mm, at, 5 * PAGE_SIZE, PROT_READ | PROT_WRITE), -ENOMEM);
	limits[MEM_RLIMIT_MEMLOCK] = PAGE_SIZE;
	assert_int_equal(map_memory(mm, 0, 2 * PAGE_SIZE, PROT_READ, ANON | MAP_LOCKED), -EAGAIN);
	limits[MEM_RLIMIT_MEMLOCK] = 0;
	assert_int_equal(map_memory(mm, 0, PAGE_SIZE, PROT_READ, ANON | MAP_LOCKED), -EPERM);
	mm_put(mm);
}

static void test_overcommit(void **state)
{
	struct mm *mm = new_mm();
	u64 all = (u64)nr_managed_frames * PAGE_SIZE, at;

	(void)state;
	at = map_memory(mm, 0, all, PROT_READ | PROT_WRITE, ANON);
	assert_true(at < USER_END);
	assert_int_equal(committed_as(), nr_managed_frames);
	assert_int_equal(map_memory(mm, 0, all + PAGE_SIZE, PROT_READ | PROT_WRITE, ANON), -ENOMEM);
	assert_true(map_memory(mm, 0, all + PAGE_SIZE, PROT_READ, ANON) > 0);
	assert_true(map_memory(mm, 0, all + PAGE_SIZE, PROT_READ | PROT_WRITE,
			       ANON | MAP_NORESERVE) > 0);
	assert_int_equal(mm_munmap(mm, at, all), 0);
	assert_int_equal(committed_as(), 0);
	overcommit = (struct overcommit){.memory = OVERCOMMIT_NEVER, .kbytes = 64};
	assert_int_equal(commit_limit(), 16);
	assert_int_equal(
		map_memory(mm, 0, 16 * PAGE_SIZE, PROT_READ | PROT_WRITE, ANON | MAP_NORESERVE),
		-ENOMEM);
	at = map_memory(mm, 0, 15 * PAGE_SIZE, PROT_READ | PROT_WRITE, ANON);
	assert_int_equal(mm_mprotect(mm, at, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(committed_as(), 15);
	at = map_memory(mm, 0, PAGE_SIZE, PROT_READ, ANON);
	assert_int_equal(mm_mprotect(mm, at, PAGE_SIZE, PROT_READ | PROT_WRITE), -ENOMEM);
	assert_null(mm_fork(mm));
	assert_int_equal(committed_as(), 15);
	overcommit = (struct overcommit){.memory = OVERCOMMIT_ALWAYS};
	assert_true(map_memory(mm, 0, 2 * all, PROT_READ | PROT_WRITE, ANON) > 0);
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
	assert_int_equal(map_memory(mm, AREA + 5 * PAGE_SIZE, 4096, PROT_READ, ANON),
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
	cmocka_unit_test_setup(test_files, setup),
	cmocka_unit_test_setup(test_rights_of_files, setup),
	cmocka_unit_test_setup(test_errors_are_linuxs, setup),
	cmocka_unit_test_setup(test_places_are_found_top_down, setup),
	cmocka_unit_test_setup(test_limits_are_kept, setup),
	cmocka_unit_test_setup(test_overcommit, setup),
	cmocka_unit_test_setup(test_brk_moves, setup),
};

UNIT_MAIN(tests)
