/*
 * Swap: the area on the disk with its slot map, and the swap cache that ties pages to slots.
 *
 * A slot's count of references is the entries in page tables that name it, plus one while the swap
 * cache holds a page for it. It is guarded by the swap lock (RANK_SWAP), as is the cache. A page in
 * the cache holds one reference for it; its identity (PG_SWAPCACHE, page->slot) changes under the
 * page lock and the swap lock.
 */
#ifndef MM_SWAP_H
#define MM_SWAP_H

#include "mm/backing.h"

/* Sets the tables of the disk's slots up. 0 or -ENOMEM. At boot, once. */
int swap_attach(struct backing *disk,
		int (*read_sync)(struct backing *, u64 offset, struct page *));

/* Reads and checks the header of the area on the disk, and uses it. 0; -EINVAL for a bad header
 * (printed) or another disk than the attached one; -EBUSY when it is in use; -ENOMEM, -EIO. May
 * sleep. The caller lets nobody else call it or swap_off() meanwhile. */
int swap_on(struct backing *disk);

/* Brings all that is in swap back into memory and stops using it (swapoff.c). 0; -EINVAL when the disk
 * is not in use; -ENOMEM when memory does not suffice; -EINTR when a signal came; -EIO when a page
 * could not be read. On an error swap goes on. Sleeps. As
 * swap_on(). */
int swap_off(struct backing *disk);

/* For swapoff.c: no slot is handed out any more, or is again; and the end, if no slot is in use. */
void swap_close(void);
void swap_reopen(void);
bool swap_off_if_unused(void);

/* The most slots that there can ever be: those of the disk. Constant after boot. */
u32 swap_capacity(void);

/* Usable slots, those to be had now, and those in use. Racy. */
u32 swap_nr_slots(void);
u32 swap_nr_free(void);
u32 swap_nr_used(void);

/* ---- slots and cache (swap.c) ---- */

/* Gives a locked anonymous page a slot and puts it in the cache, dirty. 0 or -ENOSPC. */
int swap_cache_add_new(struct page *page);

/* The same for a page of a file, with a second reference on the slot, the file's. Returns the slot, or 0
 * without one. The mapping's lock is held. */
u32 swap_cache_add_shmem(struct page *page);
/* A locked page of the cache, not being written, is its file's again: the slot is given up by both. The cache's
 * reference on the page is the caller's. The mapping's lock is held. */
void swap_cache_give_back(struct page *page);

/* The kind of page that a slot's content is. Racy unless the slot cannot be freed. */
enum page_kind swap_slot_kind(u32 slot);

/* The page the cache holds for a slot, with a reference, or NULL. */
struct page *swap_cache_get(u32 slot);

/* Puts a locked fresh page in the cache for a slot that must still be in use. 0, -EEXIST when the
 * cache has one, -ENOENT when the slot is not in use any more. */
int swap_cache_add_read(u32 slot, struct page *page);

/* Whether the cache is the only one left that refers to the slot of a locked page in the cache. */
bool swap_only_cached(struct page *page);

/* Takes a locked, isolated, clean page out of the cache if nobody else has a reference on it. The
 * arguments are for the trace. */
enum swap_removal {
	SWAP_BUSY,    /* nothing done: it is mapped, dirty, or held */
	SWAP_EVICTED, /* its content is in swap only */
	SWAP_DROPPED, /* no entry named its slot any more: the slot is free, the content gone */
};
enum swap_removal swap_cache_evict(struct page *page, u32 pass_id, enum reclaim_kind kind,
				   enum reclaim_verdict verdict);

/* A locked, mapped page whose slot nobody else names leaves the cache and becomes dirty. Returns
 * whether it did. */
bool swap_cache_release(struct page *page);

/* A locked page whose read failed leaves the cache, so that the next fault tries again. The caller
 * has a reference. */
void swap_cache_forget(struct page *page);

/* One more or one fewer entry names the slot. get: 0, or -EOVERFLOW at 65535. put: when only the
 * cache is left and nobody maps the page, the page is dropped too. */
int swap_slot_get(u32 slot, enum slot_why why);
void swap_slot_put(u32 slot, enum slot_why why);
/* The page in the cache lost a mapping: drops it if nobody can want it any more. The caller holds a
 * reference. */
void swap_cache_drop_unused(struct page *page);

/* Evictions since the one of the slot's content. */
u32 swap_refault_distance(u32 slot);

/* ---- transfers (swap_io.c) ---- */

/* Takes page_cluster= from the command line, Linux's sysctl vm.page-cluster; panics when it is above 5. */
void swap_io_init(void);

/* log2 of the most pages that are read around one that is wanted. Setting it: 0, or -EINVAL above 5. */
u32 swap_page_cluster(void);
int swap_set_page_cluster(u64 page_cluster);

/* Reads a slot for a fault, with neighbours as readahead. Returns the page with a reference,
 * unlocked, perhaps with PG_ERROR instead of PG_UPTODATE, and *error = 0; NULL and -ENOMEM, or
 * -EAGAIN when the slot is not in use any more. *waited tells whether the disk was needed. Sleeps. */
struct page *swap_in(u32 slot, bool *waited, int *error);

/* Begins to read into the cache those of the slots that are in use and not cached, consecutive ones
 * in one request, and does not wait for the disk; it may sleep until an I/O request is free. Pages
 * are taken only above the low watermark: returns whether there are more. A failed read shows when
 * the page is wanted. swap_in()'s window does not learn from these. */
bool swap_read_ahead(const u32 *slots, u32 nr_slots);

/* Collects pages of one reclaim pass into requests of consecutive slots. Zero `request` and
 * `nr_pages` at first. */
struct swap_writer {
	struct io_request *request;
	u32 pass_id;
	enum reclaim_kind kind;
	u32 nr_pages; /* handed over so far */
};

/* Begins the write of a locked, unmapped, dirty page in the cache and unlocks it; the isolation's
 * reference passes to the write, whose end calls reclaim_page_written(). -EAGAIN when no request is
 * free: nothing done. Does not sleep. */
int swap_write(struct swap_writer *writer, struct page *page);
/* Submits what is collected. */
void swap_write_flush(struct swap_writer *writer);

/* Pages being written now. */
u32 swap_writes_pending(void);
/* Sleeps until a write ends, or none is under way. */
void swap_wait_write_end(void);
/* Sleeps until the writes under way leave half of the I/O requests to others. */
void swap_wait_writable(void);

/* The disk that swap is on, or NULL. */
struct backing *swap_disk(void);

u16 debug_swap_refs(u32 slot);
struct page *debug_swap_cached(u32 slot);
/* Emits state_swap records. All CPUs quiesced. Returns the records emitted. */
u64 swap_baseline(void);

#endif
