/* What calls that take path names have in common. */
#ifndef SYSCALL_PATH_H
#define SYSCALL_PATH_H

#include "fs/namei.h"

/* The place that a name of the program leads to, with references; LOOKUP_*. */
int lookup_user(u64 dirfd, u64 user_name, u32 flags, struct path *path);

#endif
