/*
 * Slab allocator: caches of equal objects on pages of kind PAGE_SLAB, kmalloc() in power-of-two
 * caches (and half steps) on top; larger requests get whole frames. Freed objects are poisoned in
 * debug builds and checked when handed out again, and KASAN watches them (kasan_objects.h); double
 * and invalid frees panic in every build.
 * After the idea of Bonwick, "The Slab Allocator" (USENIX 1994).
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "mm/page_alloc.h"

struct kmem_cache;

void slab_init(void);

/* A cache of objects of `size` bytes, aligned to 16; `name` must live for ever. NULL without
 * memory. May sleep. */
struct kmem_cache *kmem_cache_create(const char *name, size_t size);

/* An object, content undefined (zeroed with GFP_ZERO); NULL without memory. May sleep unless
 * GFP_ATOMIC. */
void *kmem_cache_alloc(struct kmem_cache *cache, u32 gfp);
void kmem_cache_free(struct kmem_cache *cache, void *object);

/* 1 byte to 4 MiB, aligned to 16. NULL without memory. kfree(NULL) does nothing. */
void *kmalloc(size_t size, u32 gfp);
void kfree(const void *object);

/* Gives empty slabs back to the page allocator; returns the frames freed. Called by reclaim. */
u32 slab_shrink(void);

/* What a cache holds: objects of `size` bytes, in slabs of a frame each. */
struct slab_info {
	const char *name;
	u32 size, per_slab, nr_objects, nr_used, nr_slabs;
};
void slab_for_each_cache(void (*visit)(const struct slab_info *info, void *arg), void *arg);

#ifdef CONFIG_KASAN
/* The object that an address in a slab belongs to: that it lies in, or behind. False outside of
 * slabs. For reports. */
struct slab_object {
	const char *cache;
	void *start;
	u32 size;
};
bool slab_find_object(const void *address, struct slab_object *found);
#endif

/* Verifies all slabs; prints each fault and returns their number. All CPUs quiesced. */
u32 slab_check(void);

#endif
