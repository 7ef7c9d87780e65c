/* Files of terminals: what read, write, poll and ioctl do with a struct tty. See tty.h. */
#include "fs/tty.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "fs/iov_iter.h"
#include "fs/poll.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/signal.h"

#define TENTH_NS   (NSEC_PER_SEC / 10) /* the unit of VTIME */
#define SMALL_READ 128                 /* needs no allocation */

static const struct termios default_termios = {
	.iflag = ICRNL | IXON,
	.oflag = OPOST | ONLCR,
	.cflag = B38400 | CS8 | CREAD | HUPCL,
	.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.cc = {[VINTR] = 'C' & 0x1f,
	       [VQUIT] = '\\' & 0x1f,
	       [VERASE] = 0x7f,
	       [VKILL] = 'U' & 0x1f,
	       [VEOF] = 'D' & 0x1f,
	       [VMIN] = 1,
	       [VSTART] = 'Q' & 0x1f,
	       [VSTOP] = 'S' & 0x1f,
	       [VSUSP] = 'Z' & 0x1f,
	       [VREPRINT] = 'R' & 0x1f,
	       [VDISCARD] = 'O' & 0x1f,
	       [VWERASE] = 'W' & 0x1f,
	       [VLNEXT] = 'V' & 0x1f},
	.ispeed = 38400,
	.ospeed = 38400,
};

void tty_init(struct tty *tty, const struct tty_driver *driver)
{
	tty->driver = driver;
	tty->termios = default_termios;
	rwsem_init(&tty->lock, RANK_TTY);
	wait_queue_init(&tty->read_wait);
	wait_queue_init(&tty->write_wait);
}

/* What an open file is. */
struct tty_file {
	struct tty *tty;
	bool is_console;
	u32 hangups; /* of the terminal when it was opened */
};

static struct tty *tty_of(struct file *file)
{
	const struct tty_file *opened = file->private;

	return opened->tty;
}

static bool is_console(struct file *file)
{
	const struct tty_file *opened = file->private;

	return opened->is_console;
}

static bool is_hung_up(struct file *file)
{
	const struct tty_file *opened = file->private;

	return !opened->is_console && opened->hangups != READ_ONCE(opened->tty->hangups);
}

/* ---- reading ---- */

/* What a reader waits for. Raw mode: VMIN and VTIME of termios(3). */
struct read_limits {
	size_t least;    /* bytes that are enough */
	u64 deadline_ns; /* POLL_FOREVER, or when it returns with what it has */
	u64 gap_ns;      /* the deadline after each byte, or 0 */
};

static struct read_limits read_limits(struct tty *tty)
{
	u64 gap_ns = tty->termios.cc[VTIME] * TENTH_NS;
	size_t least = tty->termios.cc[VMIN];

	if (tty->termios.lflag & ICANON)
		return (struct read_limits){.least = 1, .deadline_ns = POLL_FOREVER};
	if (least > 0)
		return (struct read_limits){
			.least = least, .deadline_ns = POLL_FOREVER, .gap_ns = gap_ns};
	return (struct read_limits){.least = 1, .deadline_ns = clock_ns() + gap_ns};
}

/* Sleeps until there is something to read, the terminal hangs up, a signal comes or the deadline. */
static void wait_for_input(struct file *file, u64 deadline_ns)
{
	struct tty *tty = tty_of(file);
	struct wait_entry wait;

	wait_entry_init(&wait);
	wait_prepare(&tty->read_wait, &wait, TASK_INTERRUPTIBLE);
	if (!n_tty_can_read(tty, 1) && !is_hung_up(file) && !current_has_signal()) {
		if (deadline_ns == POLL_FOREVER)
			schedule();
		else
			schedule_until(deadline_ns);
	}
	wait_finish(&tty->read_wait, &wait);
}

/* Why a reader that has not enough must not wait any longer: -errno, or 1 for the end of what there
 * is; 0: it waits. */
static long why_not_wait(struct file *file, u64 deadline_ns)
{
	if (is_hung_up(file))
		return 1;
	if (deadline_ns != POLL_FOREVER && clock_ns() >= deadline_ns)
		return 1;
	if (READ_ONCE(file->flags) & O_NONBLOCK)
		return -EAGAIN;
	return current_has_signal() ? -ERESTARTSYS : 0;
}

/* Fills `to`. Bytes, or -errno. */
static long read_bytes(struct file *file, char *to, size_t size)
{
	struct tty *tty = tty_of(file);
	struct read_limits limits = read_limits(tty);
	size_t got = 0;
	bool line;

	for (;;) {
		long why = is_console(file) ? 0 : tty_check_background(tty, SIGTTIN);

		if (why != 0)
			return got > 0 ? (long)got : why;
		down_write(&tty->lock);
		size_t more = n_tty_take(tty, to + got, size - got, &line);
		up_write(&tty->lock);
		got += more;
		if (line || got >= min(limits.least, size))
			return got;
		if (more > 0 && limits.gap_ns > 0)
			limits.deadline_ns = clock_ns() + limits.gap_ns;
		why = why_not_wait(file, limits.deadline_ns);
		if (why != 0)
			return got > 0 || why > 0 ? (long)got : why;
		wait_for_input(file, limits.deadline_ns);
	}
}

long tty_read(struct file *file, struct iov_iter *to)
{
	size_t size = min(to->count, (size_t)TTY_INPUT_SIZE);
	char small[SMALL_READ], *bytes = small;

	if (is_hung_up(file))
		return 0;
	if (size > sizeof(small))
		bytes = kmalloc(size, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	long result = read_bytes(file, bytes, size);
	if (result > 0 && copy_to_iter(to, bytes, result) != 0)
		result = -EFAULT;
	if (bytes != small)
		kfree(bytes);
	return result;
}

/* ---- writing ---- */

/* How many of `size` bytes can be written now, whatever they become. Lock held. */
static size_t write_room(struct tty *tty, size_t size)
{
	size_t room = tty->driver->room(tty);

	if (tty->is_stopped)
		return 0;
	/* A tab becomes eight spaces. */
	return min(size, tty->termios.oflag & OPOST ? room / 8 : room);
}

/* Writes what there is room for. Bytes. */
static size_t write_bytes(struct tty *tty, const char *bytes, size_t size)
{
	down_write(&tty->lock);
	size = write_room(tty, size);
	for (size_t i = 0; i < size; i++)
		tty_put(tty, bytes[i]);
	tty_flush(tty);
	up_write(&tty->lock);
	return size;
}

static bool can_write(const struct tty *tty)
{
	return !READ_ONCE(tty->is_stopped) && tty->driver->room((struct tty *)tty) >= 8;
}

/* Writes a chunk, waiting for room. Bytes, less than `size` only when it must not wait, or -errno. */
static long write_chunk(struct file *file, const char *bytes, size_t size)
{
	struct tty *tty = tty_of(file);
	size_t done = 0;

	for (;;) {
		done += write_bytes(tty, bytes + done, size - done);
		if (done == size)
			return done;
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			return done > 0 ? (long)done : -EAGAIN;
		if (wait_event_interruptible(&tty->write_wait,
					     can_write(tty) || is_hung_up(file)) != 0)
			return done > 0 ? (long)done : -ERESTARTSYS;
		if (is_hung_up(file))
			return done > 0 ? (long)done : -EIO;
	}
}

long tty_write(struct file *file, struct iov_iter *from)
{
	struct tty *tty = tty_of(file);
	char chunk[TTY_CHUNK_SIZE];
	long total = 0;

	if (is_hung_up(file))
		return -EIO;
	if ((READ_ONCE(tty->termios.lflag) & TOSTOP) && !is_console(file)) {
		long error = tty_check_background(tty, SIGTTOU);

		if (error != 0)
			return error;
	}
	while (from->count > 0) {
		size_t size = min(from->count, sizeof(chunk));

		/* The same as a signal that comes while it waits for room. */
		if (current_has_signal())
			return total > 0 ? total : -ERESTARTSYS;
		if (copy_from_iter(chunk, from, size) != 0)
			return total > 0 ? total : -EFAULT;
		long done = write_chunk(file, chunk, size);
		if (done < 0)
			return total > 0 ? total : done;
		total += done;
		if ((size_t)done < size)
			break;
		cond_resched();
	}
	return total;
}

/* ---- poll ---- */

u32 tty_poll(struct file *file, struct poll_table *table)
{
	struct tty *tty = tty_of(file);
	u32 least = tty->termios.cc[VTIME] == 0 ? tty->termios.cc[VMIN] : 0;
	u32 events = 0;

	poll_wait(file, &tty->read_wait, table);
	poll_wait(file, &tty->write_wait, table);
	if (is_hung_up(file))
		return EPOLL_READABLE | EPOLL_WRITABLE | EPOLLERR | EPOLLHUP;
	if (n_tty_can_read(tty, max(least, 1u)))
		events |= EPOLL_READABLE;
	if (can_write(tty))
		events |= EPOLL_WRITABLE;
	return events;
}

/* ---- ioctl ---- */

static long get_termios(struct tty *tty, void __user *to, size_t size)
{
	down_write(&tty->lock);
	struct termios termios = tty->termios;
	up_write(&tty->lock);
	return copy_to_user(to, &termios, size);
}

static long set_termios(struct tty *tty, u32 request, const void __user *from, size_t size)
{
	int error = tty_check_background(tty, SIGTTOU);
	struct termios termios;

	if (error != 0)
		return error;
	down_write(&tty->lock);
	termios = tty->termios; /* the speeds, which TCSETS does not have */
	up_write(&tty->lock);
	if (copy_from_user(&termios, from, size) != 0)
		return -EFAULT;
	down_write(&tty->lock);
	/* Nothing is ever on its way out, so there is nothing to wait for. */
	if (request == TCSETSF || request == TCSETSF2)
		n_tty_flush_input(tty);
	n_tty_set_termios(tty, &termios);
	up_write(&tty->lock);
	return 0;
}

static long flush(struct tty *tty, u64 which)
{
	int error = tty_check_background(tty, SIGTTOU);

	if (error != 0)
		return error;
	if (which > TCIOFLUSH)
		return -EINVAL;
	down_write(&tty->lock);
	if (which != TCOFLUSH)
		n_tty_flush_input(tty);
	if (which != TCIFLUSH)
		tty->nr_out = 0;
	up_write(&tty->lock);
	return 0;
}

static long change_flow(struct tty *tty, u64 what)
{
	int error = tty_check_background(tty, SIGTTOU);

	if (error != 0)
		return error;
	if (what > TCION)
		return -EINVAL;
	down_write(&tty->lock);
	if (what == TCOOFF)
		tty_stop(tty);
	else if (what == TCOON)
		tty_start(tty);
	else
		tty->driver->write(tty, (char *)&tty->termios.cc[what == TCIOFF ? VSTOP : VSTART],
				   1);
	up_write(&tty->lock);
	return 0;
}

static long get_winsize(struct tty *tty, void __user *to)
{
	down_write(&tty->lock);
	struct winsize size = tty->winsize;
	up_write(&tty->lock);
	return copy_to_user(to, &size, sizeof(size));
}

static long set_winsize(struct tty *tty, const void __user *from)
{
	struct winsize size;

	if (copy_from_user(&size, from, sizeof(size)) != 0)
		return -EFAULT;
	down_write(&tty->lock);
	bool changed = memcmp(&size, &tty->winsize, sizeof(size)) != 0;
	tty->winsize = size;
	up_write(&tty->lock);
	if (changed)
		tty_signal(tty, SIGWINCH);
	return 0;
}

static long count_pending(struct tty *tty, void __user *to)
{
	down_write(&tty->lock);
	s32 nr = n_tty_pending(tty);
	up_write(&tty->lock);
	return copy_to_user(to, &nr, sizeof(nr));
}

/* As if it had been typed. */
static long simulate_input(struct tty *tty, const void __user *from)
{
	u8 c;

	if (tty_of_current() != tty && !cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&c, from, sizeof(c)) != 0)
		return -EFAULT;
	down_write(&tty->lock);
	s32 sig = n_tty_receive(tty, c);
	up_write(&tty->lock);
	if (sig != 0)
		tty_signal(tty, sig);
	return 0;
}

static long put_zero(void __user *to)
{
	s32 zero = 0;

	return copy_to_user(to, &zero, sizeof(zero));
}

long tty_ioctl(struct file *file, u32 request, void __user *arg)
{
	struct tty *tty = tty_of(file);

	if (is_hung_up(file))
		return -EIO;
	switch (request) {
	case TCGETS:
		return get_termios(tty, arg, TERMIOS_SIZE);
	case TCGETS2:
		return get_termios(tty, arg, TERMIOS2_SIZE);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(tty, request, arg, TERMIOS_SIZE);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios(tty, request, arg, TERMIOS2_SIZE);
	case TCSBRK:
	case TCSBRKP:
		return tty_check_background(tty, SIGTTOU);
	case TCXONC:
		return change_flow(tty, (u64)arg);
	case TCFLSH:
		return flush(tty, (u64)arg);
	case TIOCGWINSZ:
		return get_winsize(tty, arg);
	case TIOCSWINSZ:
		return set_winsize(tty, arg);
	case FIONREAD:
		return count_pending(tty, arg);
	case TIOCOUTQ:
	case TIOCGETD:
		return put_zero(arg);
	case TIOCSTI:
		return simulate_input(tty, arg);
	default:
		return tty_job_ioctl(tty, file->mode & FMODE_READ, request, (u64)arg);
	}
}

/* ---- opening ---- */

int tty_attach(struct file *file, struct tty *tty, enum tty_open_kind kind)
{
	struct tty_file *opened = kmalloc(sizeof(*opened), GFP_KERNEL);

	if (!opened)
		return -ENOMEM;
	*opened = (struct tty_file){
		.tty = tty, .is_console = kind == TTY_CONSOLE, .hangups = READ_ONCE(tty->hangups)};
	file->private = opened;
	file->mode |= FMODE_STREAM;
	if (kind == TTY_OWN && !(file->flags & O_NOCTTY))
		tty_open_controlling(tty);
	return 0;
}

void tty_release(struct file *file)
{
	kfree(file->private);
}
