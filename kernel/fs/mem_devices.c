/* The devices that only make or swallow bytes. Numbers, names and rights are Linux's. */
#include "fs/mem_devices.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/panic.h"
#include "cpu/wait.h"
#include "fs/chrdev.h"
#include "fs/iov_iter.h"
#include "fs/tmpfs.h"
#include "lib/errno.h"
#include "proc/random.h"

#define MEM_MAJOR  1
#define CHUNK_SIZE 256

static long read_nothing(struct file *file, void __user *to, size_t size, u64 *pos)
{
	(void)file;
	(void)to;
	(void)size;
	(void)pos;
	return 0;
}

static long write_nowhere(struct file *file, const void __user *from, size_t size, u64 *pos)
{
	(void)file;
	(void)from;
	(void)pos;
	return size;
}

static long write_iter_nowhere(struct file *file, struct iov_iter *from)
{
	(void)file;
	return from->count;
}

static long write_full(struct file *file, const void __user *from, size_t size, u64 *pos)
{
	(void)file;
	(void)from;
	(void)size;
	(void)pos;
	return -ENOSPC;
}

/* Copies chunks that `next` fills to a program, until a signal comes; a page at least, as Linux's random
 * devices do. */
static long read_chunks(void __user *to, size_t size, void (*next)(void *chunk, size_t size))
{
	u8 chunk[CHUNK_SIZE];
	size_t done = 0;

	while (done < size && !(done >= PAGE_SIZE && current_has_signal())) {
		size_t part = min(size - done, sizeof(chunk));

		next(chunk, part);
		if (copy_to_user((char __user *)to + done, chunk, part) != 0)
			return done > 0 ? (long)done : -EFAULT;
		done += part;
		cond_resched();
	}
	return done;
}

static void zeroes(void *chunk, size_t size)
{
	memset(chunk, 0, size);
}

static long read_zero(struct file *file, void __user *to, size_t size, u64 *pos)
{
	(void)file;
	(void)pos;
	return read_chunks(to, size, zeroes);
}

static long read_random(struct file *file, void __user *to, size_t size, u64 *pos)
{
	(void)file;
	(void)pos;
	return read_chunks(to, size, random_bytes);
}

/* What is written would be mixed in; the numbers follow from the seed, whatever happens. */
static long write_random(struct file *file, const void __user *from, size_t size, u64 *pos)
{
	u8 chunk[CHUNK_SIZE];

	(void)file;
	(void)pos;
	for (size_t done = 0; done < size;) {
		if (done >= PAGE_SIZE && current_has_signal())
			return done;
		size_t part = min(size - done, sizeof(chunk));

		if (copy_from_user(chunk, (const char __user *)from + done, part) != 0)
			return done > 0 ? (long)done : -EFAULT;
		done += part;
		cond_resched();
	}
	return size;
}

/* lseek succeeds, and stays at 0. */
static s64 seek_nowhere(struct file *file, s64 offset, u32 whence)
{
	(void)file;
	(void)offset;
	(void)whence;
	return 0;
}

static int map_zero(struct file *file, struct address_space **mapping)
{
	(void)file;
	*mapping = NULL;
	return 0;
}

static const struct file_ops null_ops = {
	.read = read_nothing,
	.write = write_nowhere,
	.write_iter = write_iter_nowhere,
	.seek = seek_nowhere,
};
static const struct file_ops zero_ops = {
	.read = read_zero, .write = write_nowhere, .seek = seek_nowhere, .mmap = map_zero};
static const struct file_ops full_ops = {
	.read = read_zero, .write = write_full, .seek = seek_nowhere};
static const struct file_ops random_ops = {
	.read = read_random, .write = write_random, .seek = seek_nowhere};

static void make(const char *name, u32 mode, const char *link)
{
	if (devtmpfs_create(name, mode, 0, link) != 0)
		panic("no memory for /dev/%s", name);
}

void mem_devices_init(void)
{
	chrdev_register(MKDEV(MEM_MAJOR, 3), 1, "null", 0666, &null_ops);
	chrdev_register(MKDEV(MEM_MAJOR, 5), 1, "zero", 0666, &zero_ops);
	chrdev_register(MKDEV(MEM_MAJOR, 7), 1, "full", 0666, &full_ops);
	chrdev_register(MKDEV(MEM_MAJOR, 8), 1, "random", 0666, &random_ops);
	chrdev_register(MKDEV(MEM_MAJOR, 9), 1, "urandom", 0666, &random_ops);
	make("shm", S_IFDIR | 01777, NULL);
	make("fd", S_IFLNK | 0777, "/proc/self/fd");
	make("stdin", S_IFLNK | 0777, "/proc/self/fd/0");
	make("stdout", S_IFLNK | 0777, "/proc/self/fd/1");
	make("stderr", S_IFLNK | 0777, "/proc/self/fd/2");
}
