/* eventfd(2). */
#ifndef FS_EVENTFD_H
#define FS_EVENTFD_H

#include "fs/file.h"

#define EFD_SEMAPHORE 1u
#define EFD_FLAGS     (EFD_SEMAPHORE | O_NONBLOCK | O_CLOEXEC)

/* A counter that begins with `value`. `flags`: EFD_FLAGS. 0 or -ENOMEM. May sleep. */
int eventfd_create(u32 value, u32 flags, struct file **result);

#endif
