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
#include "fs/chrdev.h"
#include "fs/open.h"
#include "lib/errno.h"

#define PIECE_SIZE 256
#define TIOCGWINSZ 0x5413

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

static int open_console(struct inode *inode, struct file *file)
{
	(void)inode;
	file->mode |= FMODE_STREAM;
	return 0;
}

static const struct file_ops console_ops = {
	.read = read_console,
	.write = write_console,
	.ioctl = console_ioctl,
	.open = open_console,
};

void console_init(void)
{
	chrdev_register(MKDEV(5, 1), 1, "console", 0600, &console_ops);
}

struct file *console_open(void)
{
	struct file *file;

	return do_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &file) == 0 ? file : NULL;
}
