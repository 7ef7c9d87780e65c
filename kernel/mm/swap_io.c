/*
 * Transfers between pages and swap slots: clustered asynchronous writes, reads with readahead.
 *
 * Readahead reads the slots beside the wanted one, as far as they are in use, not cached, and
 * consecutive: one request. How many is learnt from success, in the manner of Linux's
 * swapin_nr_pages(): the more of the pages read ahead were asked for since the last time, the
 * larger the window; a window without success shrinks by half. Memory below the low watermark gets
 * no readahead at all.
 */
#include "mm/swap.h"

#include "cpu/wait.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/vmstat.h"

static DEFINE_WAIT_QUEUE(write_wait);
static atomic_t nr_writing;
/* Requests that carry them, and those that ended so far (wraps; written by the block thread). */
static atomic_t nr_write_requests;
static u32 write_requests_ended;

/* The largest window is one request: 1 << MAX_PAGE_CLUSTER == IO_MAX_PAGES. */
#define MAX_PAGE_CLUSTER 5
static_assert(1 << MAX_PAGE_CLUSTER == IO_MAX_PAGES, "a window is one request");

static struct {
	atomic_t hits; /* pages read ahead and then asked for since the last window was chosen */
	u32 limit;     /* the largest window; set once */
	u32 window;    /* the last one; racy, only a hint */
	u32 last_slot;
} readahead;

static u64 slot_offset(u32 slot)
{
	return (u64)slot << PAGE_SHIFT;
}
static u32 offset_slot(u64 offset)
{
	return offset >> PAGE_SHIFT;
}

/* ---- writing ---- */

static void write_done(struct io_request *request)
{
	u32 nr = request->nr_pages;

	for (u32 i = 0; i < nr; i++) {
		struct page *page = request->pages[i];

		TRACE(swap_out_end, .pfn = page_pfn(page), .slot = page->slot,
		      .error = request->error);
		reclaim_page_written(page, request->pass_id, request->reclaim_kind, request->error);
	}
	io_request_put(request);
	atomic_add_return(&nr_writing, -(s32)nr);
	atomic_dec_return(&nr_write_requests);
	WRITE_ONCE(write_requests_ended, write_requests_ended + 1);
	wake_up(&write_wait);
}

void swap_write_flush(struct swap_writer *writer)
{
	struct io_request *request = writer->request;

	if (!request)
		return;
	writer->request = NULL;
	swap_disk()->ops->submit(swap_disk(), request);
}

/* The request that the page's slot continues, or a new one; NULL when the pool is empty. */
static struct io_request *request_for(struct swap_writer *writer, u32 slot)
{
	struct io_request *request = writer->request;

	if (request && request->nr_pages < IO_MAX_PAGES &&
	    slot == offset_slot(request->offset) + request->nr_pages)
		return request;
	swap_write_flush(writer);
	request = io_request_try_get();
	if (!request)
		return NULL;
	atomic_inc(&nr_write_requests);
	request->backing = swap_disk();
	request->offset = slot_offset(slot);
	request->nr_pages = 0;
	request->write = true;
	request->done = write_done;
	request->pass_id = writer->pass_id;
	request->reclaim_kind = writer->kind;
	writer->request = request;
	return request;
}

int swap_write(struct swap_writer *writer, struct page *page)
{
	struct io_request *request = request_for(writer, page->slot);

	if (!request)
		return -EAGAIN;
	atomic_inc(&nr_writing);
	vmstat_inc(VMSTAT_PSWPOUT);
	writer->nr_pages++;
	page_set(page, PG_WRITEBACK);
	page_clear(page, PG_DIRTY);
	TRACE(swap_out_begin, .pfn = page_pfn(page), .slot = page->slot,
	      .pass_id = writer->pass_id);
	request->pages[request->nr_pages++] = page;
	page_unlock(page);
	return 0;
}

u32 swap_writes_pending(void)
{
	return atomic_read(&nr_writing);
}

void swap_wait_write_end(void)
{
	u32 before = READ_ONCE(write_requests_ended);

	(void)wait_event_killable(&write_wait, READ_ONCE(write_requests_ended) != before ||
						       !swap_writes_pending());
}

void swap_wait_writable(void)
{
	(void)wait_event_killable(&write_wait,
				  atomic_read(&nr_write_requests) <= IO_NR_REQUESTS / 2);
}

/* ---- reading ---- */

static void read_done(struct io_request *request)
{
	for (u32 i = 0; i < request->nr_pages; i++) {
		struct page *page = request->pages[i];

		TRACE(swap_in_end, .pfn = page_pfn(page), .slot = page->slot,
		      .error = request->error);
		if (request->error) {
			swap_cache_forget(page);
			page_set(page, PG_ERROR);
		} else {
			page_set(page, PG_UPTODATE);
		}
		page_unlock(page);
		page_put(page);
	}
	io_request_put(request);
}

void swap_io_init(void)
{
	u64 page_cluster = cmdline_u64("page_cluster", 3);

	if (swap_set_page_cluster(page_cluster))
		panic("page_cluster=%lu: give 0 to %d", page_cluster, MAX_PAGE_CLUSTER);
}

u32 swap_page_cluster(void)
{
	return __builtin_ctz(READ_ONCE(readahead.limit));
}

int swap_set_page_cluster(u64 page_cluster)
{
	if (page_cluster > MAX_PAGE_CLUSTER)
		return -EINVAL;
	WRITE_ONCE(readahead.limit, 1u << page_cluster);
	return 0;
}

/* Slots to read around this one, a power of two up to 2^page_cluster. */
static u32 choose_window(u32 slot)
{
	u32 hits = atomic_read(&readahead.hits), previous = READ_ONCE(readahead.last_slot);
	u32 window = 1;

	atomic_set(&readahead.hits, 0);
	if (hits)
		while (window < hits + 2)
			window *= 2;
	else if (slot == previous + 1 || slot + 1 == previous)
		window = 2;
	window = min(max(window, READ_ONCE(readahead.window) / 2), READ_ONCE(readahead.limit));
	WRITE_ONCE(readahead.window, window);
	WRITE_ONCE(readahead.last_slot, slot);
	return window;
}

/* A locked page in the cache for a slot nobody asked for, listed; NULL when it is not worth it. */
static struct page *read_ahead_page(u32 slot)
{
	struct page *page;

	if (!slot || slot > swap_nr_slots() || !debug_swap_refs(slot) ||
	    !watermark_ok(watermarks.low, 0))
		return NULL;
	page = alloc_page(GFP_ATOMIC, swap_slot_kind(slot));
	if (!page)
		return NULL;
	/* The page that is wanted may be locked already: this one nobody else knows. */
	BUG_ON(!page_trylock(page));
	if (swap_cache_add_read(slot, page)) {
		page_unlock(page);
		page_put(page);
		return NULL;
	}
	reclaim_list_refault(page, swap_refault_distance(slot));
	return page;
}

/* No slot has this number: all of a request is readahead. */
#define NO_SLOT_WANTED 0

static void request_add(struct io_request *request, struct page *page, u32 wanted)
{
	vmstat_inc(VMSTAT_PSWPIN);
	TRACE(swap_in_begin, .pfn = page_pfn(page), .slot = page->slot,
	      .readahead = page->slot != wanted, .pid = current->pid);
	page_get(page);
	lockdep_hand_over(page);
	request->pages[request->nr_pages++] = page;
}

static void read_submit(struct io_request *request)
{
	if (request)
		swap_disk()->ops->submit(swap_disk(), request);
}

/* The request that the slot continues, or a new one, which submits the former. NULL is none so far.
 * Sleeps until the pool has one. */
static struct io_request *read_continue(struct io_request *request, u32 slot)
{
	if (request && request->nr_pages < IO_MAX_PAGES &&
	    slot == offset_slot(request->offset) + request->nr_pages)
		return request;
	read_submit(request);
	request = io_request_get();
	*request = (struct io_request){
		.backing = swap_disk(), .done = read_done, .offset = slot_offset(slot)};
	return request;
}

/* Reads a locked page and at most `limit` - 1 neighbours. The I/O owns the page locks from now on.
 */
static void start_read(struct page *page, u32 slot, u32 limit)
{
	struct io_request *request = NULL;
	u32 window = min(choose_window(slot), limit), first = slot - slot % window;

	for (u32 s = first; s < first + window; s++) {
		struct page *ahead = s == slot ? NULL : read_ahead_page(s);

		if (s > slot && !ahead)
			break;
		if (s != slot && !ahead)
			continue;
		request = read_continue(request, s);
		request_add(request, ahead ? ahead : page, slot);
		if (ahead) {
			WRITE_ONCE(ahead->private, 1);
			page_put(ahead);
		}
	}
	read_submit(request);
}

bool swap_read_ahead(const u32 *slots, u32 nr_slots)
{
	struct io_request *request = NULL;

	for (u32 i = 0; i < nr_slots; i++) {
		struct page *page = read_ahead_page(slots[i]);

		if (!page)
			continue;
		request = read_continue(request, slots[i]);
		request_add(request, page, NO_SLOT_WANTED);
		page_put(page);
	}
	read_submit(request);
	return watermark_ok(watermarks.low, 0);
}

/* A page from the cache: notes whether readahead has paid. */
static struct page *cached(u32 slot)
{
	struct page *page = swap_cache_get(slot);

	if (page && READ_ONCE(page->private)) {
		WRITE_ONCE(page->private, 0);
		atomic_inc(&readahead.hits);
	}
	return page;
}

/* A fresh locked page in the cache for the slot, listed; NULL and -EEXIST, -EAGAIN or -ENOMEM. */
static struct page *fresh(u32 slot, int *error)
{
	struct page *page = alloc_page(GFP_KERNEL, swap_slot_kind(slot));

	if (!page) {
		*error = -ENOMEM;
		return NULL;
	}
	page_lock(page);
	*error = swap_cache_add_read(slot, page);
	if (*error) {
		page_unlock(page);
		page_put(page);
		if (*error != -EEXIST)
			*error = -EAGAIN;
		return NULL;
	}
	reclaim_list_refault(page, swap_refault_distance(slot));
	return page;
}

/* The slot's page, read or failed, with a reference; what swap_in() returns otherwise. */
static struct page *cached_or_read(u32 slot, u32 limit, bool *waited, int *error)
{
	struct page *page = cached(slot);

	while (!page) {
		page = fresh(slot, error);
		if (page)
			start_read(page, slot, limit);
		else if (*error != -EEXIST)
			return NULL;
		else
			page = cached(slot);
	}
	*error = 0; /* another may have been first, and a fresh page -EEXIST */
	while (!page_test(page, PG_UPTODATE | PG_ERROR)) {
		*waited = true;
		page_wait_clear(page, PG_LOCKED);
	}
	return page;
}

struct page *swap_in(u32 slot, bool *waited, int *error)
{
	struct page *page = cached_or_read(slot, IO_MAX_PAGES, waited, error);

	if (!page || !page_test(page, PG_ERROR))
		return page;
	/* A request fails as a whole, and the fault may be a neighbour's: once more, alone. */
	page_put(page);
	return cached_or_read(slot, 1, waited, error);
}
