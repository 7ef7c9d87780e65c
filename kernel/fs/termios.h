/* Terminals in the ABI: struct termios, its flags and characters, and the requests of ioctl_tty(2). */
#ifndef FS_TERMIOS_H
#define FS_TERMIOS_H

#include "lib/types.h"

#define NCCS 19

/* What TCGETS2 has; TCGETS has all but the speeds. */
struct termios {
	u32 iflag, oflag, cflag, lflag;
	u8 line;
	u8 cc[NCCS];
	u32 ispeed, ospeed;
};
#define TERMIOS_SIZE  36
#define TERMIOS2_SIZE 44
static_assert(sizeof(struct termios) == TERMIOS2_SIZE, "ABI");
static_assert(offsetof(struct termios, ispeed) == TERMIOS_SIZE, "ABI");

struct winsize {
	u16 rows, columns, width_pixels, height_pixels;
};

/* Indices of cc. */
enum {
	VINTR,
	VQUIT,
	VERASE,
	VKILL,
	VEOF,
	VTIME,
	VMIN,
	VSWTC,
	VSTART,
	VSTOP,
	VSUSP,
	VEOL,
	VREPRINT,
	VDISCARD,
	VWERASE,
	VLNEXT,
	VEOL2,
};

/* iflag */
#define IGNBRK 0000001u
#define BRKINT 0000002u
#define PARMRK 0000010u
#define ISTRIP 0000040u
#define INLCR  0000100u
#define IGNCR  0000200u
#define ICRNL  0000400u
#define IUCLC  0001000u
#define IXON   0002000u
#define IXANY  0004000u
#define IUTF8  0040000u

/* oflag */
#define OPOST  0000001u
#define OLCUC  0000002u
#define ONLCR  0000004u
#define OCRNL  0000010u
#define ONOCR  0000020u
#define ONLRET 0000040u
#define TABDLY 0014000u
#define XTABS  0014000u

/* cflag */
#define B38400  0000017u
#define B115200 0010002u
#define CS8     0000060u
#define CREAD   0000200u
#define HUPCL   0002000u
#define CLOCAL  0004000u

/* lflag */
#define ISIG    0000001u
#define ICANON  0000002u
#define ECHO    0000010u
#define ECHOE   0000020u
#define ECHOK   0000040u
#define ECHONL  0000100u
#define NOFLSH  0000200u
#define TOSTOP  0000400u
#define ECHOCTL 0001000u
#define ECHOPRT 0002000u
#define ECHOKE  0004000u
#define IEXTEN  0100000u

#define TCGETS     0x5401u
#define TCSETS     0x5402u
#define TCSETSW    0x5403u
#define TCSETSF    0x5404u
#define TCSBRK     0x5409u
#define TCXONC     0x540au
#define TCFLSH     0x540bu
#define TIOCSCTTY  0x540eu
#define TIOCGPGRP  0x540fu
#define TIOCSPGRP  0x5410u
#define TIOCOUTQ   0x5411u
#define TIOCSTI    0x5412u
#define TIOCGWINSZ 0x5413u
#define TIOCSWINSZ 0x5414u
#define FIONREAD   0x541bu /* TIOCINQ */
#define TIOCNOTTY  0x5422u
#define TIOCGETD   0x5424u
#define TCSBRKP    0x5425u
#define TIOCGSID   0x5429u
#define TCGETS2    0x802c542au
#define TCSETS2    0x402c542bu
#define TCSETSW2   0x402c542cu
#define TCSETSF2   0x402c542du

/* Arguments of TCFLSH and TCXONC. */
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { TCOOFF, TCOON, TCIOFF, TCION };

#endif
