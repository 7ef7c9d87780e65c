/* The log of the kernel (cpu/log.h) as programs see it: syslog(2) and /dev/kmsg. */
#ifndef FS_KMSG_H
#define FS_KMSG_H

#include "lib/types.h"

/* syslog(2), its rights included. Linux's actions and errors. */
long do_syslog(s32 action, u64 buffer, s32 size);

/* Makes /dev/kmsg. */
void kmsg_init(void);

#endif
