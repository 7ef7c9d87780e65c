/* Block devices: which disk a device number names. */
#ifndef FS_BLKDEV_H
#define FS_BLKDEV_H

#include "fs/inode.h"
#include "mm/backing.h"

/* Linux's major number of SCSI disks, of which each has 16 minor numbers. */
#define SD_MAJOR      8
#define SD_MINOR(nth) ((nth)*16)

/* Makes /dev/NAME for the disk. Boot only, as chrdev_register(). */
void blkdev_register(u32 dev, const char *name, struct backing *disk);

/* NULL: -ENXIO. */
struct backing *blkdev_find(u32 dev);

#endif
