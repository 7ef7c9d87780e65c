/*
 * Frames and slab objects in KASAN's eyes. Not instrumented: it writes into red zones.
 *
 * The tracks of an object lie in its red zone, those of a frame in an array of their own. Like the
 * shadow they are changed by whoever is allocating or freeing the thing, and by nobody else.
 */
#include "mm/kasan_objects.h"

#include "arch/x86_64/layout.h"
#include "cpu/backtrace.h"
#include "cpu/current.h"
#include "lib/string.h"
#include "mm/memblock.h"
#include "mm/slab.h"

/* An allocation or a free. */
struct track {
	struct backtrace at;
	s32 pid;
};

struct tracks {
	struct track allocated, freed; /* at.pcs[0] is 0 while it has not happened */
};

/* Objects stay aligned to 16. */
#define REDZONE_SIZE ALIGN_UP(sizeof(struct tracks), 16ul)

static struct tracks *frame_tracks; /* by pfn; fixed at boot */

static void describe(u64 address);

void kasan_init(void)
{
	pfn_t nr_frames = memblock_max_pfn();
	size_t image_size = kernel_end - kernel_start;
	u8 *ram_shadow = memblock_alloc((size_t)nr_frames * (PAGE_SIZE / KASAN_GRANULE));
	u8 *image_shadow = memblock_alloc(image_size / KASAN_GRANULE);

	frame_tracks = memblock_alloc((size_t)nr_frames * sizeof(*frame_tracks));
	kasan_cover(phys_to_virt(0), (size_t)nr_frames * PAGE_SIZE, ram_shadow);
	kasan_cover(kernel_start, image_size, image_shadow);
	kasan_describe = describe;
	kasan_poison_globals();
}

static void keep_track(struct track *track, const void *frame)
{
	backtrace_save(&track->at, frame);
	track->pid = current->pid;
}

/* ---- frames ---- */

void kasan_alloc_frames(const struct page *page, u32 order)
{
	struct track track;

	keep_track(&track, __builtin_frame_address(0));
	for (u32 i = 0; i < 1u << order; i++)
		frame_tracks[page_pfn(page) + i].allocated = track;
	kasan_unpoison(page_virt(page), PAGE_SIZE << order);
}

void kasan_free_frames(const struct page *page, u32 order)
{
	struct track track;

	keep_track(&track, __builtin_frame_address(0));
	for (u32 i = 0; i < 1u << order; i++)
		frame_tracks[page_pfn(page) + i].freed = track;
	kasan_poison(page_virt(page), PAGE_SIZE << order, KASAN_FREE_PAGE);
}

/* ---- objects ---- */

u32 kasan_redzone(u32 size)
{
	return size + REDZONE_SIZE <= PAGE_SIZE ? REDZONE_SIZE : 0;
}

static struct tracks *object_tracks(const void *object, u32 size)
{
	return kasan_redzone(size) ? (struct tracks *)((char *)object + size) : NULL;
}

void kasan_new_slab(const struct page *slab)
{
	memset(page_virt(slab), 0, PAGE_SIZE); /* no tracks yet */
	kasan_poison(page_virt(slab), PAGE_SIZE, KASAN_SLAB_REDZONE);
}

void kasan_alloc_object(void *object, u32 size, size_t wanted)
{
	struct tracks *tracks = object_tracks(object, size);

	kasan_poison(object, size, KASAN_SLAB_REDZONE);
	kasan_unpoison(object, wanted);
	if (!tracks)
		return;
	keep_track(&tracks->allocated, __builtin_frame_address(0));
	tracks->freed.at.pcs[0] = 0;
}

void kasan_free_object(void *object, u32 size)
{
	struct tracks *tracks = object_tracks(object, size);

	if (kasan_is_poisoned(object))
		kasan_report_free(object);
	if (tracks)
		keep_track(&tracks->freed, __builtin_frame_address(0));
	kasan_unpoison(object, size);
}

/* ---- reports ---- */

static void print_track(const char *what, const struct track *track)
{
	if (!track->at.pcs[0])
		return;
	printk("%s by task %d:", what, track->pid);
	backtrace_print_saved(&track->at);
}

static void print_tracks(const struct tracks *tracks)
{
	print_track("Allocated", &tracks->allocated);
	print_track("Freed", &tracks->freed);
}

static void describe_object(u64 address, const struct slab_object *object)
{
	u64 start = (u64)object->start, end = start + object->size;
	const struct tracks *tracks = object_tracks(object->start, object->size);

	if (tracks)
		print_tracks(tracks);
	printk("The buggy address belongs to the cache %s of size %u, object at %016lx",
	       object->cache, object->size, start);
	if (address < end)
		printk("The buggy address is located %lu bytes inside of [%016lx, %016lx)",
		       address - start, start, end);
	else
		printk("The buggy address is located %lu bytes to the right of [%016lx, %016lx)",
		       address - end, start, end);
}

static void describe(u64 address)
{
	phys_addr_t phys = virt_to_phys((const void *)address);
	struct slab_object object;
	pfn_t pfn = phys >> PAGE_SHIFT;

	if (phys >> PAGE_SHIFT >= max_pfn) {
		printk("The buggy address belongs to the kernel image");
		return;
	}
	if (slab_find_object((const void *)address, &object)) {
		describe_object(address, &object);
		return;
	}
	print_tracks(&frame_tracks[pfn]);
	printk("The buggy address belongs to the frame pfn %u, flags %x, kind %u", pfn,
	       pfn_page(pfn)->flags, pfn_page(pfn)->kind);
}
