/*
 * The serial console as a terminal, /dev/console and /dev/ttyS0, and /dev/tty, the terminal of who
 * opens it.
 *
 * What is typed comes in an interrupt of CPU 0, which puts it into a ring and wakes a thread: the line
 * discipline takes sleeping locks. The interrupt is the only writer of `filled`, the thread of
 * `emptied`; each is read by the other. When the ring is full, because nobody reads, what is typed is
 * lost, as at a serial port.
 */
#include "fs/console.h"
#include "cpu/kthread.h"
#include "cpu/panic.h"
#include "cpu/wait.h"
#include "fs/chrdev.h"
#include "fs/open.h"
#include "fs/tty.h"
#include "lib/errno.h"
#include "proc/files.h"

#define RING_SIZE 16384

static u8 ring[RING_SIZE];
static u32 filled, emptied; /* bytes ever */
static DEFINE_WAIT_QUEUE(ring_wait);

static size_t console_room(struct tty *tty)
{
	(void)tty;
	return TTY_OUT_SIZE; /* the port is waited for */
}

static void write_console(struct tty *tty, const char *text, size_t size)
{
	(void)tty;
	console_write(text, size);
}

static void unthrottle_console(struct tty *tty)
{
	(void)tty;
	if (READ_ONCE(filled) != READ_ONCE(emptied))
		wake_up(&ring_wait);
}

static const struct tty_driver console_driver = {
	.room = console_room,
	.write = write_console,
	.unthrottle = unthrottle_console,
};

static struct tty console_tty;

/* A character came. Interrupts off, CPU 0. */
static void console_receive(char c)
{
	u32 at = filled;

	if (at - __atomic_load_n(&emptied, __ATOMIC_ACQUIRE) == RING_SIZE)
		return;
	ring[at % RING_SIZE] = c;
	__atomic_store_n(&filled, at + 1, __ATOMIC_RELEASE);
	wake_up(&ring_wait);
}

/* Whether the thread has something to do. */
static bool can_pass_on(void)
{
	return __atomic_load_n(&filled, __ATOMIC_ACQUIRE) != emptied &&
	       n_tty_has_room(&console_tty);
}

/* Gives what came to the line discipline, up to a character that sends a signal: that is sent before
 * the ones behind it are looked at. */
static void pass_on(void)
{
	s32 sig = 0;

	down_write(&console_tty.lock);
	while (sig == 0 && can_pass_on()) {
		u8 c = ring[emptied % RING_SIZE];

		__atomic_store_n(&emptied, emptied + 1, __ATOMIC_RELEASE);
		sig = n_tty_receive(&console_tty, c);
	}
	up_write(&console_tty.lock);
	if (sig != 0)
		tty_signal(&console_tty, sig);
}

static void console_thread(void *arg)
{
	(void)arg;
	for (;;) {
		wait_event(&ring_wait, can_pass_on());
		pass_on();
	}
}

/* ---- devices ---- */

static int open_console(struct inode *inode, struct file *file)
{
	(void)inode;
	return tty_attach(file, &console_tty, TTY_CONSOLE);
}

static int open_serial(struct inode *inode, struct file *file)
{
	(void)inode;
	return tty_attach(file, &console_tty, TTY_OWN);
}

static int open_controlling(struct inode *inode, struct file *file)
{
	struct tty *tty = tty_of_current();

	(void)inode;
	return tty ? tty_attach(file, tty, TTY_OWN) : -ENXIO;
}

static const struct file_ops console_ops = {TTY_FILE_OPS, .open = open_console};
static const struct file_ops serial_ops = {TTY_FILE_OPS, .open = open_serial};
static const struct file_ops controlling_ops = {TTY_FILE_OPS, .open = open_controlling};

void console_init(void)
{
	tty_init(&console_tty, &console_driver);
	console_tty.termios.cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
	console_tty.termios.ispeed = console_tty.termios.ospeed = 115200;
	chrdev_register(CONSOLE_DEV, 1, "console", 0600, &console_ops);
	chrdev_register(MKDEV(4, 64), 1, "ttyS0", 0660, &serial_ops);
	chrdev_register(MKDEV(5, 0), 1, "tty", 0666, &controlling_ops);
	console_set_input(console_receive);
	if (kthread_run(console_thread, NULL, "console") != 0)
		panic("no memory for the console");
}

struct file *console_open(void)
{
	struct file *file;

	return do_open(AT_FDCWD, "/dev/console", O_RDWR, 0, &file) == 0 ? file : NULL;
}
