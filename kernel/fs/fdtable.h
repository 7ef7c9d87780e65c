/* Descriptors of the current task. */
#ifndef FS_FDTABLE_H
#define FS_FDTABLE_H

#include "fs/file.h"

#define NO_FD (~0u)

struct file_table;

/* No new descriptor is this or above: RLIMIT_NOFILE. */
u32 fd_limit(void);

/* The file behind a descriptor with a reference for the caller, or NULL: -EBADF. */
struct file *fd_get(u32 fd);
/* The same in a table that the caller holds. */
struct file *files_get_file(struct file_table *table, u32 fd);
/* The first open descriptor from `fd` on, or NO_FD. */
u32 files_next(struct file_table *table, u32 fd);

/* The same in the current task's table; a table of its own, if it shares one: 0 or -ENOMEM. */
u32 fd_next(u32 fd);
int fd_unshare(void);

/* Descriptors that a table has room for now. */
u32 files_capacity(const struct file_table *table);

/* Puts a file at the lowest free descriptor from `lowest` on; the caller's reference passes to the
 * table. The descriptor, or -EMFILE, -ENOMEM (the reference is still the caller's then). `flags`:
 * O_CLOEXEC or 0. May sleep. */
int fd_install(struct file *file, u32 lowest, u32 flags);
/* The same of a file that nothing else refers to, from 0 on: on an error it is put. */
int fd_install_new(struct file *file, u32 flags);
/* The same of two files, and stores their descriptors at `to` in user memory: 0, or an error, -EFAULT among them, and
 * both are put. */
int fd_install_pair(struct file *files[2], u32 flags, u64 to);

/* Makes `fd` refer to `file` instead of whatever it did; takes a reference of its own. The
 * descriptor, or -EBADF, -ENOMEM. May sleep. */
int fd_replace(struct file *file, u32 fd, u32 flags);

/* Descriptors that the table of the current task has room for: none beyond is open. */
u32 fd_capacity(void);

/* 0 or -EBADF. */
int fd_close(u32 fd);

/* Whether the descriptor is closed on exec; -EBADF. */
int fd_get_cloexec(u32 fd);
int fd_set_cloexec(u32 fd, bool on);

#endif
