/*
 * The console as a file. Reading gives the end of file at once: the port's input belongs to the
 * kernel monitor.
 *
 * A write goes out in pieces, so that interrupts are never off for longer than a piece takes; lines
 * of that length stay whole.
 */
#include "fs/console.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/panic.h"
#include "cpu/wait.h"
#include "lib/errno.h"

#define PIECE_SIZE 256
#define TIOCGWINSZ 0x5413

/* Linux: character device 5:1. */
#define CONSOLE_RDEV (5 << 8 | 1)
#define CONSOLE_MODE (S_IFCHR | 0620)

static long read_console(struct file *file, void __user *to, size_t size, u64 *pos)
{
	(void)file;
	(void)to;
	(void)size;
	(void)pos;
	return 0;
}

static long write_console(struct file *file, const void __user *from, size_t size, u64 *pos)
{
	char piece[PIECE_SIZE];
	size_t done = 0;

	(void)file;
	(void)pos;
	while (done < size && !current_is_dying()) {
		size_t part = min(size - done, sizeof(piece));

		if (copy_from_user(piece, from + done, part) != 0)
			return done > 0 ? (long)done : -EFAULT;
		console_write(piece, part);
		done += part;
		cond_resched();
	}
	return done > 0 || size == 0 ? (long)done : -EINTR;
}

struct winsize {
	u16 rows, columns, width_pixels, height_pixels;
};

static long console_ioctl(struct file *file, u32 request, void __user *arg)
{
	static const struct winsize size = {.rows = 24, .columns = 80};

	(void)file;
	if (request != TIOCGWINSZ)
		return -ENOTTY;
	return copy_to_user(arg, &size, sizeof(size));
}

static void stat_console(struct file *file, struct stat *stat)
{
	(void)file;
	*stat = (struct stat){
		.ino = 1, .nlink = 1, .mode = CONSOLE_MODE, .rdev = CONSOLE_RDEV, .blksize = 1024};
}

static const struct file_ops console_ops = {
	.read = read_console,
	.write = write_console,
	.ioctl = console_ioctl,
	.stat = stat_console,
};

struct file *console_open(void)
{
	struct file *file = file_create(&console_ops, NULL, O_RDWR);

	if (file)
		file->mode |= FMODE_STREAM;
	return file;
}
