/*
 * One line at a time from any CPU to the log, and to the console. RANK_PRINTK keeps lines whole, and
 * guards the ring; the sink takes its own lock inside. After a panic no lock is taken: its owner may
 * be a CPU that stopped, and only one CPU still prints.
 *
 * In the ring a record is a header, then its text, aligned to eight bytes. One that does not fit
 * before the end of the buffer begins at its start, behind a header that only says so.
 */
#include "cpu/log.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "cpu/wait.h"
#include "lib/printf.h"
#include "lib/string.h"

static DEFINE_SPINLOCK(printk_lock, RANK_PRINTK);
static void (*console_sink)(const char *text, size_t size);
static void (*input_handler)(char c);
u32 console_loglevel = DEFAULT_CONSOLE_LOGLEVEL;
DEFINE_WAIT_QUEUE(log_wait);

#define SKIPS (~0u) /* length of the header at the end of the buffer */

/* Positions are bytes ever; written under printk_lock. */
static u8 ring[LOG_SIZE] __aligned(8);
static u64 first, end, next_seq;

void console_register(void (*sink)(const char *text, size_t size))
{
	console_sink = sink;
}

void console_set_input(void (*handler)(char c))
{
	WRITE_ONCE(input_handler, handler);
}

void console_input(char c)
{
	void (*handler)(char c) = READ_ONCE(input_handler);

	if (handler)
		handler(c);
}

/* ---- the ring; printk_lock held ---- */

static struct log_record *record_at(u64 position)
{
	return (struct log_record *)&ring[position % LOG_SIZE];
}

static u64 room_to_end(u64 position)
{
	return LOG_SIZE - position % LOG_SIZE;
}

/* Where the record begins that is at or behind a position: a header does not fit, or says so. */
static u64 begin_of(u64 position)
{
	u64 room = room_to_end(position);

	if (position == end)
		return position;
	return room < sizeof(struct log_record) || record_at(position)->length == SKIPS
		       ? position + room
		       : position;
}

static u64 behind(u64 position)
{
	return position + ALIGN_UP(sizeof(struct log_record) + record_at(position)->length, 8ul);
}

static void make_room(u64 new_end)
{
	while (new_end - first > LOG_SIZE)
		WRITE_ONCE(first, begin_of(behind(begin_of(first))));
}

static void store(u32 priority, const char *text, size_t length)
{
	u64 size = ALIGN_UP(sizeof(struct log_record) + length, 8ul), at = end;
	u64 room = room_to_end(at);

	if (room < size)
		at += room;
	make_room(at + size);
	if (at != end && room >= sizeof(struct log_record))
		record_at(end)->length = SKIPS;
	*record_at(at) = (struct log_record){
		.seq = next_seq++,
		.time_ns = clock_ns(),
		.priority = priority,
		.length = length,
	};
	memcpy(record_at(at) + 1, text, length);
	WRITE_ONCE(end, at + size);
}

/* ---- both ---- */

static bool is_shown(u32 priority)
{
	return console_sink &&
	       (panic_in_progress() || (priority & 7) < READ_ONCE(console_loglevel));
}

static void write_line(u32 priority, const char *text, size_t length)
{
	store(priority, text, length);
	if (!is_shown(priority))
		return;
	console_sink(text, length);
	console_sink("\r\n", 2);
}

void log_write(u32 priority, const char *text, size_t length)
{
	length = min(length, (size_t)LOG_TEXT_MAX);
	if (panic_in_progress()) {
		write_line(priority, text, length);
		return;
	}
	u64 flags = spin_lock_irqsave(&printk_lock);
	write_line(priority, text, length);
	spin_unlock_irqrestore(&printk_lock, flags);
}

int log_read(u64 *position, struct log_record *record, char text[LOG_TEXT_MAX])
{
	int result = 0;
	u64 flags = spin_lock_irqsave(&printk_lock);

	if (*position < first) {
		*position = first;
		result = -EPIPE;
	} else if (*position != end) {
		u64 at = begin_of(*position);

		*record = *record_at(at);
		memcpy(text, record_at(at) + 1, record->length);
		*position = behind(at);
		result = 1;
	}
	spin_unlock_irqrestore(&printk_lock, flags);
	return result;
}

u64 log_first(void)
{
	return READ_ONCE(first);
}

u64 log_end(void)
{
	return READ_ONCE(end);
}

void log_tick(void)
{
	static u64 told;
	u64 now = log_end();

	if (likely(told == now))
		return;
	told = now;
	wake_up(&log_wait);
}

void console_write(const char *text, size_t size)
{
	if (!console_sink)
		return;
	if (panic_in_progress()) {
		console_sink(text, size);
		return;
	}
	u64 flags = spin_lock_irqsave(&printk_lock);
	console_sink(text, size);
	spin_unlock_irqrestore(&printk_lock, flags);
}

void printk(const char *format, ...)
{
	char line[PRINTK_MAX];
	va_list args;
	size_t size;

	va_start(args, format);
	size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_write(LOG_LEVEL_INFO, line, min(size, sizeof(line) - 3));
}
