/* signalfd(2). */
#ifndef FS_SIGNALFD_H
#define FS_SIGNALFD_H

#include "fs/file.h"

#define SFD_FLAGS (O_NONBLOCK | O_CLOEXEC)

/* A file that reads signals of `mask`. `flags`: SFD_FLAGS. 0 or -ENOMEM. May sleep. */
int signalfd_create(u64 mask, u32 flags, struct file **result);

/* Another mask for such a file; -EINVAL: it is another kind of file. */
int signalfd_set_mask(struct file *file, u64 mask);

#endif
