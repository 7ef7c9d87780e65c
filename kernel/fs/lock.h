/*
 * Locks of files: POSIX record locks (fcntl), which a process owns and loses with the first descriptor of
 * the file that it closes; those of open file descriptions (F_OFD_*); and flock(2).
 */
#ifndef FS_LOCK_H
#define FS_LOCK_H

#include "fs/inode.h"

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

#define LOCK_SH   1u
#define LOCK_EX   2u
#define LOCK_NB   4u
#define LOCK_UN   8u
#define LOCK_MAND 32u /* no longer does anything */

/* struct flock of the ABI. */
struct flock {
	s16 type, whence;
	s32 pad;
	s64 start, length; /* 0: to the end of all files */
	s32 pid;
	s32 pad2;
};
static_assert(sizeof(struct flock) == 32, "ABI");

enum lock_kind { LOCK_POSIX, LOCK_OFD };
enum lock_wait { LOCK_TRY, LOCK_SLEEP };

/* F_SETLK and F_SETLKW: 0, -EAGAIN, -EDEADLK, -EINVAL, -EBADF, -ERESTARTSYS, -ENOMEM. */
int file_lock_set(struct file *file, const struct flock *lock, enum lock_kind kind,
		  enum lock_wait wait);
/* F_GETLK: fills in who is in the way, or F_UNLCK. */
int file_lock_get(struct file *file, struct flock *lock, enum lock_kind kind);
/* flock(2). */
int file_flock(struct file *file, u32 operation);

/* A descriptor of `file` was closed in a table: its POSIX locks go. */
void file_locks_close(struct file *file, const void *table);
/* The last reference of the file goes: so do the locks that are its own. */
void file_locks_release(struct file *file);
void file_locks_free(struct file_lock_context *locks);

#endif
