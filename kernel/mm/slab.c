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
#include "mm/kasan_objects.h"

#define OBJECT_ALIGN 16
#define MAX_OBJECTS  64 /* bits of page->free_objects */
#define NAME_MAX     16

/* Of each cache. Many frees pass before an object is used again; reclaim takes them before. */
#define QUARANTINE_OBJECTS 32

enum slab_state { SLAB_FULL, SLAB_PARTIAL, SLAB_EMPTY, NR_SLAB_STATES };

struct kmem_cache {
	spinlock_t lock; /* RANK_SLAB; the lists, and free_objects of their pages */
	const char *name;
	u32 size;     /* bytes of an object */
	u32 distance; /* from one object to the next: with KASAN there is a red zone in between */
	u32 per_slab;
	struct list_head slabs[NR_SLAB_STATES]; /* by page->lru */
	u32 nr_slabs[NR_SLAB_STATES];
	struct kmem_cache *next; /* in all_caches; fixed once it is there */
#ifdef CONFIG_KASAN
	/* Objects freed lately, which nobody gets meanwhile: a ring, or NULL. By the lock. */
	void *quarantine[QUARANTINE_OBJECTS];
	u32 oldest;
#endif
};

/* The cache of caches; the head of the list of all. */
static struct kmem_cache cache_cache;
static struct kmem_cache *all_caches; /* added to by compare-exchange */

/* Powers of two with half steps where they save frames. 64 is the smallest: a slab has no more
 * objects of a smaller size. 1344 goes three times into a frame. */
static const u16 kmalloc_sizes[] = {64, 96, 128, 192, 256, 384, 512, 768, 1024, 1344, 2048};
static struct kmem_cache *kmalloc_caches[ARRAY_SIZE(kmalloc_sizes)];

#define KMALLOC_MAX  2048 /* the largest of them */
#define KMALLOC_STEP 32   /* divides them all */
/* By the number of steps, rounded up: the cache of the smallest size that holds them. */
static struct kmem_cache *kmalloc_by_steps[KMALLOC_MAX / KMALLOC_STEP + 1];

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
	return (char *)page_virt(slab) + index * cache->distance;
}

/* Index of an object that was handed out; panics when the pointer is none. */
static u32 object_index(const struct kmem_cache *cache, const struct page *slab, const void *object)
{
	u32 offset = (const char *)object - (const char *)page_virt(slab);

	if (offset % cache->distance || offset / cache->distance >= cache->per_slab)
		panic("slab %s: %p is not the start of an object", cache->name, object);
	return offset / cache->distance;
}

static inline void link_slab(struct kmem_cache *cache, struct page *slab)
{
	enum slab_state state = slab_state(cache, slab);

	list_add(&slab->lru, &cache->slabs[state]);
	cache->nr_slabs[state]++;
}

static inline void unlink_slab(struct kmem_cache *cache, struct page *slab)
{
	list_del(&slab->lru);
	cache->nr_slabs[slab_state(cache, slab)]--;
}

/* Changes which objects are free. Mostly the slab stays where it is. The cache's lock is held. */
static inline void set_free_objects(struct kmem_cache *cache, struct page *slab, u64 free_objects)
{
	u64 all = all_objects(cache), old = slab->free_objects;
	bool stays = old && free_objects && old != all && free_objects != all;

	if (stays) {
		slab->free_objects = free_objects;
		return;
	}
	unlink_slab(cache, slab);
	slab->free_objects = free_objects;
	link_slab(cache, slab);
}

/* ---- poison ---- */

#ifdef CONFIG_DEBUG
#define POISON_FREE 0x6b

/* Its memory may be written until then. */
static void poison_object(const struct kmem_cache *cache, void *object)
{
	memset(object, POISON_FREE, cache->size);
	kasan_poison(object, cache->size, KASAN_SLAB_FREE);
}

static void verify_object(const struct kmem_cache *cache, const void *object)
{
	const u8 *bytes = object;

	kasan_unpoison(object, cache->size);
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

/* ---- slabs ---- */

/* A new, empty slab. false without memory. No lock held. */
static bool grow(struct kmem_cache *cache, u32 gfp)
{
	struct page *slab = alloc_page(gfp & ~GFP_ZERO, PAGE_SLAB);

	if (!slab)
		return false;
	slab->cache = cache;
	slab->free_objects = all_objects(cache);
	kasan_new_slab(slab);
	for (u32 i = 0; i < cache->per_slab; i++) {
		kasan_unpoison(object_at(cache, slab, i), cache->size);
		poison_object(cache, object_at(cache, slab, i));
	}
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

/* ---- caches ---- */

static void cache_setup(struct kmem_cache *cache, const char *name, size_t size)
{
	BUG_ON(!size || size > PAGE_SIZE);
	spin_lock_init(&cache->lock, RANK_SLAB);
	cache->name = name;
	cache->size = ALIGN_UP(size, (size_t)OBJECT_ALIGN);
	cache->distance = cache->size + kasan_redzone(cache->size);
	cache->per_slab = min(PAGE_SIZE / cache->distance, (u64)MAX_OBJECTS);
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
	for (u32 steps = 0, i = 0; steps < ARRAY_SIZE(kmalloc_by_steps); steps++) {
		i += steps * KMALLOC_STEP > kmalloc_sizes[i];
		kmalloc_by_steps[steps] = kmalloc_caches[i];
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
		object = object_at(cache, slab, __builtin_ctzl(slab->free_objects));
		set_free_objects(cache, slab, slab->free_objects & (slab->free_objects - 1));
	}
	spin_unlock(&cache->lock);
	return object;
}

/* An object of which `wanted` bytes will be used. */
static void *alloc_object(struct kmem_cache *cache, size_t wanted, u32 gfp)
{
	void *object;

	/* Again after growing: another CPU may have taken what we brought. */
	while (!(object = take_object(cache)))
		if (!grow(cache, gfp))
			return NULL;
	verify_object(cache, object);
	if (gfp & GFP_ZERO)
		memset(object, 0, cache->size);
	kasan_alloc_object(object, cache->size, wanted);
	return object;
}

void *kmem_cache_alloc(struct kmem_cache *cache, u32 gfp)
{
	return alloc_object(cache, cache->size, gfp);
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
	set_free_objects(cache, slab, slab->free_objects | bit);
	surplus = cache->nr_slabs[SLAB_EMPTY] > 1 && slab_state(cache, slab) == SLAB_EMPTY;
	if (surplus)
		detach_empty(cache, slab);
	spin_unlock(&cache->lock);
	return surplus ? slab : NULL;
}

static void release_object(struct kmem_cache *cache, void *object)
{
	struct page *surplus = put_object(cache, virt_page(object), object);

	if (surplus)
		free_page(surplus);
}

#ifdef CONFIG_KASAN

/* Exchanges an object, or nothing, for the one that has been in quarantine longest; NULL when that
 * place was empty. */
static void *exchange_quarantined(struct kmem_cache *cache, void *object)
{
	void *oldest;

	spin_lock(&cache->lock);
	oldest = cache->quarantine[cache->oldest];
	cache->quarantine[cache->oldest] = object;
	cache->oldest = (cache->oldest + 1) % QUARANTINE_OBJECTS;
	spin_unlock(&cache->lock);
	return oldest;
}

/* Takes an object out of use; returns one that may be released instead, or NULL. */
static void *retire_object(struct kmem_cache *cache, void *object)
{
	object_index(cache, virt_page(object), object);
	kasan_free_object(object, cache->size);
	poison_object(cache, object);
	return exchange_quarantined(cache, object);
}

static void empty_quarantine(struct kmem_cache *cache)
{
	for (u32 i = 0; i < QUARANTINE_OBJECTS; i++) {
		void *object = exchange_quarantined(cache, NULL);

		if (object)
			release_object(cache, object);
	}
}

bool slab_find_object(const void *address, struct slab_object *found)
{
	struct page *slab = virt_page(address);
	const struct kmem_cache *cache = slab->cache;
	u32 index;

	if (!page_test(slab, PG_SLAB))
		return false;
	index = ((u64)address & ~PAGE_MASK) / cache->distance;
	found->cache = cache->name;
	found->size = cache->size;
	found->start = object_at(cache, slab, min(index, cache->per_slab - 1));
	return true;
}

#else

static void *retire_object(struct kmem_cache *cache, void *object)
{
	poison_object(cache, object);
	return object;
}

static void empty_quarantine(struct kmem_cache *cache)
{
	(void)cache;
}

#endif

void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	struct page *slab = virt_page(object);

	if (!page_test(slab, PG_SLAB) || slab->cache != cache)
		panic("slab %s: %p is not from this cache", cache->name, object);
	object = retire_object(cache, object);
	if (object)
		release_object(cache, object);
}

/* ---- shrinking ---- */

static u32 shrink_cache(struct kmem_cache *cache)
{
	u32 freed = 0;

	empty_quarantine(cache);
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
	if (freed)
		TRACE(mm_shrink_slab_end, .nr_freed = freed);
	return freed;
}

/* ---- kmalloc ---- */

static void *kmalloc_large(size_t size, u32 gfp)
{
	struct page *page;
	u32 order = 0;

	while (PAGE_SIZE << order < size)
		order++;
	page = order <= MAX_ORDER ? alloc_pages(gfp, order, PAGE_SLAB) : NULL;
	if (!page)
		return NULL;
	kasan_poison(page_virt(page), PAGE_SIZE << order, KASAN_PAGE_REDZONE);
	kasan_unpoison(page_virt(page), size);
	return page_virt(page);
}

void *kmalloc(size_t size, u32 gfp)
{
	BUG_ON(!size);
	if (size > KMALLOC_MAX)
		return kmalloc_large(size, gfp);
	return alloc_object(kmalloc_by_steps[(size + KMALLOC_STEP - 1) / KMALLOC_STEP], size, gfp);
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

static void describe(struct kmem_cache *cache, struct slab_info *info)
{
	struct page *slab;
	u32 nr_free = 0;

	*info = (struct slab_info){
		.name = cache->name, .size = cache->size, .per_slab = cache->per_slab};
	spin_lock(&cache->lock);
	for (u32 state = 0; state < NR_SLAB_STATES; state++) {
		info->nr_slabs += cache->nr_slabs[state];
		list_for_each_entry (slab, &cache->slabs[state], lru)
			for (u64 left = slab->free_objects; left; left &= left - 1)
				nr_free++;
	}
	spin_unlock(&cache->lock);
	info->nr_objects = info->nr_slabs * cache->per_slab;
	info->nr_used = info->nr_objects - nr_free;
}

void slab_for_each_cache(void (*visit)(const struct slab_info *info, void *arg), void *arg)
{
	struct kmem_cache *cache;

	for (cache = READ_ONCE(all_caches); cache; cache = cache->next) {
		struct slab_info info;

		describe(cache, &info);
		visit(&info, arg);
	}
}

u32 slab_check(void)
{
	u32 faults = 0;

	for (struct kmem_cache *cache = all_caches; cache; cache = cache->next)
		faults += check_cache(cache);
	return faults;
}
