/*
 * Disks: the request queue between mm and a disk controller. See block.c for the life of a request.
 */
#ifndef DEV_BLOCK_H
#define DEV_BLOCK_H

#include "cpu/wait.h"
#include "mm/backing.h"

#define SECTOR_SHIFT  9
#define DISK_MAX_TAGS 32

struct disk;

/* What a controller does. */
struct disk_ops {
	/* Starts a transfer under a tag that is not in flight. Disk lock held; cannot fail. */
	void (*issue)(struct disk *disk, u32 tag, const struct io_request *request);
	/*
	 * Which of the tags `in_flight` were carried out without an error; *failed: the disk
	 * reports one, and nothing more comes from it before restart(). Disk lock held.
	 */
	u32 (*finished)(struct disk *disk, u32 in_flight, bool *failed);
	/* Makes it forget everything in flight and work again. 0 or -EIO. May sleep; nothing is
	 * issued meanwhile. */
	int (*restart)(struct disk *disk);
};

enum disk_state {
	DISK_RUNNING,
	DISK_RESTARTING, /* after an error: requests only queue up */
	DISK_DEAD,       /* could not be restarted: every request fails */
};

/* One disk, embedded in what the controller keeps of it. Lock letters: [c] constant after
 * disk_start(), [l] `lock`. */
struct disk {
	struct backing backing;     /* [c] */
	const struct disk_ops *ops; /* [c] */
	const char *name;           /* [c] for messages */
	u32 nr_tags;                /* [c] transfers that may be in flight at once, 1 to 32 */

	spinlock_t lock;           /* RANK_BLOCK, interrupts off */
	enum disk_state state;     /* [l] */
	struct list_head queue;    /* [l] requests that wait for a tag, oldest first */
	struct list_head suspects; /* [l] requests that were in flight together at an error */
	u32 in_flight;             /* [l] bit t: tag t */
	bool alone;                /* [l] a suspect is in flight: nothing beside it */
	struct io_request *requests[DISK_MAX_TAGS]; /* [l] by tag, while in flight */

	u64 limit_ns; /* [c] that a transfer may take; then the disk counts as failed */

	bool attention;         /* atomic: the block thread should look */
	struct wait_queue wait; /* the block thread sleeps here */
};

/*
 * Opens a disk for requests and starts its block thread. The caller has set backing.size, ops, name
 * and nr_tags. Returns 0 or -ENOMEM. May sleep.
 */
int __must_check disk_start(struct disk *disk);

/* The controller has something to tell. Any context; takes no disk lock. */
void disk_interrupt(struct disk *disk);

/* Reads the page at `offset` (page-aligned bytes) into `page`. 0 or -EIO. Sleeps: the scheduler
 * must run. */
int __must_check disk_read_sync(struct backing *backing, u64 offset, struct page *page);

#endif
