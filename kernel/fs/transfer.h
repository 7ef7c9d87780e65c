/* Copies between files without a program's memory between them. */
#ifndef FS_TRANSFER_H
#define FS_TRANSFER_H

#include "fs/file.h"

/* sendfile(2): from a regular file, at *pos, which moves, or (NULL) at its own position. Returns the
 * bytes, or -errno when there was not one. */
long do_sendfile(struct file *out, struct file *in, u64 *pos, size_t size);

/* copy_file_range(2): positions likewise. */
long do_copy_file_range(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, size_t size);

#endif
