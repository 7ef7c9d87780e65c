/*
 * Copies between kernel and user memory: the only code that follows a user pointer. The range is
 * checked against USER_END, a fault inside is resolved or ends the copy. May sleep; no spinlock
 * held. All return 0 or -EFAULT; how much of a failed copy was done is unspecified, except where
 * said.
 */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include "lib/types.h"

int __must_check copy_from_user(void *to, const void __user *from, size_t n);
int __must_check copy_to_user(void __user *to, const void *from, size_t n);

/* Copies a text with its terminator. Returns its length without it, -ENAMETOOLONG when it has no
 * terminator within `size` bytes, -EFAULT. */
long __must_check strncpy_from_user(char *to, const char __user *from, size_t size);

/* As copy_from_user(), but what is not mapped at this moment is -EFAULT too. Spinlocks may be held. */
int __must_check copy_from_user_nofault(void *to, const void __user *from, size_t n);

/* Sets a word of user memory to `new` if it holds *old, in one step; *old becomes what it held.
 * Spinlocks may be held: then what is not mapped and writable at this moment is -EFAULT. */
int __must_check cmpxchg_user(u32 __user *at, u32 *old, u32 new);

/* Whether [p, p + n) lies below USER_END. */
bool user_range_ok(const void __user *p, size_t n);

#endif
