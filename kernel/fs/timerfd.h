/* timerfd: a timer that is read. */
#ifndef FS_TIMERFD_H
#define FS_TIMERFD_H

#include "fs/file.h"
#include "proc/itimer.h"

/* A file with a timer that is not armed; flags: O_NONBLOCK or 0. 0, -ENOMEM. */
int timerfd_create(u32 flags, struct file **result);

/* The former setting in *old. `absolute`: new->value_ns is a time of clock_ns(). 0, -EINVAL: the file
 * is no timerfd. */
int timerfd_set(struct file *file, const struct timer_setting *new, bool absolute,
		struct timer_setting *old);
int timerfd_get(struct file *file, struct timer_setting *setting);

#endif
