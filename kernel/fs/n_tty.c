/*
 * What typed characters do, as termios(3) says and Linux does where that leaves it open. See tty.h;
 * tty->lock is held.
 *
 * Input is a ring. In canonical mode a line grows between line_end and head, where it may still be
 * edited; what ends it has a bit in `ends`. In raw mode all of [tail, head) can be read.
 */
#include "cpu/panic.h"
#include "fs/tty.h"
#include "lib/string.h"
#include "proc/signal.h"

#define RING_MASK   (TTY_INPUT_SIZE - 1)
#define TAB_WIDTH   8
#define END_OF_FILE '\0' /* in the ring, with its bit in `ends` */

static bool is_canonical(const struct tty *tty)
{
	return READ_ONCE(tty->termios.lflag) & ICANON;
}

/* Whether c is that special character; one that is '\0' is switched off. */
static bool is_char(const struct tty *tty, u8 c, u32 index)
{
	return c != '\0' && c == tty->termios.cc[index];
}

static bool has_lflag(const struct tty *tty, u32 flags)
{
	return (tty->termios.lflag & flags) == flags;
}

/* ---- the ring ---- */

static void set_end(struct tty *tty, u32 at)
{
	at &= RING_MASK;
	tty->ends[at / 64] |= BIT(at % 64);
}

static bool take_end(struct tty *tty, u32 at)
{
	at &= RING_MASK;
	bool was_end = tty->ends[at / 64] & BIT(at % 64);
	tty->ends[at / 64] &= ~BIT(at % 64);
	return was_end;
}

static u8 input_at(const struct tty *tty, u32 at)
{
	return tty->input[at & RING_MASK];
}

static void store(struct tty *tty, u8 c)
{
	/* A line that is too long keeps its beginning and its last character. */
	if (tty->head - tty->tail == TTY_INPUT_SIZE)
		tty->head--;
	tty->input[tty->head & RING_MASK] = c;
	WRITE_ONCE(tty->head, tty->head + 1);
}

/* A reader must come before more fits; not so where only a line that is not whole yet fills the
 * ring: nobody can read that. */
bool n_tty_has_room(const struct tty *tty)
{
	if (tty->head - tty->tail < TTY_INPUT_SIZE - 1)
		return true;
	return is_canonical(tty) && tty->line_end == tty->tail;
}

void n_tty_flush_input(struct tty *tty)
{
	WRITE_ONCE(tty->tail, tty->head);
	WRITE_ONCE(tty->line_end, tty->head);
	memset(tty->ends, 0, sizeof(tty->ends));
	tty->is_erasing = false;
	tty->driver->unthrottle(tty);
}

/* Ends the line with what is at the head already, or with c. */
static void end_line(struct tty *tty, u8 c)
{
	store(tty, c);
	set_end(tty, tty->head - 1);
	WRITE_ONCE(tty->line_end, tty->head);
	wake_up(&tty->read_wait);
}

/* ---- editing ---- */

static void finish_erasing(struct tty *tty)
{
	if (tty->is_erasing)
		tty_put(tty, '/');
	tty->is_erasing = false;
}

static void rub_out(struct tty *tty, u32 columns)
{
	while (columns-- > 0) {
		tty_put(tty, '\b');
		tty_put(tty, ' ');
		tty_put(tty, '\b');
	}
}

/* Columns that a character took when it was echoed; not for tabs. */
static u32 width_of(const struct tty *tty, u8 c)
{
	if (tty_is_control(c))
		return has_lflag(tty, ECHOCTL) ? 2 : 0;
	return !tty_is_continuation(tty, c);
}

/* Moves back over a tab that was at the head: as far as it reached. */
static void rub_out_tab(struct tty *tty)
{
	u32 before = 0, at = tty->head; /* columns since the last tab, or the begin of the line */
	bool after_tab = false;

	while (at != tty->line_end && !after_tab) {
		u8 c = input_at(tty, --at);

		after_tab = c == '\t';
		if (!after_tab)
			before += width_of(tty, c);
	}
	if (!after_tab)
		before += tty->line_column;
	for (u32 n = TAB_WIDTH - before % TAB_WIDTH; n > 0; n--)
		tty_back(tty);
}

enum erase_kind { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

/* The screen after the character at [head, end) of the ring was erased; its first byte is c. */
static void echo_erased(struct tty *tty, u8 c, u32 end, enum erase_kind kind)
{
	if (!has_lflag(tty, ECHO))
		return;
	if (has_lflag(tty, ECHOPRT)) {
		if (!tty->is_erasing)
			tty_put(tty, '\\');
		tty->is_erasing = true;
		tty_echo(tty, c);
		for (u32 at = tty->head + 1; at != end; at++)
			tty_put(tty, input_at(tty, at));
	} else if (kind == ERASE_CHAR && !has_lflag(tty, ECHOE)) {
		tty_echo(tty, tty->termios.cc[VERASE]);
	} else if (c == '\t') {
		rub_out_tab(tty);
	} else {
		rub_out(tty, width_of(tty, c));
	}
}

static bool is_word_char(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* Erases from the head, all bytes of a character at once. */
static void erase(struct tty *tty, enum erase_kind kind)
{
	bool in_word = false;

	while (tty->head != tty->line_end) {
		u32 end = tty->head, at = end;
		u8 c;

		do
			c = input_at(tty, --at);
		while (tty_is_continuation(tty, c) && at != tty->line_end);
		if (tty_is_continuation(tty, c))
			break; /* the beginning of the character is in another line */
		if (kind == ERASE_WORD && in_word && !is_word_char(c))
			break;
		in_word = in_word || is_word_char(c);
		WRITE_ONCE(tty->head, at);
		echo_erased(tty, c, end, kind);
		if (kind == ERASE_CHAR)
			break;
	}
	if (tty->head == tty->line_end && has_lflag(tty, ECHO))
		finish_erasing(tty);
}

static void kill_line(struct tty *tty)
{
	if (tty->head == tty->line_end)
		return;
	if (has_lflag(tty, ECHO | ECHOK | ECHOKE | ECHOE)) {
		erase(tty, ERASE_LINE);
		return;
	}
	WRITE_ONCE(tty->head, tty->line_end);
	if (!has_lflag(tty, ECHO))
		return;
	finish_erasing(tty);
	tty_echo(tty, tty->termios.cc[VKILL]);
	if (has_lflag(tty, ECHOK))
		tty_put(tty, '\n');
}

static void reprint(struct tty *tty)
{
	finish_erasing(tty);
	tty_echo(tty, tty->termios.cc[VREPRINT]);
	tty_put(tty, '\n');
	for (u32 at = tty->line_end; at != tty->head; at++)
		tty_echo(tty, input_at(tty, at));
}

static void expect_literal(struct tty *tty)
{
	tty->literal_next = true;
	if (!has_lflag(tty, ECHO))
		return;
	finish_erasing(tty);
	if (has_lflag(tty, ECHOCTL)) {
		tty_put(tty, '^');
		tty_put(tty, '\b');
	}
}

/* ---- one character ---- */

/* Shows a character that is just text. */
static void echo_text(struct tty *tty, u8 c)
{
	if (!has_lflag(tty, ECHO))
		return;
	finish_erasing(tty);
	if (tty->head == tty->line_end)
		tty->line_column = tty->column;
	tty_echo(tty, c);
}

static void store_text(struct tty *tty, u8 c)
{
	/* With PARMRK \377 begins a mark, and stands for itself when doubled. */
	if (c == 0xff && (tty->termios.iflag & PARMRK))
		store(tty, c);
	store(tty, c);
	if (!is_canonical(tty))
		wake_up(&tty->read_wait);
}

/* Canonical mode: editing and ends of lines. Whether c was one of that. */
static bool receive_editing(struct tty *tty, u8 c)
{
	bool extended = has_lflag(tty, IEXTEN);

	if (is_char(tty, c, VERASE))
		erase(tty, ERASE_CHAR);
	else if (is_char(tty, c, VKILL))
		kill_line(tty);
	else if (extended && is_char(tty, c, VWERASE))
		erase(tty, ERASE_WORD);
	else if (extended && is_char(tty, c, VLNEXT))
		expect_literal(tty);
	else if (extended && has_lflag(tty, ECHO) && is_char(tty, c, VREPRINT))
		reprint(tty);
	else
		return false;
	return true;
}

static bool receive_line_end(struct tty *tty, u8 c)
{
	if (c == '\n') {
		if (tty->termios.lflag & (ECHO | ECHONL))
			tty_put(tty, '\n');
	} else if (is_char(tty, c, VEOF)) {
		c = END_OF_FILE;
	} else if (is_char(tty, c, VEOL) || (has_lflag(tty, IEXTEN) && is_char(tty, c, VEOL2))) {
		echo_text(tty, c);
		if (c == 0xff && (tty->termios.iflag & PARMRK))
			store(tty, c);
	} else {
		return false;
	}
	end_line(tty, c);
	return true;
}

static s32 signal_of(const struct tty *tty, u8 c)
{
	if (!has_lflag(tty, ISIG))
		return 0;
	if (is_char(tty, c, VINTR))
		return SIGINT;
	if (is_char(tty, c, VQUIT))
		return SIGQUIT;
	return is_char(tty, c, VSUSP) ? SIGTSTP : 0;
}

static void receive_signal(struct tty *tty, u8 c)
{
	if (!has_lflag(tty, NOFLSH)) {
		n_tty_flush_input(tty);
		tty->nr_out = 0;
	}
	if (tty->termios.iflag & IXON)
		tty_start(tty);
	if (has_lflag(tty, ECHO))
		tty_echo(tty, c);
}

/* VSTART and VSTOP, and with IXANY any other character. Whether c was one of the two. */
static bool receive_flow_control(struct tty *tty, u8 c)
{
	if (!(tty->termios.iflag & IXON))
		return false;
	if (is_char(tty, c, VSTART)) {
		tty_start(tty);
		return true;
	}
	if (is_char(tty, c, VSTOP)) {
		tty_stop(tty);
		return true;
	}
	if (tty->is_stopped && (tty->termios.iflag & IXANY))
		tty_start(tty);
	return false;
}

static u8 strip(const struct tty *tty, u8 c)
{
	if (tty->termios.iflag & ISTRIP)
		c &= 0x7f;
	if ((tty->termios.iflag & IUCLC) && has_lflag(tty, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	return c;
}

static s32 receive(struct tty *tty, u8 c)
{
	u32 iflag = tty->termios.iflag;
	s32 sig;

	c = strip(tty, c);
	if (tty->literal_next) {
		tty->literal_next = false;
		echo_text(tty, c);
		store_text(tty, c);
		return 0;
	}
	if (receive_flow_control(tty, c))
		return 0;
	sig = signal_of(tty, c);
	if (sig != 0) {
		receive_signal(tty, c);
		return sig;
	}
	if (c == '\r' && (iflag & IGNCR))
		return 0;
	bool is_return = c == '\r' && (iflag & ICRNL);
	if (is_return)
		c = '\n';
	else if (c == '\n' && (iflag & INLCR))
		c = '\r';
	if (is_canonical(tty) && (receive_editing(tty, c) || receive_line_end(tty, c)))
		return 0;
	/* As on Linux, raw mode shows a newline that was typed as such as ^J. */
	if (!is_return)
		echo_text(tty, c);
	else if (has_lflag(tty, ECHO))
		tty_put(tty, '\n');
	store_text(tty, c);
	return 0;
}

s32 n_tty_receive(struct tty *tty, u8 c)
{
	s32 sig = receive(tty, c);

	tty_flush(tty);
	return sig;
}

/* ---- readers ---- */

bool n_tty_can_read(const struct tty *tty, u32 least)
{
	u32 tail = READ_ONCE(tty->tail);

	if (is_canonical(tty))
		return READ_ONCE(tty->line_end) != tail;
	return READ_ONCE(tty->head) - tail >= least;
}

static size_t take_line(struct tty *tty, char *to, size_t size, bool *line)
{
	size_t done = 0;

	while (done < size && tty->tail != tty->line_end && !*line) {
		u8 c = input_at(tty, tty->tail);

		*line = take_end(tty, tty->tail);
		WRITE_ONCE(tty->tail, tty->tail + 1);
		if (!*line || c != END_OF_FILE)
			to[done++] = c;
	}
	return done;
}

size_t n_tty_take(struct tty *tty, char *to, size_t size, bool *line)
{
	size_t done = 0;

	*line = false;
	if (is_canonical(tty)) {
		done = take_line(tty, to, size, line);
	} else {
		while (done < size && tty->tail != tty->head) {
			to[done++] = input_at(tty, tty->tail);
			WRITE_ONCE(tty->tail, tty->tail + 1);
		}
	}
	if (done > 0 || *line)
		tty->driver->unthrottle(tty);
	return done;
}

u32 n_tty_pending(const struct tty *tty)
{
	u32 nr = 0;

	if (!is_canonical(tty))
		return tty->head - tty->tail;
	for (u32 at = tty->tail; at != tty->line_end; at++) {
		bool is_end = tty->ends[(at & RING_MASK) / 64] & BIT(at % 64);

		nr += !is_end || input_at(tty, at) != END_OF_FILE;
	}
	return nr;
}

/* ---- settings ---- */

/* What was typed in the other mode: in canonical mode it becomes a line that was ended by nothing. */
static void change_mode(struct tty *tty)
{
	memset(tty->ends, 0, sizeof(tty->ends));
	WRITE_ONCE(tty->line_end, tty->tail);
	if (is_canonical(tty) && tty->head != tty->tail) {
		set_end(tty, tty->head - 1);
		WRITE_ONCE(tty->line_end, tty->head);
	}
	tty->is_erasing = false;
	tty->literal_next = false;
}

void n_tty_set_termios(struct tty *tty, const struct termios *termios)
{
	u32 lflag = tty->termios.lflag, iflag = tty->termios.iflag;

	tty->termios = *termios;
	if ((lflag ^ termios->lflag) & ICANON)
		change_mode(tty);
	if ((iflag & IXON) && !(termios->iflag & IXON))
		tty_start(tty);
	wake_up(&tty->write_wait);
	wake_up(&tty->read_wait);
}
