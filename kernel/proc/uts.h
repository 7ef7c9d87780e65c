/* What the system calls itself: uname(2), /proc/version, /proc/sys/kernel. */
#ifndef PROC_UTS_H
#define PROC_UTS_H

#define UTS_SYSNAME  "Linux"
#define UTS_NODENAME "palimpsest"
/* The Linux whose calls are spoken: C libraries refuse older ones. */
#define UTS_RELEASE    "6.1.0-palimpsest"
#define UTS_VERSION    "#1 SMP"
#define UTS_MACHINE    "x86_64"
#define UTS_DOMAINNAME "(none)"

#endif
