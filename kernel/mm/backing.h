/*
 * The disk that mm swaps to. dev implements it; mm never includes that.
 */
#ifndef MM_BACKING_H
#define MM_BACKING_H

#include "lib/list.h"
#include "mm/page.h"

struct io_request;
struct backing;

struct backing_ops {
	/* Queues a request; request->done is called later in the block thread, once, with
	 * request->error set. Does not sleep or allocate. */
	void (*submit)(struct backing *backing, struct io_request *request);
};

struct backing {
	const struct backing_ops *ops;
	u64 size; /* bytes */
};

/* A page cluster (swap-out) or readahead window is at most this. */
#define IO_MAX_PAGES 32

/* One transfer of consecutive pages of a disk. */
struct io_request {
	struct list_head node; /* owner: pool, then the disk's queue */
	struct backing *backing;
	u64 offset; /* bytes on the disk, page-aligned */
	struct page *pages[IO_MAX_PAGES];
	u32 nr_pages;
	bool write;
	int error; /* set before done(): 0 or -errno */
	void (*done)(struct io_request *request);
	u64 issued_ns;    /* the disk driver's */
	u32 pass_id;      /* swap-out: the reclaim pass */
	u32 reclaim_kind; /* swap-out: enum reclaim_kind */
};

/* The preallocated pool, so that reclaim never needs memory to free memory. As many as the disk
 * takes at once: NCQ has 32 tags. */
#define IO_NR_REQUESTS 32

void io_pool_init(void);
/* NULL when the pool is empty. */
struct io_request *io_request_try_get(void);
/* Sleeps until one is free. */
struct io_request *io_request_get(void);
void io_request_put(struct io_request *request);

#endif
