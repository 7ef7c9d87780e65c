/*
 * System calls. sys_NAME() takes its arguments as the registers hold them, checks them, and returns
 * what the program gets: a value or -errno. Runs with interrupts on and no locks held; may sleep.
 * Pointers are followed by uaccess.h only.
 */
#ifndef SYSCALL_SYSCALL_H
#define SYSCALL_SYSCALL_H

#include "lib/types.h"

#define DECLARE_0(name) long sys_##name(void);
#define DECLARE_1(name) long sys_##name(u64);
#define DECLARE_2(name) long sys_##name(u64, u64);
#define DECLARE_3(name) long sys_##name(u64, u64, u64);
#define DECLARE_4(name) long sys_##name(u64, u64, u64, u64);
#define DECLARE_5(name) long sys_##name(u64, u64, u64, u64, u64);
#define DECLARE_6(name) long sys_##name(u64, u64, u64, u64, u64, u64);

#define SYSCALL(nr, name, nargs) DECLARE_##nargs(name)
#include "syscall/table.def"
#undef SYSCALL

/* For a case of a call that this kernel does not have: traces the call and returns -ENOSYS. */
long sys_not_implemented(void);

/* Copies a path into fresh memory, to be given back with kfree(). 0, -EFAULT, -ENAMETOOLONG,
 * -ENOMEM. */
int copy_path(u64 user_path, char **path);

#endif
