/*
 * syslog(2) and /dev/kmsg over the log. Both tell the time of each message, as Linux does by default.
 *
 * A reader copies one record at a time into a buffer of its own, and that to the program with no
 * lock of the log held. What syslog(2) has read, and what it has cleared, are positions of the whole
 * system, under `reading` (RANK_SYSLOG).
 */
#include "fs/kmsg.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "cpu/log.h"
#include "cpu/wait.h"
#include "fs/chrdev.h"
#include "fs/iov_iter.h"
#include "fs/poll.h"
#include "fs/procfs/text.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"

#define KMSG_DEV    MKDEV(1, 11)
#define KMSG_RIGHTS 0644u

/* A message as a program gets it: each byte may become four ("\x0a"), or each begin a line. */
#define PREFIX_MAX 48

/* One record and its text for the program. */
struct message {
	struct log_record record;
	char text[LOG_TEXT_MAX];
	char line[4 * LOG_TEXT_MAX + PREFIX_MAX]; /* what text_line() or text_lines() made of it */
	size_t size;                              /* of that */
};

static struct rwsem reading = RWSEM_INIT(reading, RANK_SYSLOG);
static u64 cleared;        /* position behind what SYSLOG_ACTION_CLEAR cleared; or 0 */
static u64 syslog_read;    /* position behind what SYSLOG_ACTION_READ read */
static size_t read_partly; /* bytes of the next message that it has read */

/* ---- messages as text ---- */

/* For syslog(2): each line of it with its priority and time. What does not fit is left out. */
static void text_lines(struct message *message)
{
	struct text text = {.buffer = message->line, .size = sizeof(message->line)};
	const char *from = message->text, *end = from + message->record.length;
	u64 usec = message->record.time_ns / NSEC_PER_USEC;

	do {
		const char *line_end = from;

		while (line_end < end && *line_end != '\n')
			line_end++;
		size_t used = text.used;
		text_printf(&text, "<%u>[%5lu.%06lu] ", message->record.priority,
			    usec / USEC_PER_SEC, usec % USEC_PER_SEC);
		text_put(&text, from, line_end - from);
		text_put(&text, "\n", 1);
		if (text.used >= text.size) {
			text.used = used;
			break;
		}
		from = line_end + 1;
	} while (from < end);
	message->size = text.used;
}

/* For /dev/kmsg: one line, in which what cannot be printed is escaped. */
static void text_line(struct message *message)
{
	static const char digits[] = "0123456789abcdef";
	struct text text = {.buffer = message->line, .size = sizeof(message->line)};

	text_printf(&text, "%u,%lu,%lu,-;", message->record.priority, message->record.seq,
		    message->record.time_ns / NSEC_PER_USEC);
	for (u32 i = 0; i < message->record.length; i++) {
		u8 c = message->text[i];

		if (c >= ' ' && c < 127 && c != '\\') {
			text_put(&text, &c, 1);
			continue;
		}
		char escape[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
		text_put(&text, escape, sizeof(escape));
	}
	text_put(&text, "\n", 1);
	message->size = min(text.used, text.size);
}

/* The message at *position, as lines; what is gone is passed over. False: there is none. */
static bool next_lines(u64 *position, struct message *message)
{
	int found;

	while ((found = log_read(position, &message->record, message->text)) == -EPIPE)
		;
	if (found == 0)
		return false;
	text_lines(message);
	return true;
}

/* ---- syslog(2) ---- */

/* Linux's actions. */
enum {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER,
};

#define MIN_CONSOLE_LOGLEVEL 1
#define MAX_CONSOLE_LOGLEVEL 8

/* Reads on where the last call ended, as much as fits; lock held. Bytes, 0, -EFAULT. */
static long read_messages(u64 to, size_t size, struct message *message)
{
	size_t done = 0;

	/* Where the message begins is gone: so is the rest of it. */
	if (syslog_read < log_first()) {
		syslog_read = log_first();
		read_partly = 0;
	}
	while (done < size) {
		u64 position = syslog_read;

		if (!next_lines(&position, message))
			break;
		size_t skip = min(read_partly, message->size);
		size_t part = min(message->size - skip, size - done);
		if (copy_to_user((char __user *)to + done, message->line + skip, part) != 0)
			return done > 0 ? (long)done : -EFAULT;
		done += part;
		if (skip + part == message->size) {
			syslog_read = position;
			read_partly = 0;
		} else {
			read_partly = skip + part;
		}
	}
	return done;
}

static long syslog_read_on(u64 to, size_t size, struct message *message)
{
	for (;;) {
		if (down_write_killable(&reading) != 0)
			return -EINTR;
		long done = read_messages(to, size, message);
		u64 position = syslog_read;
		up_write(&reading);
		if (done != 0)
			return done;
		if (wait_event_interruptible(&log_wait, log_end() != position) != 0)
			return -ERESTARTSYS;
	}
}

/* Bytes of all messages from a position on. */
static size_t size_from(u64 position, struct message *message)
{
	size_t size = 0;

	while (next_lines(&position, message))
		size += message->size;
	return size;
}

/* The last messages that fit, of those that were not cleared. Lock held. Bytes or -EFAULT. */
static long read_last(u64 to, size_t size, struct message *message)
{
	u64 position = max(cleared, log_first());
	size_t left = size_from(position, message), done = 0;

	while (left > size && next_lines(&position, message))
		left -= min(left, message->size);
	while (next_lines(&position, message) && done + message->size <= size) {
		if (copy_to_user((char __user *)to + done, message->line, message->size) != 0)
			return -EFAULT;
		done += message->size;
	}
	return done;
}

static long syslog_read_all(u64 to, size_t size, bool clear, struct message *message)
{
	if (down_write_killable(&reading) != 0)
		return -EINTR;
	u64 end = log_end();
	long done = read_last(to, size, message);
	if (clear && done >= 0)
		cleared = end;
	up_write(&reading);
	return done;
}

static long syslog_clear(void)
{
	if (down_write_killable(&reading) != 0)
		return -EINTR;
	cleared = log_end();
	up_write(&reading);
	return 0;
}

static long size_unread(struct message *message)
{
	if (down_write_killable(&reading) != 0)
		return -EINTR;
	size_t size = size_from(syslog_read, message);
	size -= min(size, read_partly);
	up_write(&reading);
	return size;
}

/* What reads messages. */
static long syslog_get(s32 action, u64 buffer, s32 size)
{
	if (action != SYSLOG_SIZE_UNREAD) {
		if (!buffer || size < 0)
			return -EINVAL;
		if (size == 0)
			return 0;
		if (!user_range_ok((void __user *)buffer, size))
			return -EFAULT;
	}
	struct message *message = kmalloc(sizeof(*message), GFP_KERNEL);
	long result;

	if (!message)
		return -ENOMEM;
	if (action == SYSLOG_SIZE_UNREAD)
		result = size_unread(message);
	else if (action == SYSLOG_READ)
		result = syslog_read_on(buffer, size, message);
	else
		result = syslog_read_all(buffer, size, action == SYSLOG_READ_CLEAR, message);
	kfree(message);
	return result;
}

static long set_console(s32 action, s32 level)
{
	static u32 saved_loglevel; /* while it is off; 0: it is not */

	switch (action) {
	case SYSLOG_CONSOLE_OFF:
		if (!saved_loglevel)
			saved_loglevel = console_loglevel;
		WRITE_ONCE(console_loglevel, MIN_CONSOLE_LOGLEVEL);
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (saved_loglevel)
			WRITE_ONCE(console_loglevel, saved_loglevel);
		saved_loglevel = 0;
		return 0;
	default:
		if (level < MIN_CONSOLE_LOGLEVEL || level > MAX_CONSOLE_LOGLEVEL)
			return -EINVAL;
		saved_loglevel = 0;
		WRITE_ONCE(console_loglevel, level);
		return 0;
	}
}

long do_syslog(s32 action, u64 buffer, s32 size)
{
	if (action != SYSLOG_READ_ALL && action != SYSLOG_SIZE_BUFFER &&
	    !cred_capable(CAP_SYSLOG) && !cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (action) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
	case SYSLOG_SIZE_UNREAD:
		return syslog_get(action, buffer, size);
	case SYSLOG_CLEAR:
		return syslog_clear();
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL:
		return set_console(action, size);
	case SYSLOG_SIZE_BUFFER:
		return LOG_SIZE;
	default:
		return -EINVAL;
	}
}

/* ---- /dev/kmsg ---- */

/* The position of a file in the log. The one that lseek(2) tells is always 0. */
static u64 position_of(const struct file *file)
{
	return (u64)READ_ONCE(file->private);
}

static void set_position(struct file *file, u64 position)
{
	WRITE_ONCE(file->private, (void *)position);
}

static int open_kmsg(struct inode *inode, struct file *file)
{
	(void)inode;
	set_position(file, log_first());
	return 0;
}

/* One record, which must fit. */
static long read_record(struct file *file, void __user *to, size_t size, struct message *message)
{
	u64 position = position_of(file);
	int found = log_read(&position, &message->record, message->text);

	if (found == 0)
		return 0;
	if (found > 0) {
		text_line(message);
		if (message->size > size)
			return -EINVAL;
	}
	/* What was lost is told once. */
	set_position(file, position);
	if (found < 0)
		return found;
	return copy_to_user(to, message->line, message->size) != 0 ? -EFAULT : (long)message->size;
}

/* file->lock is held: readers of one file come one after the other. */
static long read_kmsg(struct file *file, void __user *to, size_t size, u64 *pos)
{
	struct message *message = kmalloc(sizeof(*message), GFP_KERNEL);
	long done;

	(void)pos;
	if (!message)
		return -ENOMEM;
	while ((done = read_record(file, to, size, message)) == 0) {
		done = -EAGAIN;
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			break;
		done = -ERESTARTSYS;
		if (wait_event_interruptible(&log_wait, log_end() != position_of(file)) != 0)
			break;
	}
	kfree(message);
	return done;
}

/* "<priority>" at the beginning of a message, passed over; nobody but the kernel speaks for it. */
static u32 take_priority(const char **text, size_t *size)
{
	u32 priority = 0, at = 1;

	while (at < *size && (*text)[at] >= '0' && (*text)[at] <= '9' && priority < 10000)
		priority = priority * 10 + ((*text)[at++] - '0');
	if (*size == 0 || **text != '<' || at == 1 || at >= *size || (*text)[at] != '>')
		return LOG_FACILITY_USER << 3 | LOG_LEVEL_WARNING;
	*text += at + 1;
	*size -= at + 1;
	return priority >> 3 ? priority : LOG_FACILITY_USER << 3 | priority;
}

static long write_kmsg(struct file *file, struct iov_iter *from)
{
	size_t size = from->count, whole = size;

	(void)file;
	if (size > LOG_TEXT_MAX)
		return -EINVAL;
	char *buffer = kmalloc(size + 1, GFP_KERNEL);
	const char *text = buffer;
	if (!buffer)
		return -ENOMEM;
	if (copy_from_iter(buffer, from, size) != 0) {
		kfree(buffer);
		return -EFAULT;
	}
	/* A text ends where a string does. */
	size = strnlen(text, size);
	u32 priority = take_priority(&text, &size);
	if (size > 0 && text[size - 1] == '\n')
		size--;
	log_write(priority, text, size);
	kfree(buffer);
	return whole;
}

static s64 seek_kmsg(struct file *file, s64 offset, u32 whence)
{
	if (offset != 0)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		set_position(file, log_first());
		return 0;
	case SEEK_DATA:
		set_position(file, max(READ_ONCE(cleared), log_first()));
		return 0;
	case SEEK_END:
		set_position(file, log_end());
		return 0;
	default:
		return -EINVAL;
	}
}

static u32 poll_kmsg(struct file *file, struct poll_table *table)
{
	u64 position = position_of(file);

	poll_wait(file, &log_wait, table);
	if (position < log_first())
		return EPOLL_READABLE | EPOLLERR | EPOLLPRI;
	return position != log_end() ? EPOLL_READABLE : 0;
}

static const struct file_ops kmsg_ops = {
	.open = open_kmsg,
	.read = read_kmsg,
	.write_iter = write_kmsg,
	.seek = seek_kmsg,
	.poll = poll_kmsg,
};

void kmsg_init(void)
{
	chrdev_register(KMSG_DEV, 1, "kmsg", KMSG_RIGHTS, &kmsg_ops);
}
