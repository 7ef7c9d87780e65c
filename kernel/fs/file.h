/*
 * Open files and what the file system calls see of them. A file is shared by all descriptors that
 * dup and fork made of it.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "cpu/atomic.h"
#include "cpu/rwsem.h"
#include "fs/path.h"

/* Flags of open(2) and values of lseek(2) and stat(2); Linux's. */
#define O_ACCMODE   03u
#define O_RDONLY    00u
#define O_WRONLY    01u
#define O_RDWR      02u
#define O_CREAT     0100u
#define O_EXCL      0200u
#define O_NOCTTY    0400u
#define O_TRUNC     01000u
#define O_APPEND    02000u
#define O_NONBLOCK  04000u
#define O_DSYNC     010000u
#define O_ASYNC     020000u
#define O_DIRECT    040000u
#define O_LARGEFILE 0100000u
#define O_DIRECTORY 0200000u
#define O_NOFOLLOW  0400000u
#define O_NOATIME   01000000u
#define O_CLOEXEC   02000000u
#define O_SYNC      (04000000u | O_DSYNC)
#define O_PATH      010000000u
#define O_TMPFILE   (020000000u | O_DIRECTORY)

#define SEEK_SET  0
#define SEEK_CUR  1
#define SEEK_END  2
#define SEEK_DATA 3
#define SEEK_HOLE 4

#define S_IFMT   0170000u
#define S_IFSOCK 0140000u
#define S_IFLNK  0120000u
#define S_IFREG  0100000u
#define S_IFBLK  0060000u
#define S_IFDIR  0040000u
#define S_IFCHR  0020000u
#define S_IFIFO  0010000u
#define S_ISUID  0004000u
#define S_ISGID  0002000u
#define S_ISVTX  0001000u

/* What one call transfers at most, as in Linux: the count fits into an int. */
#define MAX_TRANSFER 0x7ffff000ul

/* struct stat of the x86-64 ABI. */
struct stat {
	u64 dev, ino, nlink;
	u32 mode, uid, gid, pad;
	u64 rdev;
	s64 size, blksize, blocks;
	u64 atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
	s64 unused[3];
};

static_assert(sizeof(struct stat) == 144, "ABI");

struct address_space;
struct file;
struct epoll_item;
struct inode;
struct iov_iter;
struct poll_table;

/* What kinds of files differ in. All may sleep. Each returns 0 or a count, or -errno; a NULL member
 * gives the errno in brackets. */
struct file_ops {
	/* A file was made for the inode by open(2), file->flags as open(2) got them; it is not
	 * released when this fails. [0] */
	int (*open)(struct inode *inode, struct file *file);
	/* Transfer at *pos and move it. With FMODE_STREAM pos is NULL. [-EINVAL] */
	long (*read)(struct file *file, void __user *to, size_t size, u64 *pos);
	long (*write)(struct file *file, const void __user *from, size_t size, u64 *pos);
	/* With FMODE_STREAM instead of the two: the whole vector is one transfer, and not empty. */
	long (*read_iter)(struct file *file, struct iov_iter *to);
	long (*write_iter)(struct file *file, struct iov_iter *from);
	/* The new position, which the caller sets; file->lock held for writing. [as of a file of 0
	 * bytes] */
	s64 (*seek)(struct file *file, s64 offset, u32 whence);
	int (*fsync)(struct file *file); /* [-EINVAL] */
	/* What mmap(2) shows; NULL: memory of its own. [-ENODEV] */
	int (*mmap)(struct file *file, struct address_space **mapping);
	long (*ioctl)(struct file *file, u32 request, void __user *arg); /* [-ENOTTY] */
	/* What could be done now without waiting, EPOLL* of fs/poll.h, after a poll_wait() on each
	 * queue that is woken when that changes. Does not sleep. [always ready] */
	u32 (*poll)(struct file *file, struct poll_table *table);
	/* The last reference is gone. */
	void (*release)(struct file *file);
};

/* Bits of struct file.mode. */
#define FMODE_READ   BIT(0)
#define FMODE_WRITE  BIT(1)
#define FMODE_STREAM BIT(2) /* no position: neither lseek nor pread, and calls run side by side */
#define FMODE_PATH   BIT(3) /* O_PATH: names a place, and is not open */
#define FMODE_WRITER BIT(4) /* counts among the writers of its inode */
#define FMODE_OPENED BIT(5) /* open() was called, release() will be */
#define FMODE_DIRECT BIT(6) /* may have O_DIRECT */

struct file {
	const struct file_ops *ops;
	struct path path;            /* referenced; constant */
	struct inode *inode;         /* of that path */
	void *private;               /* the operations' own */
	struct epoll_item *watchers; /* epolls that watch it; epoll.c */
	atomic_t refs;
	u32 flags;         /* O_* that F_GETFL tells; atomic */
	u32 mode;          /* FMODE_*; constant */
	struct rwsem lock; /* pos: held for writing by whoever reads, writes or seeks; outside
			      mmap_lock. Not taken with FMODE_STREAM */
	u64 pos;
};

/* An open file with one reference, FMODE_READ and FMODE_WRITE as the flags say; NULL without
 * memory. The caller sets its path: use do_open() or open_pseudo() of open.h. */
struct file *file_create(const struct file_ops *ops, struct inode *inode, u32 flags);
static inline void file_get(struct file *file)
{
	atomic_inc(&file->refs);
}
/* Drops a reference; the last one closes the file. May sleep. */
void file_put(struct file *file);

long file_read(struct file *file, void __user *to, size_t size);
long file_write(struct file *file, const void __user *from, size_t size);
/* At a position of the caller's: -ESPIPE with FMODE_STREAM. */
long file_pread(struct file *file, void __user *to, size_t size, u64 pos);
long file_pwrite(struct file *file, const void __user *from, size_t size, u64 pos);
/* readv and writev. The vector covers at most MAX_TRANSFER bytes. */
long file_read_iter(struct file *file, struct iov_iter *to);
long file_write_iter(struct file *file, struct iov_iter *from);
/* preadv and pwritev. */
long file_pread_iter(struct file *file, struct iov_iter *to, u64 pos);
long file_pwrite_iter(struct file *file, struct iov_iter *from, u64 pos);
/* F_SETFL: sets O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME as in `flags`. */
void file_set_flags(struct file *file, u32 flags);
long file_seek(struct file *file, s64 offset, u32 whence);
/* It was read: the time of that, unless O_NOATIME or the mount say no. */
void file_accessed(struct file *file);
int file_fsync(struct file *file);
long file_ioctl(struct file *file, u32 request, void __user *arg);

#endif
