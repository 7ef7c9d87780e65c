/*
 * What KASAN knows of frames and slab objects: their shadow follows their life, and the last
 * allocation and the last free of each are kept for a report. Debug builds only; otherwise nothing.
 *
 *   a frame    free: poisoned. Allocated: usable, or of a slab
 *   an object  usable up to the size asked for; behind it a red zone, which holds its tracks. Freed:
 *              poisoned, and for a while not handed out again (slab.c)
 */
#ifndef MM_KASAN_OBJECTS_H
#define MM_KASAN_OBJECTS_H

#include "cpu/kasan.h"
#include "mm/page.h"

#ifdef CONFIG_KASAN

/* The shadow of RAM and of the image, from boot memory. Before anything is poisoned. */
void kasan_init(void);

/* The life of 2^order frames. Freed frames are poisoned last of all. */
void kasan_alloc_frames(const struct page *page, u32 order);
void kasan_free_frames(const struct page *page, u32 order);

/* Bytes behind an object of that size, its red zone; 0 when a frame has no room for both. */
u32 kasan_redzone(u32 size);

/* A frame becomes a slab: none of it may be used but through its objects. */
void kasan_new_slab(const struct page *slab);
/* `wanted` bytes may be used of an object of `size`, which has a red zone behind it. */
void kasan_alloc_object(void *object, u32 size, size_t wanted);
/* Reports a free of what is not in use. The object may still be written, by kasan's caller only. */
void kasan_free_object(void *object, u32 size);

#else

static inline void kasan_init(void) {}
static inline void kasan_alloc_frames(const struct page *page, u32 order)
{
	(void)page, (void)order;
}
static inline void kasan_free_frames(const struct page *page, u32 order)
{
	(void)page, (void)order;
}
static inline u32 kasan_redzone(u32 size)
{
	(void)size;
	return 0;
}
static inline void kasan_new_slab(const struct page *slab)
{
	(void)slab;
}
static inline void kasan_alloc_object(void *object, u32 size, size_t wanted)
{
	(void)object, (void)size, (void)wanted;
}
static inline void kasan_free_object(void *object, u32 size)
{
	(void)object, (void)size;
}

#endif

#endif
