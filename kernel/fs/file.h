/*
 * Open files and what the file system calls see of them. A file is shared by all descriptors that
 * dup and fork made of it.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "cpu/atomic.h"
#include "cpu/rwsem.h"

/* Flags of open(2) and values of lseek(2) and stat(2); Linux's. */
#define O_ACCMODE   03u
#define O_RDONLY    00u
#define O_WRONLY    01u
#define O_RDWR      02u
#define O_CREAT     0100u
#define O_EXCL      0200u
#define O_TRUNC     01000u
#define O_APPEND    02000u
#define O_NONBLOCK  04000u
#define O_LARGEFILE 0100000u
#define O_DIRECTORY 0200000u
#define O_CLOEXEC   02000000u

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

#define S_IFMT  0170000u
#define S_IFCHR 0020000u
#define S_IFDIR 0040000u
#define S_IFREG 0100000u

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

struct file;
struct inode;

/* What kinds of files differ in. All may sleep. Each returns 0 or a count, or -errno; a NULL member
 * gives the errno in brackets. */
struct file_ops {
	/* Both move file->pos; file->lock held for writing. [-EINVAL] */
	long (*read)(struct file *file, void __user *to, size_t size);
	long (*write)(struct file *file, const void __user *from, size_t size);
	/* Bytes in the file, for SEEK_END. [lseek: -ESPIPE] */
	s64 (*size)(struct file *file);
	long (*ioctl)(struct file *file, u32 request, void __user *arg); /* [-ENOTTY] */
	void (*stat)(struct file *file, struct stat *stat);
};

struct file {
	const struct file_ops *ops;
	const struct inode *inode; /* NULL for the console */
	atomic_t refs;
	u32 flags;         /* O_* that F_GETFL tells; constant */
	struct rwsem lock; /* pos: held for writing by whoever reads, writes or seeks; outside
			      mmap_lock */
	u64 pos;
};

/* An open file with one reference; NULL without memory. */
struct file *file_create(const struct file_ops *ops, const struct inode *inode, u32 flags);
void file_get(struct file *file);
/* Drops a reference; the last one closes the file. */
void file_put(struct file *file);

long file_read(struct file *file, void __user *to, size_t size);
long file_write(struct file *file, const void __user *from, size_t size);
long file_seek(struct file *file, s64 offset, u32 whence);
long file_ioctl(struct file *file, u32 request, void __user *arg);

#endif
