/*
 * The buddy allocator.
 *
 * A free block is its first frame on the list of its order, with PG_BUDDY and page->order. Two free
 * buddies of one order are always merged, so the free lists are a function of what is allocated.
 * One lock guards all lists: single frames, which are nearly all of the traffic, come through the
 * per-CPU lists of pcp.c and take it once a batch.
 *
 * Blocks go to the head of their list and are taken from there: what was used last is likely in the
 * cache.
 *
 * Frames that can be moved (compaction.h) and those that cannot come from different blocks of 2 MiB, as far as
 * possible, so that the former can be emptied: Linux's migration types. A block becomes one for unmovable frames when
 * such a frame is wanted and no block of that kind has room, and is an ordinary one again when it is free as a
 * whole. There is one list for both: free frames of unmovable blocks lie at its tail, others at its head, and who
 * allocates takes from its own end.
 */
#include "mm/buddy.h"

/* Those whose block lies above so much memory count as movable. */
#define MAX_TYPED_BLOCKS (64 * 1024 * MIB / (HUGE_PAGE_NR * PAGE_SIZE))

static struct {
	spinlock_t lock; /* RANK_BUDDY; guards everything here */
	struct list_head blocks[MAX_ORDER + 1];
	u32 nr_blocks[MAX_ORDER + 1];
	u32 nr_free; /* frames */
	u64 unmovable[MAX_TYPED_BLOCKS /
		      64]; /* bit i: frames from i * HUGE_PAGE_NR on; read racily */
} buddy;

void buddy_init(void)
{
	spin_lock_init(&buddy.lock, RANK_BUDDY);
	for (u32 order = 0; order <= MAX_ORDER; order++)
		list_init(&buddy.blocks[order]);
}

enum mobility buddy_mobility(const struct page *page)
{
	u32 i = page_pfn(page) / HUGE_PAGE_NR;

	if (i >= MAX_TYPED_BLOCKS || !(READ_ONCE(buddy.unmovable[i / 64]) & BIT(i % 64)))
		return MOVABLE;
	return UNMOVABLE;
}

static void set_mobility(const struct page *page, enum mobility mobility)
{
	u32 i = page_pfn(page) / HUGE_PAGE_NR;

	if (i >= MAX_TYPED_BLOCKS)
		return;
	if (mobility == UNMOVABLE)
		WRITE_ONCE(buddy.unmovable[i / 64], buddy.unmovable[i / 64] | BIT(i % 64));
	else
		WRITE_ONCE(buddy.unmovable[i / 64], buddy.unmovable[i / 64] & ~BIT(i % 64));
}

static void list_block(struct page *page, u32 order)
{
	mobility_list_add(page, &buddy.blocks[order]);
}

static void insert_block(struct page *page, u32 order)
{
	page->order = order;
	page_set_untraced(page, PG_BUDDY);
	list_block(page, order);
	buddy.nr_blocks[order]++;
	buddy.nr_free += 1u << order;
}

static void remove_block(struct page *page, u32 order)
{
	list_del(&page->lru);
	page_clear_untraced(page, PG_BUDDY);
	buddy.nr_blocks[order]--;
	buddy.nr_free -= 1u << order;
}

static bool is_free_block(pfn_t pfn, u32 order)
{
	return pfn < max_pfn && page_test(pfn_page(pfn), PG_BUDDY) && pfn_page(pfn)->order == order;
}

/* Inserts a block that is not on a list yet, merged with its buddies as far as they are free. */
static void insert_merged(pfn_t pfn, u32 order)
{
	while (order < MAX_ORDER && is_free_block(pfn ^ 1u << order, order)) {
		remove_block(pfn_page(pfn ^ 1u << order), order);
		pfn &= ~(1u << order);
		TRACE(buddy_merge, .pfn = pfn, .order = order);
		order++;
	}
	for (u32 i = 0; order >= HUGE_PAGE_ORDER && i < 1u << order; i += HUGE_PAGE_NR)
		set_mobility(pfn_page(pfn + i), MOVABLE);
	insert_block(pfn_page(pfn), order);
}

/* The smallest block of at least that order in blocks of that mobility. */
static struct page *find_own(u32 order, enum mobility mobility, u32 *have)
{
	for (*have = order; *have <= MAX_ORDER; (*have)++) {
		struct page *page = mobility_list_end(&buddy.blocks[*have], mobility);

		if (page && buddy_mobility(page) == mobility)
			return page;
	}
	return NULL;
}

/* The 2 MiB that the page lies in are for unmovable frames from now on. */
static void make_unmovable(struct page *page)
{
	pfn_t start = page_pfn(page) & ~(HUGE_PAGE_NR - 1);

	set_mobility(page, UNMOVABLE);
	for (pfn_t pfn = start; pfn < start + HUGE_PAGE_NR && pfn < max_pfn;) {
		struct page *free = pfn_page(pfn);

		if (!page_test(free, PG_BUDDY) || free->order >= HUGE_PAGE_ORDER) {
			pfn++;
			continue;
		}
		list_del(&free->lru);
		list_block(free, free->order);
		pfn += 1u << free->order;
	}
}

/* The largest block there is, of the other mobility: unmovable frames shall spoil few blocks. */
static struct page *find_other(u32 order, enum mobility mobility, u32 *have)
{
	for (*have = MAX_ORDER + 1; (*have)-- > order;) {
		struct page *page = mobility_list_end(&buddy.blocks[*have], mobility);

		if (!page)
			continue;
		if (mobility == UNMOVABLE)
			make_unmovable(page);
		return page;
	}
	return NULL;
}

/* Takes a block off its list, splitting a larger one if need be; NULL when there is none. */
static struct page *remove_split(u32 order, enum mobility mobility)
{
	struct page *page;
	u32 have;

	page = find_own(order, mobility, &have);
	if (!page)
		page = find_other(order, mobility, &have);
	if (!page)
		return NULL;
	remove_block(page, have);
	while (have > order) {
		TRACE(buddy_split, .pfn = page_pfn(page), .order = have);
		have--;
		insert_block(page + (1u << have), have);
	}
	return page;
}

void buddy_add_range(pfn_t start, pfn_t end)
{
	spin_lock(&buddy.lock);
	while (start < end) {
		u32 order = start ? min(__builtin_ctz(start), MAX_ORDER) : MAX_ORDER;

		while (start + (1u << order) > end)
			order--;
		insert_merged(start, order);
		start += 1u << order;
	}
	spin_unlock(&buddy.lock);
}

void buddy_count_blocks(u32 counts[MAX_ORDER + 1])
{
	struct page *page;

	spin_lock(&buddy.lock);
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		counts[order] = 0;
		list_for_each_entry (page, &buddy.blocks[order], lru)
			counts[order]++;
	}
	spin_unlock(&buddy.lock);
}

struct page *buddy_alloc(u32 order, enum page_kind kind, bool reserve)
{
	struct page *page;

	spin_lock(&buddy.lock);
	page = remove_split(order, kind_mobility(kind));
	if (page)
		TRACE(mm_page_alloc, .pfn = page_pfn(page), .order = order, .kind = kind, .pcp = 0,
		      .reserve = reserve);
	spin_unlock(&buddy.lock);
	return page;
}

void buddy_capture(pfn_t start, u32 nr, struct list_head *blocks)
{
	spin_lock(&buddy.lock);
	for (pfn_t pfn = start; pfn < start + nr;) {
		struct page *page = pfn_page(pfn);
		u32 order = page->order;

		if (!page_test(page, PG_BUDDY) || pfn + (1u << order) > start + nr) {
			pfn++;
			continue;
		}
		remove_block(page, order);
		list_add_tail(&page->lru, blocks);
		TRACE(mm_page_alloc, .pfn = pfn, .order = order, .kind = PAGE_KERNEL, .pcp = 0,
		      .reserve = 0);
		pfn += 1u << order;
	}
	spin_unlock(&buddy.lock);
}

void buddy_free(struct page *page, u32 order, enum page_kind kind)
{
	spin_lock(&buddy.lock);
	TRACE(mm_page_free, .pfn = page_pfn(page), .order = order, .kind = kind, .pcp = 0);
	insert_merged(page_pfn(page), order);
	spin_unlock(&buddy.lock);
}

u32 buddy_take(struct list_head *frames, u32 nr, enum mobility mobility)
{
	struct page *page;
	u32 taken = 0;

	spin_lock(&buddy.lock);
	while (taken < nr && (page = remove_split(0, mobility))) {
		page_set_untraced(page, PG_PCP);
		mobility_list_add(page, frames);
		TRACE(mm_page_pcpu_refill, .pfn = page_pfn(page));
		taken++;
	}
	spin_unlock(&buddy.lock);
	return taken;
}

struct page *buddy_take_to_zero(void)
{
	struct page *page;

	spin_lock(&buddy.lock);
	page = remove_split(0, MOVABLE);
	if (page) {
		page_set_untraced(page, PG_PCP);
		TRACE(mm_page_zero, .pfn = page_pfn(page));
	}
	spin_unlock(&buddy.lock);
	return page;
}

void buddy_give(struct list_head *frames, u32 nr, u32 cpu)
{
	spin_lock(&buddy.lock);
	while (nr--) {
		struct page *page = list_last_entry(frames, struct page, lru);

		list_del(&page->lru);
		page_clear_untraced(page, PG_PCP);
		TRACE(mm_page_pcpu_drain, .pfn = page_pfn(page), .cpu = cpu);
		insert_merged(page_pfn(page), 0);
	}
	spin_unlock(&buddy.lock);
}

u32 buddy_nr_free(void)
{
	return READ_ONCE(buddy.nr_free);
}

bool buddy_has_block(u32 order)
{
	for (; order <= MAX_ORDER; order++)
		if (READ_ONCE(buddy.nr_blocks[order]))
			return true;
	return false;
}

u64 buddy_baseline(void)
{
	struct page *page;
	u64 records = 0;

	for (u32 order = 0; order <= MAX_ORDER; order++)
		list_for_each_entry (page, &buddy.blocks[order], lru) {
			TRACE(state_free, .pfn = page_pfn(page), .pcp_cpu = 0xffff, .order = order);
			records++;
		}
	return records;
}

/* One block of the list of `order`; returns faults. */
static u32 check_block(const struct page *page, u32 order)
{
	pfn_t pfn = page_pfn(page);
	u32 faults = 0;

	if (!page_test(page, PG_BUDDY) || page->order != order) {
		printk("buddy: pfn %u on the list of order %u has flags %x, order %u", pfn, order,
		       page->flags, page->order);
		faults++;
	}
	if (pfn & ((1u << order) - 1) || pfn + (1u << order) > max_pfn) {
		printk("buddy: block of order %u at pfn %u is misplaced", order, pfn);
		return faults + 1;
	}
	if (order < MAX_ORDER && is_free_block(pfn ^ 1u << order, order)) {
		printk("buddy: pfn %u and its buddy of order %u are both free", pfn, order);
		faults++;
	}
	for (u32 i = 0; i < 1u << order; i++)
		if (page[i].kind != PAGE_FREE || atomic_read(&page[i].refcount)) {
			printk("buddy: pfn %u is free, but of kind %u with %d references", pfn + i,
			       page[i].kind, atomic_read(&page[i].refcount));
			faults++;
		}
	return faults;
}

u32 buddy_check(u32 *frames)
{
	u32 faults = 0, sum = 0;
	struct page *page;

	for (u32 order = 0; order <= MAX_ORDER; order++) {
		u32 blocks = 0;

		list_for_each_entry (page, &buddy.blocks[order], lru) {
			faults += check_block(page, order);
			blocks++;
		}
		if (blocks != buddy.nr_blocks[order]) {
			printk("buddy: %u blocks of order %u, counted %u", blocks, order,
			       buddy.nr_blocks[order]);
			faults++;
		}
		sum += blocks << order;
	}
	if (sum != buddy.nr_free) {
		printk("buddy: %u free frames, counted %u", sum, buddy.nr_free);
		faults++;
	}
	*frames += sum;
	return faults;
}
