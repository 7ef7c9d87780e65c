/*
 * struct tty: a terminal. What is typed comes through tty_receive(), what is written goes out by its
 * driver; between them and programs stands the line discipline (termios(3)).
 *
 *   tty.c         files of terminals: read, write, poll, ioctl
 *   n_tty.c       what typed characters do: editing, signals, lines
 *   n_tty_out.c   what written and echoed characters become
 *   tty_job.c     sessions, process groups, hang-up
 *   console.c     the serial console
 *
 * Who may read and write: [L] tty->lock, a sleeping lock; [T] tasks_lock; [C] constant. Sleepers
 * look at some of [L] without it, and are woken after it changed.
 */
#ifndef FS_TTY_H
#define FS_TTY_H

#include "cpu/rwsem.h"
#include "fs/file.h"
#include "fs/termios.h"

#define TTY_INPUT_SIZE 4096 /* a line is one less at most */
#define TTY_CHUNK_SIZE 256  /* written bytes that go out together */
#define TTY_OUT_SIZE   (8 * TTY_CHUNK_SIZE + 64)

struct process;
struct tty;

struct tty_driver {
	/* Bytes that write() takes now; when there are none, tty->write_wait is woken later. */
	size_t (*room)(struct tty *tty);
	void (*write)(struct tty *tty, const char *text, size_t size);
	/* A reader made room: input that waited for it may come. */
	void (*unthrottle)(struct tty *tty);
};

struct tty {
	const struct tty_driver *driver; /* [C] */
	struct rwsem lock;               /* RANK_TTY */
	struct termios termios;          /* [L] */
	struct winsize winsize;          /* [L] */

	/* Input: bytes that ever came and were read; positions in the buffer modulo its size. */
	u32 head, tail; /* [L] */
	u32 line_end;   /* [L] behind the last whole line; canonical mode reads up to here */
	u8 input[TTY_INPUT_SIZE];
	u64 ends[TTY_INPUT_SIZE /
		 64];      /* [L] bit: the byte ends a line; with '\0' it is an end of file */
	bool literal_next; /* [L] behind VLNEXT */
	bool is_erasing;   /* [L] ECHOPRT: inside of \.../ */

	/* Output. */
	bool is_stopped;        /* [L] by VSTOP or TCOOFF */
	u32 column;             /* [L] where the cursor is */
	u32 line_column;        /* [L] where it was when the line of input began */
	u32 nr_out;             /* [L] of those that follow */
	char out[TTY_OUT_SIZE]; /* [L] processed, on the way to the driver */

	struct wait_queue read_wait, write_wait;

	s32 sid, pgid; /* [T] the session that it controls, its foreground group; or 0 */
	u32 hangups;   /* [T] files opened before the last one are dead */
};

/* Default settings. */
void tty_init(struct tty *tty, const struct tty_driver *driver);

/* ---- n_tty.c: lock held ---- */

/* A character was typed. The signal that it sends to the foreground group once the lock is released,
 * or 0. */
s32 n_tty_receive(struct tty *tty, u8 c);
/* Whether one more character can be taken. */
bool n_tty_has_room(const struct tty *tty);
/* Forgets what was typed and not read. */
void n_tty_flush_input(struct tty *tty);
/* Takes up to `size` bytes for a reader: in canonical mode at most one line, and *line says that it
 * was all of one (or the end of file). */
size_t n_tty_take(struct tty *tty, char *to, size_t size, bool *line);
/* Bytes for FIONREAD. */
u32 n_tty_pending(const struct tty *tty);
/* New settings. */
void n_tty_set_termios(struct tty *tty, const struct termios *termios);

/* Whether a reader of at least `least` bytes (in canonical mode: of a line) need not wait. A hint
 * without the lock. */
bool n_tty_can_read(const struct tty *tty, u32 least);

/* ---- n_tty_out.c: lock held ---- */

/* A written byte, processed as OPOST says. */
void tty_put(struct tty *tty, u8 c);
/* An echoed character: control characters as ^X with ECHOCTL. */
void tty_echo(struct tty *tty, u8 c);
/* The cursor goes one column back, whatever the settings. */
void tty_back(struct tty *tty);
/* Sends what was put, unless output is stopped. */
void tty_flush(struct tty *tty);
void tty_stop(struct tty *tty);
void tty_start(struct tty *tty);

static inline bool tty_is_control(u8 c)
{
	return c < ' ' || c == 0x7f;
}
/* Not the first byte of a character. */
static inline bool tty_is_continuation(const struct tty *tty, u8 c)
{
	return (tty->termios.iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* ---- tty_job.c ---- */

/* Sends a signal to the foreground group. No locks held. */
void tty_signal(struct tty *tty, s32 sig);
/* Whether the current process may use the terminal now: 0; in the background it is sent `sig`
 * (SIGTTIN or SIGTTOU): -ERESTARTSYS; or -EIO. */
int tty_check_background(struct tty *tty, s32 sig);
/* open(2) without O_NOCTTY: a session leader without a terminal gets it. */
void tty_open_controlling(struct tty *tty);
/* The requests about sessions and groups, by a file that may be read or not; -ENOTTY for any other. */
long tty_job_ioctl(struct tty *tty, bool may_read, u32 request, u64 arg);
/* The terminal that controls the current process, or NULL: of /dev/tty. */
struct tty *tty_of_current(void);

/* ---- tty.c ---- */

/* Makes a file, being opened, one of the terminal. 0 or -ENOMEM. */
enum tty_open_kind {
	TTY_OWN,     /* becomes the controlling terminal of a session leader without one */
	TTY_CONSOLE, /* does not; no job control, and a hang-up does not reach it */
};
int tty_attach(struct file *file, struct tty *tty, enum tty_open_kind kind);

/* All operations but open, which calls tty_attach(). */
long tty_read(struct file *file, struct iov_iter *to);
long tty_write(struct file *file, struct iov_iter *from);
u32 tty_poll(struct file *file, struct poll_table *table);
long tty_ioctl(struct file *file, u32 request, void __user *arg);
void tty_release(struct file *file);
#define TTY_FILE_OPS                                                                          \
	.read_iter = tty_read, .write_iter = tty_write, .poll = tty_poll, .ioctl = tty_ioctl, \
	.release = tty_release

#endif
