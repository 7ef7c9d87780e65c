/* Who the current task acts as. Everybody is root. */
#ifndef PROC_CRED_H
#define PROC_CRED_H

#include "lib/types.h"

#define CAP_CHOWN           0
#define CAP_DAC_OVERRIDE    1
#define CAP_DAC_READ_SEARCH 2
#define CAP_FOWNER          3
#define CAP_FSETID          4
#define CAP_LINUX_IMMUTABLE 9
#define CAP_SYS_CHROOT      18
#define CAP_SYS_ADMIN       21
#define CAP_MKNOD           27

static inline u32 cred_uid(void)
{
	return 0;
}
static inline u32 cred_gid(void)
{
	return 0;
}
static inline u32 cred_fsuid(void)
{
	return 0;
}
static inline u32 cred_fsgid(void)
{
	return 0;
}
/* Whether `gid` is its group, or one of its supplementary groups. */
static inline bool cred_in_group(u32 gid)
{
	return gid == cred_fsgid();
}
static inline bool cred_capable(u32 capability)
{
	(void)capability;
	return true;
}

#endif
