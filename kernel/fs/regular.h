/* Operations of a regular file whose content is its page cache. */
#ifndef FS_REGULAR_H
#define FS_REGULAR_H

#include "fs/file.h"

extern const struct file_ops regular_ops;

/* Writes kernel memory, else as ->write. */
long regular_write_kernel(struct file *file, const void *from, size_t size, u64 *pos);

#endif
