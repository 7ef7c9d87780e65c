/* What a signal tells beside its number: the part of Linux's siginfo_t that is used; the rest of
 * its 128 bytes is zero. */
#ifndef PROC_SIGINFO_H
#define PROC_SIGINFO_H

#include "lib/types.h"

/* Values of `code`; Linux's. Above 0 the kernel sent it. */
#define SI_USER     0
#define SI_KERNEL   0x80
#define SI_QUEUE    (-1)
#define SI_TIMER    (-2)
#define SI_TKILL    (-6)
#define SI_DETHREAD (-7)
#define SI_ASYNCNL  (-60)

#define ILL_ILLOPN    2
#define FPE_INTDIV    1
#define FPE_FLTDIV    3
#define FPE_FLTOVF    4
#define FPE_FLTUND    5
#define FPE_FLTRES    6
#define FPE_FLTINV    7
#define SEGV_MAPERR   1
#define SEGV_ACCERR   2
#define BUS_ADRALN    1
#define BUS_ADRERR    2
#define TRAP_BRKPT    1
#define TRAP_TRACE    2
#define TRAP_HWBKPT   4
#define CLD_EXITED    1
#define CLD_KILLED    2
#define CLD_DUMPED    3
#define CLD_STOPPED   5
#define CLD_CONTINUED 6

struct siginfo {
	s32 signo, error, code, pad;
	union {
		struct {
			s32 pid;
			u32 uid;
			u64 value;
		} sender; /* kill, tkill, sigqueue */
		struct {
			s32 id, overrun;
			u64 value;
		} timer; /* SI_TIMER */
		struct {
			s32 pid;
			u32 uid;
			s32 status, pad;
			s64 user_ticks, system_ticks;
		} child; /* SIGCHLD of the kernel */
		struct {
			u64 address;
		} fault;
		u8 bytes[32];
	};
};

static_assert(sizeof(struct siginfo) == 48, "what Linux keeps of a siginfo_t");

#endif
