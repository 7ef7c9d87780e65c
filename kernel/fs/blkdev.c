/* Which disk a block device number is. The table is filled at boot and not changed afterwards, so
 * nothing locks it. Programs use a disk by giving its name to a call; they cannot open it. */
#include "fs/blkdev.h"
#include "cpu/panic.h"
#include "fs/tmpfs.h"

#define MAX_DISKS 4

static struct blkdev {
	u32 dev;
	struct backing *disk;
} disks[MAX_DISKS];
static u32 nr_disks;

void blkdev_register(u32 dev, const char *name, struct backing *disk)
{
	if (nr_disks == MAX_DISKS)
		panic("blkdev: more than %d disks", MAX_DISKS);
	disks[nr_disks++] = (struct blkdev){dev, disk};
	if (devtmpfs_create(name, S_IFBLK | 0660, dev, NULL) != 0)
		panic("blkdev: no memory for /dev/%s", name);
}

struct backing *blkdev_find(u32 dev)
{
	for (u32 i = 0; i < nr_disks; i++)
		if (disks[i].dev == dev)
			return disks[i].disk;
	return NULL;
}
