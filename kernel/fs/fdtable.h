/* Descriptors of the current task. */
#ifndef FS_FDTABLE_H
#define FS_FDTABLE_H

#include "fs/file.h"

#define MAX_FDS 64 /* RLIMIT_NOFILE */

/* The file behind a descriptor with a reference for the caller, or NULL: -EBADF. */
struct file *fd_get(u32 fd);

/* Puts a file at the lowest free descriptor from `lowest` on; the caller's reference passes to the
 * table. The descriptor, or -EMFILE (the reference is still the caller's then). `flags`: O_CLOEXEC
 * or 0. */
int fd_install(struct file *file, u32 lowest, u32 flags);

/* Makes `fd` refer to `file` instead of whatever it did; takes a reference of its own. The
 * descriptor, or -EBADF. */
int fd_replace(struct file *file, u32 fd, u32 flags);

/* 0 or -EBADF. */
int fd_close(u32 fd);

/* Whether the descriptor is closed on exec; -EBADF. */
int fd_get_cloexec(u32 fd);
int fd_set_cloexec(u32 fd, bool on);

#endif
