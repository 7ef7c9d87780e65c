/* Pipes and FIFOs: pipe(7), fifo(7). */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include "fs/file.h"

enum { PIPE_READ_END, PIPE_WRITE_END };

/* A pipe and its two ends, each with one reference. `flags`: O_NONBLOCK, O_DIRECT. 0 or -ENOMEM.
 * May sleep. */
int pipe_create(struct file *ends[2], u32 flags);

/* Of a FIFO: open(2) waits for somebody at the other end. */
extern const struct file_ops fifo_ops;

/* F_GETPIPE_SZ, F_SETPIPE_SZ: bytes that a pipe can hold, -EBADF: the file is none. Setting rounds
 * up to pages and returns what it became; -EINVAL, -EBUSY: more than that is in it, -EPERM: more than
 * the limit, without CAP_SYS_RESOURCE, -ENOMEM. */
long pipe_get_size(struct file *file);
long pipe_set_size(struct file *file, u64 size);

/* The limit: /proc/sys/fs/pipe-max-size. 0 or -EINVAL. */
u32 pipe_get_max_size(void);
int pipe_set_max_size(u64 size);

#endif
