/*
 * struct address_space: the cached pages of one file, a tmpfs file's, a memfd, a shared anonymous
 * mapping or a System V segment. Embedded in whatever that is; fs and the rest of mm give it its
 * life.
 *
 * Each index of its tree is one of three:
 *
 *   hole   nothing: reads as zeroes, or as what ops->read_page() brings
 *   page   a page of kind PAGE_SHMEM, content valid; the tree holds one reference
 *   slot   content that lies in a swap slot; the tree holds one reference on that
 *
 * A page of the tree is clean while a hole would read the same, dirty otherwise.
 *
 * Locks. i_mmap_lock guards the tree of VMAs (i_mmap.h). `lock` guards the tree, the counts, and what makes a page one of this mapping: whoever holds it
 * and finds the page in the tree may map it. A page leaves the tree under its page lock too, and only
 * while nothing maps it: so page->mapping may be followed with the page locked. `size` is written
 * under the lock of the file (RANK_INODE), which also keeps write, truncate and the like apart.
 */
#ifndef MM_ADDRESS_SPACE_H
#define MM_ADDRESS_SPACE_H

#include "lib/interval_tree.h"
#include "lib/radix_tree.h"
#include "mm/page.h"

struct address_space;

/* What the owner does. All but put() may be NULL with get(). */
struct address_space_ops {
	/* Hold and let go of the owner: a VMA does. put() may sleep and may destroy the mapping; mmap_lock
	 * is held: it takes no lock that stands outside of that. */
	void (*get)(struct address_space *mapping);
	void (*put)(struct address_space *mapping);
	/* A hole is about to be filled: 0, or -ENOSPC. NULL: no limit. May sleep. */
	int (*charge)(struct address_space *mapping);
	/* Pages or slots became holes. Any context, spinlocks of mm held. */
	void (*uncharge)(struct address_space *mapping, u32 nr_pages);
	/* mapping_punch_hole() under the file's lock. NULL: a file that cannot have holes. Sleeps. */
	int (*punch_hole)(struct address_space *mapping, u64 pos, u64 n);
	/* Whether the current task owns the file or may write to it. NULL: everybody may. Any context. */
	bool (*may_write)(struct address_space *mapping);
	/* Fills a page, zeroed already, with what a hole at the index reads as. 0 or -errno. Sleeps.
	 * NULL: zeroes. */
	int (*read_page)(struct address_space *mapping, u64 index, struct page *page);
};

/* Told of each VMA of a mapping that is made and that goes, under mmap_lock and no spinlock. Such VMAs are
 * counted, so they are never joined. */
struct vma_ops {
	void (*open)(struct address_space *mapping);
	void (*close)(struct address_space *mapping);
};

struct address_space {
	const struct address_space_ops *ops;
	const struct vma_ops *vma_ops; /* or NULL; constant once a VMA may be made */
	u64 size;                      /* bytes; file's lock for writing, read with READ_ONCE() */
	u32 seals;                     /* F_SEAL_*; the file's lock for writing */
	bool unevictable; /* reclaim leaves its pages: SHM_LOCK; its owner's lock for writing */
	u32 id;           /* serial number, of the same sequence as those of anon_vmas */
	spinlock_t lock;  /* RANK_MAPPING */
	struct radix_tree pages;
	u32 nr_pages, nr_slots; /* of the tree */
	struct page *
		migrating; /* of the tree: about to get another frame, not to be mapped now; lock */
	spinlock_t i_mmap_lock;      /* RANK_I_MMAP: the next three; i_mmap.h */
	struct interval_root i_mmap; /* its VMAs, by page of the file */
	u32 nr_writable;       /* VMAs that may write to the file, and such that are being made */
	bool deny_writable;    /* no more of them: sealed */
	struct list_head node; /* of all mappings; address_space.c */
};

/* What may not be done to a file any more; Linux's values. */
#define F_SEAL_SEAL         0x01u /* add seals */
#define F_SEAL_SHRINK       0x02u
#define F_SEAL_GROW         0x04u
#define F_SEAL_WRITE        0x08u
#define F_SEAL_FUTURE_WRITE 0x10u /* but through mappings that are writable already */
#define F_ALL_SEALS         0x1fu

/* The highest size a file may have, and one above the highest index. */
#define MAPPING_MAX_SIZE  0x7fffffffffffffffl
#define MAPPING_MAX_INDEX ((MAPPING_MAX_SIZE >> PAGE_SHIFT) + 1)

void address_space_init(void);

/* An empty mapping of size 0. Traced. */
void mapping_init(struct address_space *mapping, const struct address_space_ops *ops);
/* Frees all pages and slots. No VMA or other user is left. May sleep. */
void mapping_destroy(struct address_space *mapping);

/* Whether the place lies before the end of the file. Who cuts a file sets the size first. */
static inline bool mapping_reaches(const struct address_space *mapping, u64 index)
{
	u64 size = READ_ONCE(mapping->size);

	return size && index <= (size - 1) >> PAGE_SHIFT;
}

static inline bool mapping_write_is_sealed(const struct address_space *mapping)
{
	return READ_ONCE(mapping->seals) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

static inline void mapping_get(struct address_space *mapping)
{
	if (mapping->ops->get)
		mapping->ops->get(mapping);
}
static inline void mapping_put(struct address_space *mapping)
{
	if (mapping->ops->put)
		mapping->ops->put(mapping);
}

/* ---- pages (address_space.c) ---- */

#define MAPPING_CREATE BIT(0) /* a page of zeroes where there is a hole */
#define MAPPING_WITHIN \
	BIT(1) /* but not behind the end: -EINVAL; for who does not hold the file's lock */
#define MAPPING_FALLOCATE BIT(2) /* and a page that is made so is PAGE_FALLOCATED */

/* page->private of a page that fallocate() made, zeroes, until somebody writes to it, maps it or allocates it again, or
 * it goes to swap: to SEEK_HOLE it is a hole, and a fallocate() that fails takes it back. Set before the page is in its file, and only
 * taken away from then on, by whoever holds a reference: so no lock guards it. A page is found fallocated and
 * removed under mapping->lock, and mapped under it, too. */
#define PAGE_FALLOCATED 2

static inline bool page_is_fallocated(const struct page *page)
{
	return READ_ONCE(page->private) == PAGE_FALLOCATED;
}
static inline void page_becomes_data(struct page *page)
{
	if (page_is_fallocated(page))
		WRITE_ONCE(page->private, 0);
}

/* The page at an index, with a reference, content valid: read back if it is in swap. NULL with *error
 * = 0: a hole; -ENOMEM, -ENOSPC, -EIO. The caller may read and write the content; who writes calls
 * mapping_set_dirty() before it drops the reference. Sleeps; no page lock or spinlock held, mmap_lock
 * may be. */
struct page *mapping_get_page(struct address_space *mapping, u64 index, u32 flags, int *error);

/* The same; *waited becomes true when the disk was needed. */
struct page *mapping_get_page_waited(struct address_space *mapping, u64 index, u32 flags,
				     bool *waited, int *error);

/* The first page in memory at *index or behind it, and below `end`; stores where it is, or leaves *index
 * alone and returns NULL. Slots and holes are passed over. mapping->lock is held: the page stays as long. */
struct page *mapping_next_page_locked(struct address_space *mapping, u64 *index, u64 end);

/* The page at an index if it is in memory, with a reference, or NULL. Does not sleep. */
struct page *mapping_find_page(struct address_space *mapping, u64 index);

/* Puts a fresh page of kind PAGE_SHMEM with valid content in a hole, and on an LRU list. The caller keeps
 * its reference. 0, -EEXIST, -ENOMEM, -ENOSPC. Sleeps. */
int mapping_add_page(struct address_space *mapping, u64 index, struct page *page);

/* The content of a page of a mapping was changed by the kernel. The caller has a reference. */
void mapping_set_dirty(struct page *page);

/* Begins to read what of [index, end) is in swap, as far as memory is free; as swap_read_ahead(). */
void mapping_read_ahead(struct address_space *mapping, u64 index, u64 end);

/* Empties the indexes [first, last], pages and slots. Sleeps. */
void mapping_remove_range(struct address_space *mapping, u64 first, u64 last);

/* Takes the pages out of [first, end) that are fallocated. Sleeps. */
void mapping_remove_fallocated(struct address_space *mapping, u64 first, u64 end);

/* The first index >= `index` and < end that has a slot, or a page that is not only fallocated (data), or has neither
 * (hole); `end` when there is none. For SEEK_DATA and SEEK_HOLE. */
u64 mapping_next_data(struct address_space *mapping, u64 index, u64 end);
u64 mapping_next_hole(struct address_space *mapping, u64 index, u64 end);

/* The page at an index or NULL; and a visit of each page or (page NULL) slot of all mappings, which returns
 * how many mappings count theirs wrong, each printed. All CPUs quiesced. */
struct page *debug_mapping_page(const struct address_space *mapping, u64 index);
u32 debug_mapping_for_each(void (*visit)(struct address_space *mapping, u64 index,
					 struct page *page, u32 slot, void *arg),
			   void *arg);

/* Pages in all mappings. Racy. */
u32 mapping_total_pages(void);

/* Emits state_mapping and state_cache records. All CPUs quiesced. Returns the records emitted. */
u64 mapping_baseline(void);

/* ---- content (mapping_io.c); the file's lock is held for writing where it says so ---- */

/* Copies up to `n` bytes at `pos` out, stopping at the size. Returns how many; -EFAULT, -ENOMEM, -EIO
 * when not one was copied. Sleeps. */
long mapping_read(struct address_space *mapping, u64 pos, void __user *to, size_t n);
long mapping_read_kernel(struct address_space *mapping, u64 pos, void *to, size_t n);

/* Copies `n` bytes in at `pos`, and raises the size to where they end. Returns how many; -EPERM as sealed, -EFAULT, -ENOMEM,
 * -ENOSPC, -EFBIG, or -EINTR for a dying task, when not one was copied. File's lock for writing. Sleeps. */
long mapping_write(struct address_space *mapping, u64 pos, const void __user *from, size_t n);
long mapping_write_kernel(struct address_space *mapping, u64 pos, const void *from, size_t n);

/* Sets the size. What lies behind it goes, mappings of it too. File's lock for writing. Sleeps. */
void mapping_truncate(struct address_space *mapping, u64 size);

/* Makes pages for [pos, pos + n), whose content does not change. Does not change the size. 0, -ENOMEM,
 * -ENOSPC, -EFBIG, -EINTR when a signal came: then the pages that it made go again. File's lock for writing. Sleeps. */
int mapping_fallocate(struct address_space *mapping, u64 pos, u64 n);

/* Makes [pos, pos + n) read as zeroes, frees its whole pages. File's lock for writing. Sleeps. 0 or
 * -ENOMEM, -EIO. */
int mapping_punch_hole(struct address_space *mapping, u64 pos, u64 n);

#endif
