/*
 * The swap area's slot map and the swap cache.
 *
 * Both are arrays indexed by slot: the areas this kernel meets have some ten thousand slots, and an
 * array of four-byte frame numbers is smaller and quicker than a tree of them. Slot 0 is the header
 * and never used, so a frame number or slot of 0 means none.
 *
 * Slots are handed out in clusters of SWAP_CLUSTER consecutive ones to each CPU, so that what one
 * reclaim pass evicts lies together on the disk whatever the others do, is written by one request,
 * and is read ahead together.
 */
#include "mm/swap.h"

#include "cpu/percpu.h"
#include "lib/errno.h"
#include "mm/slab.h"

#define SWAP_CLUSTER IO_MAX_PAGES

static struct {
	spinlock_t lock;      /* all below but disk, capacity and read_sync, which never change */
	struct backing *disk; /* NULL: there is none */
	u32 capacity;         /* slots that the tables have room for: all of the disk */
	int (*read_sync)(struct backing *disk, u64 offset, struct page *page);
	u32 last_slot; /* slots 1..last_slot exist; 0: swap is off */
	u32 nr_free;
	bool closing; /* swapoff: no slot is handed out any more */
	u16 *refs;
	u32 *cached;       /* pfn, or 0 */
	u8 *kind;          /* enum page_kind of the content; of slots in use */
	u32 *evicted_at;   /* value of `evictions` when the slot's content left memory */
	u16 *cluster_used; /* slots in use of each cluster */
	u32 nr_clusters;
	u32 search_cluster; /* where the next search for a free cluster begins */
	u32 evictions;
} swap = {.lock = SPINLOCK_INIT(RANK_SWAP)};

/* Next slot of the cluster this CPU allocates from; guarded by the swap lock. */
static DEFINE_PER_CPU(u32, cluster_next);

u32 swap_nr_slots(void)
{
	return READ_ONCE(swap.last_slot);
}
u32 swap_nr_free(void)
{
	return READ_ONCE(swap.closing) ? 0 : READ_ONCE(swap.nr_free);
}
u32 swap_nr_used(void)
{
	return READ_ONCE(swap.last_slot) - READ_ONCE(swap.nr_free);
}
u32 swap_capacity(void)
{
	return swap.capacity;
}
struct backing *swap_disk(void)
{
	return swap.disk;
}
u16 debug_swap_refs(u32 slot)
{
	return swap.refs[slot];
}
struct page *debug_swap_cached(u32 slot)
{
	return swap.cached[slot] ? pfn_page(swap.cached[slot]) : NULL;
}

/* Linux's header, as mkswap(8) writes version 1 of it. */
struct swap_header {
	u8 boot[1024];
	u32 version;
	u32 last_page;
	u32 nr_badpages;
	u8 uuid[16];
	u8 label[16];
	u8 unused[PAGE_SIZE - 1024 - 12 - 32 - 10];
	char magic[10];
};

static_assert(sizeof(struct swap_header) == PAGE_SIZE, "the header is one page");

static int check_header(const struct swap_header *header, u64 disk_size)
{
	if (memcmp(header->magic, "SWAPSPACE2", sizeof(header->magic)) || header->version != 1) {
		printk("swap: no SWAPSPACE2 header of version 1 on the disk: not used");
		return -EINVAL;
	}
	if (header->nr_badpages || !header->last_page ||
	    header->last_page >= disk_size >> PAGE_SHIFT) {
		printk("swap: header says %u pages, %u bad, the disk has %lu pages: not used",
		       header->last_page + 1, header->nr_badpages, disk_size >> PAGE_SHIFT);
		return -EINVAL;
	}
	return 0;
}

static void *alloc_table(size_t size)
{
	return kmalloc(size, GFP_KERNEL | GFP_ZERO);
}

int swap_attach(struct backing *disk, int (*read_sync)(struct backing *, u64, struct page *))
{
	u32 capacity = min(disk->size >> PAGE_SHIFT, (u64)UINT32_MAX);
	u32 nr_clusters = capacity / SWAP_CLUSTER + 1;

	swap.refs = alloc_table((capacity + 1) * sizeof(*swap.refs));
	swap.cached = alloc_table((capacity + 1) * sizeof(*swap.cached));
	swap.kind = alloc_table((capacity + 1) * sizeof(*swap.kind));
	swap.evicted_at = alloc_table((capacity + 1) * sizeof(*swap.evicted_at));
	swap.cluster_used = alloc_table(nr_clusters * sizeof(*swap.cluster_used));
	if (!swap.refs || !swap.cached || !swap.kind || !swap.evicted_at || !swap.cluster_used) {
		kfree(swap.refs);
		kfree(swap.cached);
		kfree(swap.kind);
		kfree(swap.evicted_at);
		kfree(swap.cluster_used);
		return -ENOMEM;
	}
	swap_io_init();
	swap.disk = disk;
	swap.read_sync = read_sync;
	swap.capacity = capacity;
	return 0;
}

/* The last slot that the header on the disk says; a negative errno. */
static s64 read_header(struct backing *disk)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_IO);
	const struct swap_header *header;
	s64 result;

	if (!page)
		return -ENOMEM;
	header = page_virt(page);
	result = swap.read_sync(disk, 0, page);
	if (!result)
		result = check_header(header, disk->size);
	if (!result)
		result = header->last_page;
	page_put(page);
	return result;
}

int swap_on(struct backing *disk)
{
	s64 last_slot;

	if (!disk || disk != swap.disk)
		return -EINVAL;
	if (swap.last_slot)
		return -EBUSY;
	last_slot = read_header(disk);
	if (last_slot < 0)
		return last_slot;
	spin_lock(&swap.lock);
	swap.nr_clusters = last_slot / SWAP_CLUSTER + 1;
	swap.search_cluster = 0;
	swap.nr_free = last_slot;
	swap.closing = false;
	WRITE_ONCE(swap.last_slot, last_slot);
	TRACE(swap_on, .nr_slots = last_slot);
	spin_unlock(&swap.lock);
	printk("swap: %u slots of 4 KiB", (u32)last_slot);
	return 0;
}

void swap_close(void)
{
	spin_lock(&swap.lock);
	swap.closing = true;
	spin_unlock(&swap.lock);
}

void swap_reopen(void)
{
	spin_lock(&swap.lock);
	swap.closing = false;
	spin_unlock(&swap.lock);
}

bool swap_off_if_unused(void)
{
	bool unused;

	spin_lock(&swap.lock);
	unused = swap.nr_free == swap.last_slot;
	if (unused) {
		TRACE(swap_off, .nr_slots = swap.last_slot);
		WRITE_ONCE(swap.last_slot, 0);
		swap.nr_free = 0;
	}
	spin_unlock(&swap.lock);
	return unused;
}

/* A slot with no references, or 0. The swap lock is held. */
static u32 find_free_slot(void)
{
	u32 *next = &this_cpu(cluster_next), slot = *next;

	if (!swap.nr_free || swap.closing)
		return 0;
	if (slot % SWAP_CLUSTER && slot <= swap.last_slot && !swap.refs[slot])
		return slot;
	for (u32 i = 0; i < swap.nr_clusters; i++) {
		u32 cluster = (swap.search_cluster + i) % swap.nr_clusters;

		slot = max(cluster * SWAP_CLUSTER, 1u);
		if (!swap.cluster_used[cluster] && slot <= swap.last_slot) {
			swap.search_cluster = cluster + 1;
			return slot;
		}
	}
	/* No whole cluster is free: any slot behind the last one taken here. */
	slot = *next;
	for (u32 i = 0; i < swap.last_slot; i++) {
		slot = slot >= swap.last_slot ? 1 : slot + 1;
		if (!swap.refs[slot])
			return slot;
	}
	return 0;
}

/* Changes a count by one; the swap lock is held. The last reference frees the slot. */
static void slot_count(u32 slot, s32 change, enum slot_why why)
{
	swap.refs[slot] += change;
	TRACE(swap_slot_refs, .slot = slot, .refs = swap.refs[slot], .why = why);
	if (swap.refs[slot])
		return;
	swap.cluster_used[slot / SWAP_CLUSTER]--;
	swap.nr_free++;
	TRACE(swap_slot_free, .slot = slot);
}

/* Ties page and slot; the swap lock is held. */
static void cache_locked(struct page *page, u32 slot)
{
	swap.cached[slot] = page_pfn(page);
	page->slot = slot;
	page_get(page);
	TRACE(swap_cache_add, .slot = slot, .pfn = page_pfn(page));
	page_set(page, PG_SWAPCACHE);
}

static void uncache_locked(struct page *page)
{
	u32 slot = page->slot;

	swap.cached[slot] = 0;
	page_clear(page, PG_SWAPCACHE);
	TRACE(swap_cache_remove, .slot = slot, .pfn = page_pfn(page));
	slot_count(slot, -1, SLOT_WHY_CACHE);
}

/* Takes a slot for a locked page and puts it in the cache. The swap lock is held. 0 without one. */
static u32 add_new_locked(struct page *page)
{
	u32 slot = find_free_slot();

	ASSERT(page_test(page, PG_LOCKED) && !page_test(page, PG_SWAPCACHE));
	if (!slot)
		return 0;
	this_cpu(cluster_next) = slot + 1;
	swap.refs[slot] = 1;
	swap.kind[slot] = page->kind;
	swap.cluster_used[slot / SWAP_CLUSTER]++;
	swap.nr_free--;
	TRACE(swap_slot_alloc, .slot = slot, .pfn = page_pfn(page));
	cache_locked(page, slot);
	page_set(page, PG_DIRTY | PG_UPTODATE);
	return slot;
}

int swap_cache_add_new(struct page *page)
{
	u32 slot;

	spin_lock(&swap.lock);
	slot = add_new_locked(page);
	spin_unlock(&swap.lock);
	return slot ? 0 : -ENOSPC;
}

u32 swap_cache_add_shmem(struct page *page)
{
	u32 slot;

	spin_lock(&swap.lock);
	slot = add_new_locked(page);
	if (slot)
		slot_count(slot, 1, SLOT_WHY_SHMEM_OUT);
	spin_unlock(&swap.lock);
	return slot;
}

void swap_cache_give_back(struct page *page)
{
	ASSERT(page_test(page, PG_LOCKED) && page_test(page, PG_SWAPCACHE));
	spin_lock(&swap.lock);
	slot_count(page->slot, -1, SLOT_WHY_SHMEM_IN);
	uncache_locked(page);
	page_set(page, PG_DIRTY);
	spin_unlock(&swap.lock);
}

enum page_kind swap_slot_kind(u32 slot)
{
	return READ_ONCE(swap.kind[slot]);
}

int swap_cache_add_read(u32 slot, struct page *page)
{
	int error = 0;

	ASSERT(page_test(page, PG_LOCKED));
	spin_lock(&swap.lock);
	if (swap.cached[slot])
		error = -EEXIST;
	else if (!swap.refs[slot] || swap.kind[slot] != page->kind)
		error = -ENOENT;
	else if (swap.refs[slot] == UINT16_MAX)
		error = -EOVERFLOW;
	else {
		cache_locked(page, slot);
		slot_count(slot, 1, SLOT_WHY_CACHE);
	}
	spin_unlock(&swap.lock);
	return error;
}

struct page *swap_cache_get(u32 slot)
{
	struct page *page = NULL;

	if (!slot || slot > swap.last_slot)
		return NULL;
	spin_lock(&swap.lock);
	if (swap.cached[slot]) {
		page = pfn_page(swap.cached[slot]);
		page_get(page);
	}
	spin_unlock(&swap.lock);
	return page;
}

bool swap_only_cached(struct page *page)
{
	bool only;

	ASSERT(page_test(page, PG_LOCKED) && page_test(page, PG_SWAPCACHE));
	spin_lock(&swap.lock);
	only = swap.refs[page->slot] == 1;
	spin_unlock(&swap.lock);
	return only;
}

enum swap_removal swap_cache_evict(struct page *page, u32 pass_id, enum reclaim_kind kind,
				   enum reclaim_verdict verdict)
{
	u32 slot = page->slot;
	enum swap_removal result = SWAP_BUSY;

	ASSERT(page_test(page, PG_LOCKED) && page_test(page, PG_SWAPCACHE));
	spin_lock(&swap.lock);
	/* New references come from the cache, under this lock, or from a mapping; there is none.
	 * Two are left to be expected: the cache's and the isolation's. */
	if (atomic_read(&page->refcount) == 2 && !page_mapcount(page) &&
	    !page_test(page, PG_DIRTY | PG_WRITEBACK)) {
		uncache_locked(page);
		result = SWAP_DROPPED;
	}
	/* While the lock is held the slot cannot be freed by the last task that names it. */
	if (result == SWAP_DROPPED && swap.refs[slot]) {
		swap.evicted_at[slot] = ++swap.evictions;
		TRACE(page_evicted, .pfn = page_pfn(page), .slot = slot, .pass_id = pass_id,
		      .kind = kind, .verdict = verdict);
		result = SWAP_EVICTED;
	}
	spin_unlock(&swap.lock);
	if (result != SWAP_BUSY)
		page_put(page);
	return result;
}

bool swap_cache_release(struct page *page)
{
	bool done = false;

	ASSERT(page_test(page, PG_LOCKED) && page_test(page, PG_SWAPCACHE));
	spin_lock(&swap.lock);
	/* While it is being written the slot must not go to another page: two writes to it would
	 * race. */
	if (swap.refs[page->slot] == 1 && !page_test(page, PG_WRITEBACK)) {
		uncache_locked(page);
		page_set(page, PG_DIRTY);
		done = true;
	}
	spin_unlock(&swap.lock);
	if (done)
		page_put(page);
	return done;
}

void swap_cache_forget(struct page *page)
{
	ASSERT(page_test(page, PG_LOCKED) && page_test(page, PG_SWAPCACHE) && !page_mapcount(page));
	spin_lock(&swap.lock);
	uncache_locked(page);
	spin_unlock(&swap.lock);
	page_put(page);
}

int swap_slot_get(u32 slot, enum slot_why why)
{
	int error = 0;

	spin_lock(&swap.lock);
	BUG_ON(!swap.refs[slot]);
	if (swap.refs[slot] == UINT16_MAX)
		error = -EOVERFLOW;
	else
		slot_count(slot, 1, why);
	spin_unlock(&swap.lock);
	return error;
}

/* Drops an unmapped page that only the cache still names. It is nobody's: no entry in any page
 * table leads to it. */
void swap_cache_drop_unused(struct page *page)
{
	if (!page_test(page, PG_SWAPCACHE) || page_mapcount(page) || !page_trylock(page))
		return;
	if (page_test(page, PG_SWAPCACHE) && !page_mapcount(page))
		swap_cache_release(page);
	page_unlock(page);
}

void swap_slot_put(u32 slot, enum slot_why why)
{
	struct page *page = NULL;

	spin_lock(&swap.lock);
	BUG_ON(!swap.refs[slot]);
	slot_count(slot, -1, why);
	if (swap.refs[slot] == 1 && swap.cached[slot] &&
	    (why == SLOT_WHY_ZAP || why == SLOT_WHY_TRUNCATE)) {
		page = pfn_page(swap.cached[slot]);
		page_get(page);
	}
	spin_unlock(&swap.lock);
	if (page) {
		swap_cache_drop_unused(page);
		page_put(page);
	}
}

u32 swap_refault_distance(u32 slot)
{
	return READ_ONCE(swap.evictions) - READ_ONCE(swap.evicted_at[slot]);
}

u64 swap_baseline(void)
{
	u64 records = 0;

	for (u32 slot = 1; slot <= swap.last_slot; slot++) {
		if (!swap.refs[slot])
			continue;
		TRACE(state_swap, .slot = slot, .refs = swap.refs[slot], .pfn = swap.cached[slot]);
		records++;
	}
	return records;
}
