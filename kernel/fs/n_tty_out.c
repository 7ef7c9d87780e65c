/* What becomes of written and echoed characters. See tty.h; tty->lock is held in all of it. */
#include "fs/tty.h"
#include "lib/string.h"

#define TAB_WIDTH 8

static void emit(struct tty *tty, u8 c)
{
	/* Full only with echo while output is stopped: nobody sees what is typed then. */
	if (tty->nr_out < TTY_OUT_SIZE)
		tty->out[tty->nr_out++] = c;
}

static void put_newline(struct tty *tty)
{
	u32 oflag = tty->termios.oflag;

	if (oflag & ONLCR)
		emit(tty, '\r');
	emit(tty, '\n');
	if (oflag & (ONLCR | ONLRET))
		tty->column = 0;
	tty->line_column = tty->column;
}

static void put_return(struct tty *tty)
{
	u32 oflag = tty->termios.oflag;

	if ((oflag & ONOCR) && tty->column == 0)
		return;
	emit(tty, oflag & OCRNL ? '\n' : '\r');
	if (!(oflag & OCRNL) || (oflag & ONLRET))
		tty->column = tty->line_column = 0;
}

static void put_tab(struct tty *tty)
{
	u32 width = TAB_WIDTH - tty->column % TAB_WIDTH;

	tty->column += width;
	if ((tty->termios.oflag & TABDLY) != XTABS) {
		emit(tty, '\t');
		return;
	}
	while (width-- > 0)
		emit(tty, ' ');
}

static void put_plain(struct tty *tty, u8 c)
{
	if (!tty_is_control(c)) {
		if ((tty->termios.oflag & OLCUC) && c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		if (!tty_is_continuation(tty, c))
			tty->column++;
	}
	emit(tty, c);
}

void tty_put(struct tty *tty, u8 c)
{
	if (!(tty->termios.oflag & OPOST)) {
		emit(tty, c);
		return;
	}
	switch (c) {
	case '\n':
		put_newline(tty);
		break;
	case '\r':
		put_return(tty);
		break;
	case '\t':
		put_tab(tty);
		break;
	case '\b':
		if (tty->column > 0)
			tty->column--;
		emit(tty, c);
		break;
	default:
		put_plain(tty, c);
		break;
	}
}

void tty_echo(struct tty *tty, u8 c)
{
	if ((tty->termios.lflag & ECHOCTL) && tty_is_control(c) && c != '\t') {
		emit(tty, '^');
		emit(tty, c ^ 0100);
		tty->column += 2; /* also without OPOST, as on Linux */
	} else {
		tty_put(tty, c);
	}
}

void tty_back(struct tty *tty)
{
	emit(tty, '\b');
	if (tty->column > 0)
		tty->column--;
}

void tty_flush(struct tty *tty)
{
	if (tty->is_stopped || tty->nr_out == 0)
		return;
	/* Echo for which the driver has no room is lost; writers have asked before. */
	tty->driver->write(tty, tty->out, min((size_t)tty->nr_out, tty->driver->room(tty)));
	tty->nr_out = 0;
}

void tty_stop(struct tty *tty)
{
	WRITE_ONCE(tty->is_stopped, true);
}

void tty_start(struct tty *tty)
{
	WRITE_ONCE(tty->is_stopped, false);
	tty_flush(tty);
	wake_up(&tty->write_wait);
}
