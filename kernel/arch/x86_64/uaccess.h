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

/* Whether [p, p + n) lies below USER_END. */
bool user_range_ok(const void __user *p, size_t n);

#endif
