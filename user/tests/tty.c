/*
 * tty: reads its terminal with one setting after the other, and says what it got. Who types holds the
 * output against that of the same keys on Linux (tests/system/test_tty.py). Each stage prints its
 * name, and ends with a line, or a character in raw mode, that begins with 'q'.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../lib/print.h"

#ifndef XTABS
#define XTABS 0014000
#endif

struct stage {
	const char *name;
	tcflag_t iflag_on, iflag_off, oflag_on, oflag_off, lflag_on, lflag_off;
	int read_size;
	int least, tenths; /* VMIN, VTIME of raw mode */
	cc_t eol;
};

#define RAW ICANON

static const struct stage stages[] = {
	{"canonical", .read_size = 64},
	{"short reads", .read_size = 3},
	{"no ECHOKE", .lflag_off = ECHOKE, .read_size = 64},
	{"no ECHOK", .lflag_off = ECHOKE | ECHOK, .read_size = 64},
	{"no ECHOE", .lflag_off = ECHOE, .read_size = 64},
	{"no ECHOCTL", .lflag_off = ECHOCTL, .read_size = 64},
	{"ECHOPRT", .lflag_on = ECHOPRT, .read_size = 64},
	{"no ECHO", .lflag_off = ECHO, .read_size = 64},
	{"ECHONL", .lflag_off = ECHO, .lflag_on = ECHONL, .read_size = 64},
	{"no IEXTEN", .lflag_off = IEXTEN, .read_size = 64},
	{"no ISIG", .lflag_off = ISIG, .read_size = 64},
	{"EOL", .eol = ';', .read_size = 64},
	{"IUTF8", .iflag_on = IUTF8, .read_size = 64},
	{"INLCR", .iflag_on = INLCR, .iflag_off = ICRNL, .read_size = 64, .eol = '.'},
	{"IGNCR", .iflag_on = IGNCR, .read_size = 64},
	{"ISTRIP", .iflag_on = ISTRIP, .read_size = 64},
	{"IUCLC", .iflag_on = IUCLC, .read_size = 64},
	{"IXANY", .iflag_on = IXANY, .read_size = 64},
	{"no IXON", .iflag_off = IXON, .read_size = 64},
	{"no OPOST", .oflag_off = OPOST, .read_size = 64},
	{"XTABS", .oflag_on = XTABS, .read_size = 64},
	{"OLCUC", .oflag_on = OLCUC, .read_size = 64},
	{"OCRNL", .oflag_on = OCRNL, .oflag_off = ONLCR, .read_size = 64},
	{"raw", .lflag_off = RAW, .least = 1, .read_size = 64},
	{"raw, no echo", .lflag_off = RAW | ECHO, .least = 1, .read_size = 64},
	{"raw, four", .lflag_off = RAW | ECHO, .least = 4, .read_size = 64},
	{"raw, four but three", .lflag_off = RAW | ECHO, .least = 4, .read_size = 3},
	{"really raw", .iflag_off = ICRNL | IXON, .oflag_off = OPOST,
	 .lflag_off = RAW | ECHO | ISIG | IEXTEN, .least = 1, .read_size = 64},
};

static volatile int last_signal;

static void remember(int sig)
{
	last_signal = sig;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = remember};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	sigaction(SIGTSTP, &action, NULL);
	sigaction(SIGWINCH, &action, NULL);
}

/* One line that shows all bytes. */
static void show(const char *what, const unsigned char *bytes, ssize_t size)
{
	char text[600] = "";
	size_t at = 0;

	for (ssize_t i = 0; i < size && at < sizeof(text) - 5; i++) {
		if (bytes[i] > ' ' && bytes[i] < 0x7f) {
			text[at++] = (char)bytes[i];
		} else {
			static const char digits[] = "0123456789abcdef";

			text[at++] = '<';
			text[at++] = digits[bytes[i] >> 4];
			text[at++] = digits[bytes[i] & 15];
			text[at++] = '>';
		}
	}
	text[at] = '\0';
	print("%s %d: %s\r\n", what, (int)size, text);
}

/* Reads until 'q'. */
static void read_all(const struct stage *stage)
{
	unsigned char bytes[64];
	int pending;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, bytes, (size_t)stage->read_size);

		if (n < 0) {
			print("read: %s, signal %d\r\n", strerror(errno), last_signal);
			last_signal = 0;
			if (errno != EINTR)
				return;
			continue;
		}
		show("read", bytes, n);
		if (n > 0 && bytes[0] == 'q')
			break;
	}
	ioctl(STDIN_FILENO, FIONREAD, &pending);
	print("pending %d\r\n", pending);
	if (pending > 0)
		tcflush(STDIN_FILENO, TCIFLUSH);
}

static void run(const struct stage *stage, const struct termios *original)
{
	struct termios settings = *original;

	settings.c_iflag = (settings.c_iflag | stage->iflag_on) & ~stage->iflag_off;
	settings.c_oflag = (settings.c_oflag | stage->oflag_on) & ~stage->oflag_off;
	settings.c_lflag = (settings.c_lflag | stage->lflag_on) & ~stage->lflag_off;
	settings.c_cc[VEOL] = stage->eol;
	if (stage->lflag_off & ICANON) {
		settings.c_cc[VMIN] = (cc_t)stage->least;
		settings.c_cc[VTIME] = (cc_t)stage->tenths;
	}
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) != 0)
		print("tcsetattr: %s\r\n", strerror(errno));
	print("a\tb\n");
	print("stage %s\r\n", stage->name);
	read_all(stage);
	tcsetattr(STDIN_FILENO, TCSADRAIN, original);
}

/* What needs nobody who types. */
static void ask(void)
{
	struct winsize size = {.ws_row = 33, .ws_col = 77};
	struct termios settings;
	char byte;
	int zero = -1;

	tcgetattr(STDIN_FILENO, &settings);
	print("%x %x %x\n", settings.c_iflag, settings.c_oflag, settings.c_lflag);
	show("cc", settings.c_cc, 17);
	print("tty %d, leads %d, foreground %d, sid %d\n", isatty(STDIN_FILENO),
	      getsid(0) == getpid(), tcgetpgrp(STDIN_FILENO) == getpgrp(),
	      tcgetsid(STDIN_FILENO) == getsid(0));
	ioctl(STDIN_FILENO, TIOCSWINSZ, &size);
	size.ws_row = 0;
	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	print("%d rows %d columns, signal %d\n", size.ws_row, size.ws_col, last_signal);
	last_signal = 0;
	print("TIOCOUTQ %d %d\n", ioctl(STDIN_FILENO, TIOCOUTQ, &zero), zero);
	print("TIOCSPGRP %d", ioctl(STDIN_FILENO, TIOCSPGRP, &zero));
	zero = -1;
	print(" %d %s", ioctl(STDIN_FILENO, TIOCSPGRP, &zero), strerror(errno));
	zero = 999999;
	print(" %d %s\n", ioctl(STDIN_FILENO, TIOCSPGRP, &zero), strerror(errno));
	print("TIOCSCTTY %d\n", ioctl(STDIN_FILENO, TIOCSCTTY, 0));
	print("TCFLSH %d %s\n", ioctl(STDIN_FILENO, TCFLSH, 7), strerror(errno));
	print("TCGETS %d %s\n", ioctl(STDIN_FILENO, TCGETS, 8), strerror(errno));
	print("unknown %d %s\n", ioctl(STDIN_FILENO, 0x54ff, 8), strerror(errno));
	print("lseek %d %s\n", (int)lseek(STDIN_FILENO, 0, SEEK_CUR), strerror(errno));
	fcntl(STDIN_FILENO, F_SETFL, O_RDWR | O_NONBLOCK);
	print("nothing typed: %d %s\n", (int)read(STDIN_FILENO, &byte, 1), strerror(errno));
	fcntl(STDIN_FILENO, F_SETFL, O_RDWR);
	settings.c_lflag &= ~(tcflag_t)ICANON;
	settings.c_cc[VMIN] = settings.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &settings);
	print("VMIN 0, VTIME 0: %d\n", (int)read(STDIN_FILENO, &byte, 1));
	settings.c_cc[VTIME] = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &settings);
	print("VMIN 0, VTIME 1: %d\n", (int)read(STDIN_FILENO, &byte, 1));
	settings.c_lflag |= ICANON;
	settings.c_cc[VMIN] = 1;
	settings.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

int main(void)
{
	struct termios original;

	catch_signals();
	ask();
	tcgetattr(STDIN_FILENO, &original);
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		run(&stages[i], &original);
	print("tty done\n");
	return 0;
}
