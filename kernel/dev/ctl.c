/*
 * Commands from the host: lines of text on the control port, carried out in order by one thread,
 * without an answer on the port; their effect is in the trace, and what is wrong with them on the
 * console.
 *
 *   barrier              emit the next trace_barrier
 *   hold                 the same, and let nothing move until the host sends another line: its memory can be read
 *   go                   nothing: the line that ends a hold
 *   stop                 end the session
 *   state                emit another baseline
 *   trace on|off         switch all events; `off` emits trace_off, `on` a baseline; the first one starts a trace
 *                        that was deferred
 *   event NAME on|off    switch one
 *
 * Owns the line being received, on the thread's stack: no lock. A line that is too long is dropped
 * as a whole, up to its end.
 */
#include "dev/ctl.h"

#include "cpu/irqflags.h"
#include "cpu/kthread.h"
#include "cpu/panic.h"
#include "cpu/quiesce.h"
#include "dev/virtio_serial.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "proc/session.h"

#define LINE_SIZE 80
#define MAX_WORDS 3

/* The line being received. */
struct line {
	char text[LINE_SIZE];
	u32 length;
	bool too_long;
};

static int parse_switch(const char *word, bool *on)
{
	*on = strcmp(word, "on") == 0;
	return *on || strcmp(word, "off") == 0 ? 0 : -EINVAL;
}

static int run_state(char *args[])
{
	(void)args;
	return session_state();
}

static int run_barrier(char *args[])
{
	(void)args;
	session_barrier();
	return 0;
}

/* What came in one piece with the command was sent before the host could know of the hold, and waits behind it. */
static int run_hold(char *args[])
{
	(void)args;
	quiesce_begin();
	printk("palimpsest: held at barrier %lu", session_barrier_quiesced());
	while (!virtio_serial_has_input())
		cpu_relax();
	quiesce_end();
	return 0;
}

static int run_go(char *args[])
{
	(void)args;
	return 0;
}

static int run_stop(char *args[])
{
	(void)args;
	session_end(0, SESSION_STOP);
}

static int run_trace(char *args[])
{
	bool on;

	if (parse_switch(args[0], &on))
		return -EINVAL;
	if (!trace_started())
		return on ? session_start_deferred_trace() : -EBUSY;
	return on ? session_state() : session_pause();
}

static int run_event(char *args[])
{
	bool on;

	if (parse_switch(args[1], &on))
		return -EINVAL;
	if (on && !trace_started())
		return -EBUSY;
	return trace_enable(args[0], on);
}

/* run() gets the words behind the name. -EINVAL: not understood; -ENOENT: no such event; -EBUSY:
 * tracing has not begun. */
static const struct command {
	const char *name;
	u32 nr_args;
	int (*run)(char *args[]);
} commands[] = {
	{"barrier", 0, run_barrier}, {"hold", 0, run_hold}, {"go", 0, run_go},
	{"state", 0, run_state},     {"stop", 0, run_stop}, {"trace", 1, run_trace},
	{"event", 2, run_event},
};

/* Cuts a text into words, in place. Returns their number; MAX_WORDS + 1 when there are too many. */
static u32 split(char *text, char *words[MAX_WORDS])
{
	u32 nr = 0;

	for (;;) {
		while (*text == ' ')
			text++;
		if (!*text)
			return nr;
		if (nr == MAX_WORDS)
			return nr + 1;
		words[nr++] = text;
		while (*text && *text != ' ')
			text++;
		if (*text)
			*text++ = '\0';
	}
}

static int run_words(char *words[], u32 nr)
{
	for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, words[0]) == 0)
			return commands[i].nr_args == nr - 1 ? commands[i].run(words + 1) : -EINVAL;
	return -EINVAL;
}

static void run_line(char *text)
{
	char original[LINE_SIZE];
	char *words[MAX_WORDS];
	u32 nr;
	int error;

	strscpy_pad(original, text, sizeof(original));
	nr = split(text, words);
	if (nr == 0)
		return;
	error = nr > MAX_WORDS ? -EINVAL : run_words(words, nr);
	if (error == -ENOENT)
		printk("ctl: no such event: \"%s\"", original);
	else if (error == -EBUSY)
		printk("ctl: tracing has not begun: \"%s\"", original);
	else if (error)
		printk("ctl: not understood: \"%s\"", original);
}

/* Takes one byte from the host; carries out the line that it completes. */
static void receive(struct line *line, char byte)
{
	if (byte == '\n') {
		line->text[line->length] = '\0';
		if (line->too_long)
			printk("ctl: a line of more than %u bytes was dropped", LINE_SIZE - 1);
		else
			run_line(line->text);
		line->length = 0;
		line->too_long = false;
	} else if (line->length == LINE_SIZE - 1) {
		line->too_long = true;
	} else {
		/* What is not printable would play with the terminal when it is quoted on the
		 * console. */
		line->text[line->length++] = byte >= ' ' && byte <= '~' ? byte : '?';
	}
}

static void ctl_thread(void *arg)
{
	char buffer[VIRTIO_SERIAL_READ_MAX];
	struct line line = {.length = 0};

	(void)arg;
	for (;;) {
		u32 length = virtio_serial_read(buffer);

		for (u32 i = 0; i < length; i++)
			receive(&line, buffer[i]);
	}
}

int ctl_init(void)
{
	return kthread_run(ctl_thread, NULL, "kctl");
}
