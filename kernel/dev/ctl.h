/* Commands from the host. */
#ifndef DEV_CTL_H
#define DEV_CTL_H

#include "lib/types.h"

/*
 * Starts the thread `kctl`, which carries out what the host writes to the control port. After
 * virtio_serial_init(), and virtio_serial_trace_ready() where there is a trace. Returns 0 or -ENOMEM. May sleep.
 */
int __must_check ctl_init(void);

#endif
