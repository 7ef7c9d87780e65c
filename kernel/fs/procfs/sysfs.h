/* The tree of /sys. */
#ifndef FS_PROCFS_SYSFS_H
#define FS_PROCFS_SYSFS_H

#include "fs/procfs/procfs.h"

extern const struct proc_node sysfs_root;

#endif
