/* Character devices: what a device number does. */
#ifndef FS_CHRDEV_H
#define FS_CHRDEV_H

#include "fs/inode.h"

/* Registers the operations of `nr_minors` numbers from MKDEV(major, minor) on, and makes
 * /dev/NAME for the first if a name is given, with these rights. Boot only: before the first
 * program, after the root is mounted. Panics without memory. */
void chrdev_register(u32 dev, u32 nr_minors, const char *name, u32 mode,
		     const struct file_ops *ops);

/* NULL: -ENXIO. */
const struct file_ops *chrdev_find(u32 dev);

#endif
