/*
 * Slab allocator.
 *
 * A slab is one frame, cut into at most 64 equal objects; struct page holds which of them are free,
 * one bit each. No order above 0, so a fragmented machine still gets slabs; nothing is kept inside
 * free objects, so they can be poisoned whole, a stray write to one cannot corrupt the allocator,
 * and a double free is seen at once, by its bit.
 *
 * States of a slab, each a list of its cache, and the ways between them (where a slab holds one
 * object, full and empty are neighbours):
 *
 *   empty -> partial -> full   objects are taken
 *   full -> partial -> empty   objects come back
 *   empty -> freed             the cache has another empty slab, or reclaim asks
 *
 * Objects are taken from partial slabs first, so that empty ones can go. Frames are allocated and
 * freed with no lock held. Caches are never destroyed, so their list is only ever added to and can
 * be walked without a lock.
 *
 * Bonwick's colouring and Linux's per-CPU slabs were left out: an object here costs a page fault's
 * work anyway, and the lock of a cache is held for a few instructions.
 */
#include "mm/slab.h"

#include "lib/printf.h"

#define OBJECT_ALIGN 16
#define MAX_OBJECTS  64 /* bits of page->free_objects */
#define NAME_MAX     16

enum slab_state { SLAB_FULL, SLAB_PARTIAL, SLAB_EMPTY, NR_SLAB_STATES };

struct kmem_cache {
	spinlock_t lock; /* RANK_SLAB; the lists, and free_objects of their pages */
	const char *name;
	u32 size; /* bytes between objects */
	u32 per_slab;
	struct list_head slabs[NR_SLAB_STATES]; /* by page->lru */
	u32 nr_slabs[NR_SLAB_STATES];
	struct kmem_cache *next; /* in all_caches; fixed once it is there */
};

/* The cache of caches; the head of the list of all. */
static struct kmem_cache cache_cache;
static struct kmem_cache *all_caches; /* added to by compare-exchange */

/* Powers of two with half steps where they save frames. 64 is the smallest: a slab has no more
 * objects of a smaller size. 1344 goes three times into a frame. */
static const u16 kmalloc_sizes[] = {64, 96, 128, 192, 256, 384, 512, 768, 1024, 1344, 2048};
static struct kmem_cache *kmalloc_caches[ARRAY_SIZE(kmalloc_sizes)];

/* ---- one slab ---- */

static u64 all_objects(const struct kmem_cache *cache)
{
	return cache->per_slab == MAX_OBJECTS ? ~0ul : BIT(cache->per_slab) - 1;
}

static enum slab_state slab_state(const struct kmem_cache *cache, const struct page *slab)
{
	if (!slab->free_objects)
		return SLAB_FULL;
	return slab->free_objects == all_objects(cache) ? SLAB_EMPTY : SLAB_PARTIAL;
}

static void *object_at(const struct kmem_cache *cache, const struct page *slab, u32 index)
{
	return (char *)page_virt(slab) + index * cache->size;
}

/* Index of an object that was handed out; panics when the pointer is none. */
static u32 object_index(const struct kmem_cache *cache, const struct page *slab, const void *object)
{
	u32 offset = (const char *)object - (const char *)page_virt(slab);

	if (offset % cache->size || offset / cache->size >= cache->per_slab)
		panic("slab %s: %p is not the start of an object", cache->name, object);
	return offset / cache->size;
}

static void link_slab(struct kmem_cache *cache, struct page *slab)
{
	enum slab_state state = slab_state(cache, slab);

	list_add(&slab->lru, &cache->slabs[state]);
	cache->nr_slabs[state]++;
}

static void unlink_slab(struct kmem_cache *cache, struct page *slab)
{
	list_del(&slab->lru);
	cache->nr_slabs[slab_state(cache, slab)]--;
}

/* ---- poison ---- */

#ifdef CONFIG_DEBUG
#define POISON_FREE 0x6b

static void poison_object(const struct kmem_cache *cache, void *object)
{
	memset(object, POISON_FREE, cache->size);
}

static void verify_object(const struct kmem_cache *cache, const void *object)
{
	const u8 *bytes = object;

	for (u32 i = 0; i < cache->size; i++)
		if (unlikely(bytes[i] != POISON_FREE))
			panic("slab %s: object %p was written after it was freed: byte %u holds %x",
			      cache->name, object, i, bytes[i]);
}
#else
static void poison_object(const struct kmem_cache *cache, void *object)
{
	(void)cache;
	(void)object;
}

static void verify_object(const struct kmem_cache *cache, const void *object)
{
	(void)cache;
	(void)object;
}
#endif

/* ---- growing and shrinking ---- */

/* A new, empty slab. false without memory. No lock held. */
static bool grow(struct kmem_cache *cache, u32 gfp)
{
	struct page *slab = alloc_page(gfp & ~GFP_ZERO, PAGE_SLAB);

	if (!slab)
		return false;
	slab->cache = cache;
	slab->free_objects = all_objects(cache);
	for (u32 i = 0; i < cache->per_slab; i++)
		poison_object(cache, object_at(cache, slab, i));
	spin_lock(&cache->lock);
	page_set_untraced(slab, PG_SLAB);
	link_slab(cache, slab);
	TRACE_TEXT(slab_grow, cache, cache->name, .pfn = page_pfn(slab), .order = 0);
	spin_unlock(&cache->lock);
	return true;
}

/* Takes an empty slab out of the cache; the caller frees its frame. The cache's lock is held. */
static void detach_empty(struct kmem_cache *cache, struct page *slab)
{
	ASSERT(spin_is_held(&cache->lock));
	unlink_slab(cache, slab);
	page_clear_untraced(slab, PG_SLAB);
	TRACE_TEXT(slab_shrink, cache, cache->name, .pfn = page_pfn(slab), .order = 0);
}

static u32 shrink_cache(struct kmem_cache *cache)
{
	u32 freed = 0;

	for (;;) {
		struct list_head *empty = &cache->slabs[SLAB_EMPTY];
		struct page *slab = NULL;

		spin_lock(&cache->lock);
		if (!list_empty(empty)) {
			slab = list_first_entry(empty, struct page, lru);
			detach_empty(cache, slab);
		}
		spin_unlock(&cache->lock);
		if (!slab)
			return freed;
		free_page(slab);
		freed++;
	}
}

u32 slab_shrink(void)
{
	struct kmem_cache *cache = __atomic_load_n(&all_caches, __ATOMIC_ACQUIRE);
	u32 freed = 0;

	for (; cache; cache = cache->next)
		freed += shrink_cache(cache);
	return freed;
}

/* ---- caches ---- */

static void cache_setup(struct kmem_cache *cache, const char *name, size_t size)
{
	BUG_ON(!size || size > PAGE_SIZE);
	spin_lock_init(&cache->lock, RANK_SLAB);
	cache->name = name;
	cache->size = ALIGN_UP(size, (size_t)OBJECT_ALIGN);
	cache->per_slab = min(PAGE_SIZE / cache->size, (u64)MAX_OBJECTS);
	for (u32 state = 0; state < NR_SLAB_STATES; state++)
		list_init(&cache->slabs[state]);
	cache->next = __atomic_load_n(&all_caches, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&all_caches, &cache->next, cache, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size)
{
	struct kmem_cache *cache = kmem_cache_alloc(&cache_cache, GFP_KERNEL | GFP_ZERO);

	if (cache)
		cache_setup(cache, name, size);
	return cache;
}

void slab_init(void)
{
	static char names[ARRAY_SIZE(kmalloc_sizes)][NAME_MAX];

	cache_setup(&cache_cache, "kmem_cache", sizeof(struct kmem_cache));
	for (u32 i = 0; i < ARRAY_SIZE(kmalloc_sizes); i++) {
		snprintf(names[i], NAME_MAX, "kmalloc-%u", kmalloc_sizes[i]);
		kmalloc_caches[i] = kmem_cache_create(names[i], kmalloc_sizes[i]);
		BUG_ON(!kmalloc_caches[i]);
	}
}

/* ---- objects ---- */

/* A free object of a slab that has one; NULL when all are full. */
static void *take_object(struct kmem_cache *cache)
{
	enum slab_state from;
	struct page *slab;
	void *object = NULL;

	spin_lock(&cache->lock);
	from = list_empty(&cache->slabs[SLAB_PARTIAL]) ? SLAB_EMPTY : SLAB_PARTIAL;
	if (!list_empty(&cache->slabs[from])) {
		slab = list_first_entry(&cache->slabs[from], struct page, lru);
		unlink_slab(cache, slab);
		object = object_at(cache, slab, __builtin_ctzl(slab->free_objects));
		slab->free_objects &= slab->free_objects - 1;
		link_slab(cache, slab);
	}
	spin_unlock(&cache->lock);
	return object;
}

void *kmem_cache_alloc(struct kmem_cache *cache, u32 gfp)
{
	void *object;

	/* Again after growing: another CPU may have taken what we brought. */
	while (!(object = take_object(cache)))
		if (!grow(cache, gfp))
			return NULL;
	verify_object(cache, object);
	if (gfp & GFP_ZERO)
		memset(object, 0, cache->size);
	return object;
}

/* Marks the object free. Returns its slab if that is empty now and the cache has another empty one:
 * detached, to be freed. */
static struct page *put_object(struct kmem_cache *cache, struct page *slab, const void *object)
{
	u64 bit = BIT(object_index(cache, slab, object));
	bool surplus;

	spin_lock(&cache->lock);
	if (slab->free_objects & bit)
		panic("slab %s: double free of %p", cache->name, object);
	unlink_slab(cache, slab);
	poison_object(cache, (void *)object);
	slab->free_objects |= bit;
	link_slab(cache, slab);
	surplus = cache->nr_slabs[SLAB_EMPTY] > 1 && slab_state(cache, slab) == SLAB_EMPTY;
	if (surplus)
		detach_empty(cache, slab);
	spin_unlock(&cache->lock);
	return surplus ? slab : NULL;
}

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	struct page *slab = virt_page(object), *surplus;

	if (!page_test(slab, PG_SLAB) || slab->cache != cache)
		panic("slab %s: %p is not from this cache", cache->name, object);
	surplus = put_object(cache, slab, object);
	if (surplus)
		free_page(surplus);
}

/* ---- kmalloc ---- */

static void *kmalloc_large(size_t size, u32 gfp)
{
	struct page *page;
	u32 order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	page = order <= MAX_ORDER ? alloc_pages(gfp, order, PAGE_SLAB) : NULL;
	return page ? page_virt(page) : NULL;
}

void *kmalloc(size_t size, u32 gfp)
{
	BUG_ON(!size);
	for (u32 i = 0; i < ARRAY_SIZE(kmalloc_sizes); i++)
		if (size <= kmalloc_sizes[i])
			return kmem_cache_alloc(kmalloc_caches[i], gfp);
	return kmalloc_large(size, gfp);
}

void kfree(const void *object)
{
	struct page *page;

	if (!object)
		return;
	page = virt_page(object);
	if (page_test(page, PG_SLAB)) {
		kmem_cache_free(page->cache, (void *)object);
		return;
	}
	if (page->kind != PAGE_SLAB || (u64)object & ~PAGE_MASK)
		panic("kfree(%p): not from kmalloc, or freed already", object);
	free_pages(page, page->order);
}

/* ---- check ---- */

static u32 check_slab(const struct kmem_cache *cache, enum slab_state state,
		      const struct page *slab)
{
	if (page_test(slab, PG_SLAB) && slab->kind == PAGE_SLAB && slab->cache == cache &&
	    !(slab->free_objects & ~all_objects(cache)) && slab_state(cache, slab) == state)
		return 0;
	printk("slab %s: pfn %u, on list %d, has flags %x, kind %u, free objects %lx", cache->name,
	       page_pfn(slab), state, slab->flags, slab->kind, slab->free_objects);
	return 1;
}

static u32 check_cache(const struct kmem_cache *cache)
{
	u32 faults = 0;

	for (u32 state = 0; state < NR_SLAB_STATES; state++) {
		u32 seen = 0;
		struct page *slab;

		list_for_each_entry (slab, &cache->slabs[state], lru) {
			faults += check_slab(cache, state, slab);
			seen++;
		}
		if (seen != cache->nr_slabs[state]) {
			printk("slab %s: %u slabs on list %u, counted %u", cache->name, seen, state,
			       cache->nr_slabs[state]);
			faults++;
		}
	}
	return faults;
}

u32 slab_check(void)
{
	u32 faults = 0;

	for (struct kmem_cache *cache = all_caches; cache; cache = cache->next)
		faults += check_cache(cache);
	return faults;
}
