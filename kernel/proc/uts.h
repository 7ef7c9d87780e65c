/* What the system calls itself: uname(2), /proc/version, /proc/sys/kernel. */
#ifndef PROC_UTS_H
#define PROC_UTS_H

#include "lib/types.h"

#define UTS_SYSNAME "Linux"
/* The Linux whose calls are spoken: C libraries refuse older ones. */
#define UTS_RELEASE "6.1.0-palimpsest"
#define UTS_VERSION "#1 SMP"
#define UTS_MACHINE "x86_64"

/* Bytes of a name that may be changed, its NUL not counted. */
#define UTS_NAME_LEN 64

enum uts_name {
	UTS_NODENAME,
	UTS_DOMAINNAME,
};

/* A copy, with NUL to the end. */
void uts_get(enum uts_name which, char name[UTS_NAME_LEN + 1]);
/* Sets the first `length` bytes, at most UTS_NAME_LEN. */
void uts_set(enum uts_name which, const char *name, u32 length);

#endif
